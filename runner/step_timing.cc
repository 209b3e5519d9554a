#include "runner/step_timing.h"

#include <algorithm>

#include "graphs/base/error.h"

namespace placer {
namespace {

/// Adds repeats to the timing. @return false if the step failed
bool AddRepeats(StepWorker& worker, const StepPlan& plan, int warmup, int repeats,
                StepTiming& timing) {
  try {
    const MeasuredSteps steps = worker.Measure(plan, warmup, repeats);
    for (const Seconds time : steps.times) {
      timing.times.push_back(time.count());
    }
    timing.peak_bytes.resize(std::max(timing.peak_bytes.size(), steps.peak_bytes.size()));
    for (std::size_t d = 0; d < steps.peak_bytes.size(); ++d) {
      timing.peak_bytes[d] = std::max(timing.peak_bytes[d], steps.peak_bytes[d]);
    }
  } catch (const WorkerError& error) {
    if (error.outcome() == StepOutcome::kInterrupted) {
      throw;
    }
    timing.outcome = error.outcome();
    timing.reason = error.what();
    return false;
  } catch (const Error& error) {  // a worker that cannot be started anew: its model is gone, say
    timing.outcome = StepOutcome::kFailed;
    timing.reason = error.what();
    return false;
  }
  timing.time = TrimmedMean(timing.times);
  return true;
}

/// One turn of every plan that has not failed and is not given up. @throws WorkerError if
/// interrupted
void TimeRound(StepWorker& worker, std::span<const StepPlan> plans, bool first,
               const TimingOptions& options, bool give_up, std::vector<StepTiming>& timings) {
  std::optional<double> best;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    StepTiming& timing = timings[i];
    if (timing.outcome != StepOutcome::kOk || timing.cut) {
      continue;
    }
    if (AddRepeats(worker, plans[i], options.warmup, 1, timing)) {
      best = std::min(best.value_or(timing.time.mean), timing.time.mean);
    }
  }
  // A single repeat may have been unlucky, and the best one lucky.
  const double limit = first ? options.hopeless * options.hopeless : options.hopeless;
  for (StepTiming& timing : timings) {
    timing.cut = timing.cut || (give_up && best && timing.outcome == StepOutcome::kOk &&
                                timing.time.mean > limit * *best);
  }
}

}  // namespace

StepTiming TimeStep(StepWorker& worker, const StepPlan& plan, const TimingOptions& options,
                    std::optional<double> best) {
  StepTiming timing;
  if (!AddRepeats(worker, plan, options.warmup, 1, timing)) {
    return timing;
  }
  if (best && timing.times.front() > options.hopeless * *best) {
    timing.cut = true;
    return timing;
  }
  const auto known = [&] {
    const RobustMean& time = timing.time;
    return static_cast<int>(time.count) >= options.min_repeats &&
           (time.half_width <= options.narrow * time.mean || (best && time.low() > *best));
  };
  while (!known() && static_cast<int>(timing.time.count) < options.max_repeats) {
    const int missing = options.min_repeats - static_cast<int>(timing.time.count);
    if (!AddRepeats(worker, plan, /*warmup=*/0, std::max(missing, 1), timing)) {
      return timing;
    }
  }
  return timing;
}

std::vector<MemoryShortage> HoldAgainstMemory(const Cluster& cluster, StepTiming& timing) {
  std::vector<MemoryShortage> shortages;
  if (timing.outcome != StepOutcome::kOk) {
    return shortages;
  }
  const std::size_t devices = std::min(timing.peak_bytes.size(), cluster.num_devices());
  for (std::size_t d = 0; d < devices; ++d) {
    const std::int64_t capacity = cluster.device(DeviceId(d)).memory_bytes;
    if (timing.peak_bytes[d] > capacity) {
      shortages.push_back({DeviceId(d), timing.peak_bytes[d], capacity, Picoseconds(0), {}});
    }
  }
  if (!shortages.empty()) {
    const MemoryShortage& shortage = shortages.front();
    timing.outcome = StepOutcome::kOutOfMemory;
    timing.reason = "device '" + cluster.device(shortage.device).name + "' held " +
                    FormatBytes(shortage.required_bytes) + " and has " +
                    FormatBytes(shortage.available_bytes);
  }
  return shortages;
}

InterleavedTimings TimeInterleaved(StepWorker& worker, std::span<const StepPlan> plans, int rounds,
                                   const TimingOptions& options, bool give_up,
                                   const std::function<void(int)>& on_round) {
  InterleavedTimings result{std::vector<StepTiming>(plans.size())};
  try {
    for (int round = 0; round < rounds; ++round) {
      TimeRound(worker, plans, round == 0, options, give_up, result.timings);
      if (on_round) {
        on_round(round + 1);
      }
    }
  } catch (const WorkerError& error) {  // interrupted: what else fails is in a timing
    result.interrupted = true;
    for (StepTiming& timing : result.timings) {
      if (timing.outcome == StepOutcome::kOk && timing.times.empty()) {
        timing.outcome = error.outcome();
        timing.reason = "interrupted before it was measured";
      }
    }
  }
  return result;
}

}  // namespace placer
