#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cost_model/cost_model.h"
#include "runner/runner.h"

namespace placer {

/// Which of its ready ops an idle device starts.
enum class ScheduleOrder : std::uint8_t {
  kFifo,          ///< the one ready earliest, ties by op index
  kCriticalPath,  ///< the one with the longest way to the end under this placement, ties by op
                  ///< index
};
enum class Objective : std::uint8_t {
  kLatency,  ///< time of one step
  kMaxLoad,  ///< load of the busiest device when steps are pipelined (Tarnawski et al., NeurIPS
             ///< 2020)
};

struct SimulationOptions {
  ScheduleOrder order = ScheduleOrder::kFifo;
  Objective objective = Objective::kLatency;
  bool operator==(const SimulationOptions&) const = default;
};

/// Everything that happened in one simulated step, in order of start. Times in picoseconds from the
/// start of the step.
struct Trace {
  struct OpRun {
    OpId op;
    DeviceId device;
    Picoseconds start{0}, end{0};
    bool operator==(const OpRun&) const = default;
  };
  struct Transfer {
    std::uint32_t payload =
        0;                  ///< tensor index; num_tensors + op index for the control edge of an op
    DeviceId destination;   ///< where the route ends
    std::uint32_t hop = 0;  ///< index into cluster.hops()
    std::int64_t bytes = 0;
    Picoseconds requested{0}, start{0}, end{0};
    bool operator==(const Transfer&) const = default;
  };
  struct MemoryPoint {
    DeviceId device;
    Picoseconds time{0};
    std::int64_t bytes =
        0;  ///< in use from `time` on; allocations of an instant come before its frees
    bool operator==(const MemoryPoint&) const = default;
  };
  std::vector<OpRun> ops;  ///< resident ops are left out
  std::vector<Transfer> transfers;
  std::vector<MemoryPoint> memory;
  bool operator==(const Trace&) const = default;
};

/// Discrete-event simulation of one step; the semantics are written down in docs/simulator.md.
class SimulatedRunner final : public Runner {
 public:
  SimulatedRunner(const Graph& graph, const Cluster& cluster, const CostModel& costs,
                  SimulationOptions options = {});
  ~SimulatedRunner() override;

  struct Tables;  ///< private to runner/

  [[nodiscard]] const CostModel& costs() const noexcept { return costs_; }
  [[nodiscard]] const SimulationOptions& options() const noexcept { return options_; }

  /// One thread's simulator with its own buffers; no allocation per evaluation. The runner must
  /// outlive it.
  class Evaluator {
   public:
    explicit Evaluator(const SimulatedRunner& runner);
    ~Evaluator();
    Evaluator(Evaluator&&) noexcept;
    Evaluator& operator=(Evaluator&&) noexcept;
    /// @param device_of_op  [num_ops], valid for graph and cluster (not checked)
    [[nodiscard]] StepSummary Evaluate(std::span<const DeviceId> device_of_op);

   private:
    struct State;
    std::unique_ptr<State> state_;
  };

  /// The full report of Run() and what happened when.
  [[nodiscard]] StepReport RunWithTrace(const Placement& placement, Trace* trace) const;

 private:
  struct EvaluatorPool;
  [[nodiscard]] StepReport DoRun(const Placement& placement) const override;
  void DoRunBatch(std::span<const Placement> placements,
                  std::span<StepSummary> summaries) const override;

  const CostModel& costs_;
  SimulationOptions options_;
  std::unique_ptr<const Tables> tables_;
  std::unique_ptr<EvaluatorPool> pool_;  ///< an evaluator per thread
};

}  // namespace placer
