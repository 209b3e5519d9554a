#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cost_model/placement.h"
#include "graphs/graph.h"
#include "runner/simulated_runner.h"

namespace placer {

/// What is executed: a TorchScript file, example inputs, and the devices that execute it.
struct StepSource {
  std::filesystem::path model;
  /// One per input of forward(): "float32[8,3,299,299]", "int64[4,35]<1000" (values below 1000).
  std::vector<std::string> inputs;
  bool training = false;  ///< forward, loss, backward and optimizer update; otherwise forward alone
  std::optional<std::string> optimizer;  ///< sgd, momentum, adam; default: the executor's
  std::string loss;                  ///< output whose sum is the loss; empty: the executor's choice
  std::uint64_t seed = 1;            ///< of the example inputs and of random ops
  std::vector<std::string> devices;  ///< "cpu:0": a worker thread pinned to core 0
  bool operator==(const StepSource&) const = default;
};

/// Which schedule an executed step follows.
struct StepPlan {
  enum class Kind : std::uint8_t {
    kPlaced,  ///< every op on the device that `placement` says
    /// All devices pull ready ops from one queue, nothing is copied: for devices with one memory.
    kWorkConserving,
    kNative,  ///< the model as LibTorch runs it, with `threads` intra-op threads
  };
  Kind kind = Kind::kPlaced;
  Placement placement;
  int threads = 1;
  bool operator==(const StepPlan&) const = default;
};

/// What happened when in an executed step, in order of start. Times from the start of the step.
struct ExecutedTrace {
  struct Copy {
    std::uint32_t payload = 0;  ///< as Trace::Transfer::payload
    DeviceId from, to;
    std::int64_t bytes = 0;
    Picoseconds requested{0};  ///< when the tensor was there to be copied
    Picoseconds start{0}, end{0};
    bool operator==(const Copy&) const = default;
  };
  std::vector<Trace::OpRun> ops;  ///< from when a worker took the op until it had its results
  std::vector<Copy> copies;
  bool operator==(const ExecutedTrace&) const = default;
};
/// The same on a cluster, whose device i is device i of the executor, for what draws traces. Every
/// copy counts as the first hop of its route.
[[nodiscard]] Trace ToTrace(const ExecutedTrace& executed, const Cluster& cluster);

/// One step that really ran.
struct ExecutedStep {
  Seconds time{0};
  std::vector<std::int64_t> peak_bytes;  ///< per device; empty for native steps
  std::optional<ExecutedTrace> trace;    ///< if it was recorded
};

/// Where a placed step differed from the original.
struct StepMismatch {
  std::string op;  ///< the first op that differs
  std::string what;
};

/// Executes one step of one model, really, on the devices of a StepSource. Not thread-safe: one
/// step at a time.
class StepExecutor {
 public:
  virtual ~StepExecutor() = default;
  StepExecutor(const StepExecutor&) = delete;
  StepExecutor& operator=(const StepExecutor&) = delete;

  [[nodiscard]] virtual const Graph& graph() const = 0;
  /// What the user should know about how the model was read, one line each.
  [[nodiscard]] virtual std::vector<std::string> warnings() const = 0;
  /// @param record  fill in the trace, which costs a little time
  /// @throws Error if an op fails
  virtual ExecutedStep Run(const StepPlan& plan, bool record) = 0;
  /// Runs the step under the placement and compares all outputs with those of the original step.
  /// nullopt: equal.
  virtual std::optional<StepMismatch> Verify(const Placement& placement) = 0;
  /// Runs the step under the placement and writes its outputs into `folder`, which exists. @return
  /// the files
  virtual std::vector<std::filesystem::path> WriteOutputs(const Placement& placement,
                                                          const std::filesystem::path& folder) = 0;

 protected:
  StepExecutor() = default;
};

/// Makes an executor for a source. @throws InputError if the model, the inputs or the devices are
/// not what they must be
using StepExecutorFactory = std::function<std::unique_ptr<StepExecutor>(const StepSource&)>;

}  // namespace placer
