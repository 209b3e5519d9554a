#include "experiments/trials.h"

#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

namespace placer {
namespace {

using Clock = std::chrono::steady_clock;

PlaceResult RunTrial(const Problem& problem, const PlacerRegistry& registry, std::size_t index,
                     const TrialSpec& trial, const TrialOptions& options, ProgressMeter& progress) {
  PlaceRequest request{problem, trial.budget, trial.seed, options.stop, {}, trial.checkpoint};
  if (options.deadline) {
    const Seconds left = std::max(Seconds(0), Seconds(*options.deadline - Clock::now()));
    request.budget.seconds = std::min(request.budget.seconds.value_or(left), left);
  }
  request.progress = [&](const Progress& at) {
    progress.Report(index, at);
    if (options.on_progress) {
      options.on_progress(index, at);
    }
  };
  if (options.on_start) {
    options.on_start(index);
  }
  const std::unique_ptr<Placer> placer =
      options.make ? options.make(index) : registry.Make(trial.method);
  PlaceResult result;
  // A method that evaluates a batch in parallel would take time from the trials beside it and make
  // wall times depend on them.
  tbb::task_arena arena(1);
  arena.execute([&] { result = placer->Place(request); });
  progress.FinishTrial(index, result.samples);
  if (options.on_finish) {
    options.on_finish(index, result);
  }
  return result;
}

}  // namespace

std::vector<PlaceResult> RunTrials(const Problem& problem, const PlacerRegistry& registry,
                                   std::span<const TrialSpec> trials, const TrialOptions& options,
                                   ProgressMeter& progress) {
  std::vector<PlaceResult> results(trials.size());
  std::vector<std::exception_ptr> failures(trials.size());
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::vector<std::int64_t> budgets;
  for (const TrialSpec& trial : trials) {
    budgets.push_back(trial.budget.samples);
  }
  progress.StartTrials(budgets, options.deadline);
  const auto work = [&] {
    for (std::size_t i = next++; i < trials.size(); i = next++) {
      if (options.stop.stop_requested() || failed) {
        results[i].interrupted = true;
        continue;
      }
      try {
        results[i] = RunTrial(problem, registry, i, trials[i], options, progress);
      } catch (...) {
        failures[i] = std::current_exception();
        failed = true;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    const std::size_t jobs = std::min(trials.size(), static_cast<std::size_t>(options.jobs));
    for (std::size_t t = 0; t < jobs; ++t) {
      threads.emplace_back(work);
    }
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
  return results;
}

int DefaultJobs() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

}  // namespace placer
