#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runner/step_executor.h"
#include "runner/torch/detail/program.h"
#include "runner/torch/detail/replay_plan.h"

namespace placer::detail {

/// The content of tensors after a step, for comparing it with the original.
struct StepContent {
  std::vector<std::optional<std::uint64_t>> hashes;  ///< by slot, where the program has one
  std::vector<at::Tensor> outputs, gradients;        ///< as in the program
  std::vector<at::Tensor> residents;                 ///< where written, else undefined
};

/// Worker threads, one per device, and the values they work on. Not thread-safe.
class ReplayEngine {
 public:
  /// Program and graph must outlive this. @throws InputError for devices that are not there
  ReplayEngine(const Program& program, const Graph& graph, const std::vector<std::string>& devices);
  ~ReplayEngine();
  ReplayEngine(const ReplayEngine&) = delete;
  ReplayEngine& operator=(const ReplayEngine&) = delete;

  /// @param shared  all workers take ops from device 0, whatever the placement says
  void Place(const Placement& placement, bool shared);
  /// @param content  may be null; if not, time is not what counts
  /// @throws Error if an op fails; WorkerError if memory does not suffice
  ExecutedStep Run(bool record, StepContent* content = nullptr);
  [[nodiscard]] bool has_gpu() const;
  /// Cores of the host devices, in order.
  [[nodiscard]] std::vector<int> cores() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace placer::detail
