#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cost_model/bound.h"
#include "cost_model/cost_model.h"
#include "graphs/grouping.h"
#include "graphs/model_loader.h"
#include "placer/constraints.h"
#include "placer/problem.h"
#include "runner/simulated_runner.h"
#include "runner/step_worker.h"

namespace placer {

/// Groups above this number are merged unless the user says otherwise: about the size of the
/// paper's largest model (NMT, 280 groups), so that every method sees a problem it can search.
inline constexpr std::size_t kDefaultMaxGroups = 100;

/// Which model, and how it is read.
struct ModelSpec {
  std::string model;
  std::optional<std::int64_t> batch;
  bool training = false;
  std::optional<std::string> optimizer;  ///< sgd, momentum, adam; needs `training`
  /// Of a TorchScript model: its example inputs, and the output whose sum is the loss (StepSource).
  std::vector<std::string> inputs;
  std::string loss;

  /// A TorchScript model is captured in a worker process of its own, which ends with this call.
  /// @param stop  ends the capturing
  /// @throws InputError, WorkerError
  [[nodiscard]] LoadedModel Load(const std::stop_token& stop = {}) const;
  /// The model is a TorchScript file: it can be executed, and not only simulated.
  [[nodiscard]] bool is_executable() const { return IsTorchScriptFile(model); }
  /// What a worker executes. @throws InputError if the model cannot be executed, or for options
  /// that do not suit it
  [[nodiscard]] StepSource Source(const std::vector<std::string>& devices) const;
};

/// What is decided, on what, and how it is judged, in the words of a user.
struct ProblemSpec {
  std::string cluster;                    ///< as LoadCluster() takes it
  std::string devices;                    ///< "cpu:0,cpu:1" of this machine, instead of a cluster
  std::string profile;                    ///< file of measured times; empty: none
  std::string order = "fifo";             ///< or critical-path
  std::string objective = "latency";      ///< or max-load
  std::string space = "groups";           ///< or scopes, ops
  std::optional<std::size_t> max_groups;  ///< 0: no cap; default: kDefaultMaxGroups
  Constraints constraints;                ///< what every plan must keep to

  /// @throws InputError for unknown words
  [[nodiscard]] SimulationOptions Simulation() const;
  /// @throws InputError
  [[nodiscard]] Cluster LoadTarget() const;
  /// @param apart_label  as in ConstrainedProblem
  [[nodiscard]] Grouping Group(const Graph& graph,
                               const std::vector<std::uint32_t>& apart_label = {}) const;
};

/// A model on a cluster, ready to be searched: everything a search or a simulation needs, kept
/// alive together. Const access is thread-safe.
class Workbench {
 public:
  /// @throws InputError
  Workbench(LoadedModel model, const ProblemSpec& spec);
  /// The same on a cluster that is there already; spec.cluster and spec.devices are not read.
  Workbench(LoadedModel model, Cluster cluster, const ProblemSpec& spec = {});
  /// The same with measured times that are there already; spec.profile is not read.
  Workbench(LoadedModel model, Cluster cluster, const ProblemSpec& spec, const Profile& profile);
  ~Workbench() = default;
  Workbench(const Workbench&) = delete;
  Workbench& operator=(const Workbench&) = delete;

  /// Graph and cluster as given: what plans are saved for. Runner and problem have the same ops and
  /// devices with the constraints put in (fewer allowed devices, less memory).
  [[nodiscard]] const Graph& graph() const noexcept { return model_.graph; }
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept {
    return model_.warnings;
  }
  [[nodiscard]] const Cluster& cluster() const noexcept { return cluster_; }
  [[nodiscard]] const CostModel& costs() const noexcept { return costs_; }
  [[nodiscard]] const SimulatedRunner& runner() const noexcept { return runner_; }
  [[nodiscard]] const Problem& problem() const noexcept { return problem_; }
  [[nodiscard]] Objective objective() const noexcept { return runner_.options().objective; }
  [[nodiscard]] const LowerBound& lower_bound() const noexcept { return lower_bound_; }
  /// What no placement can beat under the objective. When steps are pipelined only the load counts.
  [[nodiscard]] Picoseconds bound() const noexcept;
  /// What the bound comes from: "load", "critical path", ...
  [[nodiscard]] std::string_view binding() const noexcept;
  /// Step time / bound - 1: the true gap is at most this. 0 for an empty step.
  [[nodiscard]] double GapLimit(Picoseconds step_time) const noexcept;
  /// Sum over ops of the smallest time on any allowed device.
  [[nodiscard]] Picoseconds work() const noexcept { return work_; }
  /// What is in memory for the whole step, wherever it is: parameters, inputs, optimizer state.
  [[nodiscard]] std::int64_t resident_bytes() const noexcept;
  /// Memory of all devices, less head-room.
  [[nodiscard]] std::int64_t capacity_bytes() const noexcept;
  /// What is wrong with a placement, constraints included; memory is the runner's business.
  [[nodiscard]] std::vector<std::string> Faults(const Placement& placement) const;

 private:
  [[nodiscard]] const Graph& placed_graph() const noexcept {
    return constrained_ ? constrained_->graph : model_.graph;
  }
  [[nodiscard]] const Cluster& placed_cluster() const noexcept {
    return constrained_ ? constrained_->cluster : cluster_;
  }

  void AddProfileWarnings(const Profile& profile);

  LoadedModel model_;
  Cluster cluster_;
  std::optional<ConstrainedProblem> constrained_;  ///< if there are constraints
  CostModel costs_;
  SimulatedRunner runner_;
  Problem problem_;
  LowerBound lower_bound_;
  Picoseconds work_{0};
};

}  // namespace placer
