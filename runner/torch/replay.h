#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graphs/graph.h"
#include "graphs/training.h"
#include "runner/step_executor.h"
#include "runner/torch/input_spec.h"

namespace placer {

namespace detail {
struct CapturedState;
}

struct CaptureOptions {
  std::vector<InputSpec> inputs;
  bool training = false;  ///< forward, loss, backward and optimizer update; otherwise forward alone
  Optimizer optimizer = Optimizer::kMomentum;  ///< LibTorch's own, learning rate kLearningRate
  /// Output whose sum is the loss. Empty: an output called `loss`, or else the sum of all outputs
  /// that have a gradient, so that auxiliary heads learn too.
  std::string loss;
  std::uint64_t seed = 1;  ///< of the example inputs and of random ops
};
/// Small, so that repeated steps on one batch stay finite.
inline constexpr double kLearningRate = 1e-3;

/// One step of a TorchScript model, captured op by op: the graph, and what it takes to run every op
/// again. Movable.
class CapturedStep {
 public:
  explicit CapturedStep(std::unique_ptr<detail::CapturedState> state);
  ~CapturedStep();
  CapturedStep(CapturedStep&&) noexcept;
  CapturedStep& operator=(CapturedStep&&) noexcept;

  /// Ops below autograd, as LibTorch dispatches them (`layer1.0.conv1/aten::convolution`), in the
  /// order of the original step. Model inputs, parameters, buffers, constants and optimizer state
  /// are resident ops. Ops that share memory (views, in-place writes) share a device.
  [[nodiscard]] const Graph& graph() const noexcept;
  /// One line each.
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept;
  /// Names of what the step returns: `out`, `out.0`, `out.logits`; unique.
  [[nodiscard]] std::vector<std::string> output_names() const;

  [[nodiscard]] detail::CapturedState& state() const noexcept { return *state_; }

 private:
  std::unique_ptr<detail::CapturedState> state_;
};

/// Runs the step twice, with different inputs and random numbers, and keeps the first run. Slow: a
/// few steps' time.
/// @throws InputError if the file is no TorchScript model, the inputs do not suit it, its control
/// flow follows the data, or an op cannot be run again; names the op
[[nodiscard]] CapturedStep CaptureTorchScript(const std::filesystem::path& model,
                                              const CaptureOptions& options);

/// Runs captured steps on devices of this machine: `cpu:N`, a worker thread pinned to core N, and
/// `cuda:N` where LibTorch has CUDA. A device starts, of its ready ops, the one that became ready
/// first, ties by op index; copies that it has to make go first. A tensor that another device needs
/// is copied there once, by that device; buffers are freed after their last use. Every step starts
/// from the captured state (parameters, optimizer state, random numbers), so that all steps do the
/// same work. One intra-op thread for the whole process. Not thread-safe: one executor per process
/// at a time.
class ReplayExecutor final : public StepExecutor {
 public:
  /// @throws InputError for a device that does not exist, or more cpu:N than cores
  ReplayExecutor(CapturedStep step, std::vector<std::string> devices);
  ~ReplayExecutor() override;

  [[nodiscard]] const Graph& graph() const override;
  [[nodiscard]] std::vector<std::string> warnings() const override;
  ExecutedStep Run(const StepPlan& plan, bool record) override;
  /// Runs the step and compares outputs, gradients and updated parameters with those of the
  /// original step: bit for bit, or within kCudaTolerance if a device is a GPU. A mismatch names
  /// the first op that differs; with a GPU the op that made what is beyond the tolerance.
  std::optional<StepMismatch> Verify(const Placement& placement) override;
  /// Each output as `<name>.pt`, a tensor for torch.load / torch::pickle_load. What a file name
  /// should not have, such as a '/', is a '_' there.
  std::vector<std::filesystem::path> WriteOutputs(const Placement& placement,
                                                  const std::filesystem::path& folder) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};
/// Of the largest value of a tensor. GPUs sum in another order, and with fused multiply-adds.
inline constexpr double kCudaTolerance = 1e-3;

/// Captures and makes an executor: a StepExecutorFactory. @throws InputError
[[nodiscard]] std::unique_ptr<StepExecutor> MakeReplayExecutor(const StepSource& source);

}  // namespace placer
