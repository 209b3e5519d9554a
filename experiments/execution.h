#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/console.h"
#include "experiments/headroom.h"
#include "experiments/workbench.h"
#include "placer/placer.h"
#include "runner/elite_runner.h"
#include "runner/measured_runner.h"
#include "runner/profiler.h"

namespace placer {

/// Who judges placements.
enum class RunnerKind : std::uint8_t {
  kSimulated,
  kMeasured,              ///< every placement is executed
  kSimulatedAndMeasured,  ///< the simulator searches, the best are executed
};

/// How a command executes a model: options on the command line and in experiments.
struct ExecutionOptions {
  std::string runner;    ///< empty: simulated+measured for a TorchScript model with --devices
  std::size_t best = 8;  ///< placements that simulated+measured executes
  int rounds = 5;        ///< how often each of them is measured
  std::optional<double> step_seconds;  ///< limit for one step
  std::optional<double> memory_gb;     ///< limit of the process that executes

  void AddTo(CLI::App& app);
  /// @throws InputError for an unknown word, or a problem that cannot be executed so
  [[nodiscard]] RunnerKind Kind(const ModelSpec& model, const ProblemSpec& problem) const;
  [[nodiscard]] WorkerOptions Worker(const Console& console) const;
};

/// The limits of a process that executes a model, for commands that always do.
void AddWorkerOptions(CLI::App& app, ExecutionOptions& options);

/// Executed steps follow one order, and run one at a time. @throws InputError for a problem where
/// the simulator would follow another, or pipeline steps
void CheckExecutedAsSimulated(const ProblemSpec& problem);

/// Starts the process that executes the model on spec.devices. @throws InputError, WorkerError
[[nodiscard]] std::unique_ptr<StepWorker> StartWorker(const ModelSpec& model,
                                                      const ProblemSpec& problem,
                                                      const ExecutionOptions& options,
                                                      const Console& console);

/// A profile from the file that the problem names, or else measured now, with a word about it on
/// console.err.
[[nodiscard]] Profile ProfileFor(StepWorker& worker, const Cluster& cluster,
                                 const ProblemSpec& problem, const Console& console);

/// A placement that was measured, and where it is from.
struct MeasuredCandidate {
  std::string source;  ///< the method that found it
  Placement placement;
  std::optional<Picoseconds> simulated;
  StepTiming timing;
};

/// A workbench whose placements are judged as the user asked for, and what that takes.
class Execution {
 public:
  /// @throws InputError, WorkerError
  Execution(const ModelSpec& model, const ProblemSpec& problem, const ExecutionOptions& options,
            const Console& console);

  [[nodiscard]] RunnerKind kind() const noexcept { return kind_; }
  [[nodiscard]] const Workbench& bench() const noexcept { return *bench_; }
  /// What methods search: the bench's problem with the runner that was asked for.
  [[nodiscard]] const Problem& problem() const noexcept {
    return problem_ ? *problem_ : bench_->problem();
  }
  /// As many searches at a time as the runner allows: one, if they measure.
  [[nodiscard]] int jobs(int wanted) const noexcept {
    return kind_ == RunnerKind::kMeasured ? 1 : wanted;
  }
  /// Whether placements are executed at all.
  [[nodiscard]] bool executes() const noexcept { return worker_ != nullptr; }
  [[nodiscard]] StepWorker& worker() const noexcept { return *worker_; }
  /// What the simulator found best since the last call, for simulated+measured; best first.
  [[nodiscard]] std::vector<EliteRunner::Elite> TakeElites() const;
  /// Failures of a measured search so far, in one line; empty if there were none.
  [[nodiscard]] std::string FailureNote() const;

  /// Measures candidates in turns; what is hopeless after the first round is given up.
  /// @return false if interrupted: timings are as TimeInterleaved() leaves them
  [[nodiscard]] bool Measure(std::span<MeasuredCandidate> candidates, const Console& console) const;
  /// Executes the placement of every result, and each device alone, in turns, in a fresh process,
  /// and puts the times in place of those of the search. What was interrupted before it was
  /// measured once is `interrupted`. Where nothing is executed the results stay as they are.
  /// @return the best single device, judged as the results are
  [[nodiscard]] std::optional<SingleDevice> Remeasure(std::span<PlaceResult> results,
                                                      const Console& console) const;
  /// The next search measures everything itself: searches that are compared share nothing.
  void ForgetMeasured() const;
  /// Puts a measured time in place of that of the search; the result's curve ends with it, and is
  /// nothing else where the search went by simulated times.
  void SetMeasured(const StepTiming& timing, PlaceResult& result) const;
  /// Measures again, all rounds, in a fresh process: the best of many measurements was lucky.
  /// @return as Measure()
  [[nodiscard]] bool Confirm(std::span<MeasuredCandidate> candidates, const Console& console) const;

 private:
  [[nodiscard]] bool MeasureInTurns(std::span<MeasuredCandidate> candidates, bool give_up,
                                    const char* what, const Console& console) const;

  RunnerKind kind_;
  ExecutionOptions options_;
  std::unique_ptr<StepWorker> worker_;
  std::unique_ptr<Workbench> bench_;
  std::unique_ptr<EliteRunner> elites_;
  std::unique_ptr<MeasuredRunner> measured_;
  std::unique_ptr<Problem> problem_;
};

/// Index of the candidate with the smallest measured time; nullopt if all failed.
[[nodiscard]] std::optional<std::size_t> BestMeasured(
    std::span<const MeasuredCandidate> candidates);

/// One row per candidate: source, simulated and measured time, interval, repeats, what went wrong.
void PrintCandidates(std::ostream& out, std::span<const MeasuredCandidate> candidates,
                     std::optional<std::size_t> best);
[[nodiscard]] nlohmann::ordered_json CandidatesToJson(
    std::span<const MeasuredCandidate> candidates);
/// "12.345 ms +- 0.120 ms (5 repeats)"
[[nodiscard]] std::string DescribeTiming(const StepTiming& timing);

}  // namespace placer
