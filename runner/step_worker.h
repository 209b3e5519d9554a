#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "graphs/base/error.h"
#include "runner/step_executor.h"
#include "runner/step_report.h"

namespace placer {

struct WorkerOptions {
  /// The program; empty: the environment's PLACER_WORKER, or `placer_worker` beside the running
  /// program.
  std::filesystem::path program;
  Seconds load_limit{600};  ///< for reading and capturing the model
  Seconds time_limit{60};   ///< for one step; a request for n steps may take n times that
  /// Resident bytes at which the process is ended; 0: 80 % of the machine's memory (or of the
  /// control group's). An address space limit would not do: LibTorch hangs under a tight one.
  std::int64_t memory_limit_bytes = 0;
  std::stop_token stop;  ///< ends a request that is being worked on
};

/// The worker process did not do what it was asked: it died, hung, took too much memory, was
/// stopped, or an op failed. The next request starts it anew. In that process an executor throws it
/// to say that memory did not suffice.
class WorkerError : public Error {
 public:
  WorkerError(StepOutcome outcome, const std::string& what) : Error(what), outcome_(outcome) {}
  [[nodiscard]] StepOutcome outcome() const noexcept { return outcome_; }

 private:
  StepOutcome outcome_;
};

/// Several repeats of one step.
struct MeasuredSteps {
  std::vector<Seconds> times;            ///< of the repeats, in order; warm-up left out
  std::vector<std::int64_t> peak_bytes;  ///< per device, largest of all repeats
  std::vector<ExecutedTrace> traces;     ///< one per repeat, if recorded
};

/// A process that executes the steps of one model, so that a crash, a hang or a lack of memory is
/// an error and no more. LibTorch is loaded there and not here. While it works this process sleeps.
/// Dies with this object, and with this process, however that ends. Not thread-safe.
class StepWorker {
 public:
  /// Starts the process and loads the model. @throws InputError for a bad model, inputs or devices;
  /// WorkerError
  StepWorker(StepSource source, WorkerOptions options);
  ~StepWorker();
  StepWorker(const StepWorker&) = delete;
  StepWorker& operator=(const StepWorker&) = delete;

  [[nodiscard]] const StepSource& source() const noexcept;
  [[nodiscard]] const Graph& graph() const noexcept;
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept;
  /// 0 while none runs.
  [[nodiscard]] pid_t pid() const noexcept;
  /// How often a process had to be started, the first time included.
  [[nodiscard]] int num_starts() const noexcept;
  /// WorkerOptions::time_limit.
  [[nodiscard]] Seconds time_limit() const noexcept;
  void set_time_limit(Seconds limit) noexcept;

  /// The same step again and again: each starts from the state and the inputs that the model was
  /// captured with, and a training step does not go on from the one before.
  /// @param warmup  steps before the first that counts: they allocate, and touch new pages
  /// @throws WorkerError; InputError for a placement that the executor refuses
  [[nodiscard]] MeasuredSteps Measure(const StepPlan& plan, int warmup, int repeats,
                                      bool record = false);
  /// Compares the placed step with the original. nullopt: equal.
  [[nodiscard]] std::optional<StepMismatch> Verify(const Placement& placement);
  /// Executes one step and has the process write its outputs into `folder`: each file is there as a
  /// whole or not at all.
  [[nodiscard]] std::vector<std::filesystem::path> WriteOutputs(
      const Placement& placement, const std::filesystem::path& folder);
  /// The next request meets a fresh process.
  void Restart();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether a file looks like a TorchScript model: an archive.
[[nodiscard]] bool IsTorchScriptFile(const std::filesystem::path& path);

/// 80 % of the machine's memory, or of the control group's limit if that is less.
[[nodiscard]] std::int64_t DefaultMemoryLimit();

}  // namespace placer
