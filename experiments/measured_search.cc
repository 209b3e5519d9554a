#include "experiments/measured_search.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <ostream>
#include <utility>

#include "experiments/format.h"

namespace placer {
namespace {

/// So many candidates are measured again: enough that the best is among them where a few are alike.
constexpr std::size_t kConfirmed = 3;
constexpr const char* kAlone = " alone";

bool IsAlone(const MeasuredCandidate& candidate) {
  const auto devices = candidate.placement.device_of_op();
  return std::all_of(devices.begin(), devices.end(),
                     [&](DeviceId device) { return device == devices.front(); });
}

void Add(MeasuredCandidate candidate, std::vector<MeasuredCandidate>& candidates) {
  const auto same = std::find_if(
      candidates.begin(), candidates.end(),
      [&](const MeasuredCandidate& other) { return other.placement == candidate.placement; });
  if (same == candidates.end()) {
    candidates.push_back(std::move(candidate));
  } else {
    same->source += ", " + candidate.source;
  }
}

std::vector<MeasuredCandidate> Candidates(const Execution& execution,
                                          std::vector<FoundPlacement> found, bool devices_alone) {
  const Workbench& bench = execution.bench();
  std::vector<MeasuredCandidate> candidates;
  for (FoundPlacement& each : found) {
    const Picoseconds simulated = bench.runner().Run(each.placement).step_time;
    Add({std::move(each.source), std::move(each.placement), simulated, {}}, candidates);
  }
  std::size_t rank = 0;
  for (const EliteRunner::Elite& elite : execution.TakeElites()) {
    Add({fmt::format("simulated #{}", ++rank), elite.placement, elite.summary.step_time, {}},
        candidates);
  }
  if (devices_alone) {
    for (const DeviceId device : DevicesThatHold(bench)) {
      const Placement placement(bench.graph().num_ops(), device);
      Add({bench.cluster().device(device).name + kAlone,
           placement,
           bench.runner().Run(placement).step_time,
           {}},
          candidates);
    }
  }
  // Who is interrupted in the first round has measured the most promising.
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const MeasuredCandidate& a, const MeasuredCandidate& b) {
                     return a.simulated < b.simulated;
                   });
  return candidates;
}

std::vector<MeasuredCandidate> Best(const std::vector<MeasuredCandidate>& candidates) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const StepTiming& timing = candidates[i].timing;
    if (timing.outcome == StepOutcome::kOk && timing.time.count > 0) {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return candidates[a].timing.time.mean < candidates[b].timing.time.mean;
  });
  std::vector<MeasuredCandidate> best;
  bool has_single = false;
  for (const std::size_t i : order) {
    const bool single = IsAlone(candidates[i]) && !has_single;
    if (best.size() < kConfirmed || single) {
      best.push_back(candidates[i]);
      has_single = has_single || single;
    }
  }
  return best;
}

}  // namespace

const MeasuredCandidate* MeasuredSearch::winner() const {
  if (const std::optional<std::size_t> best = BestMeasured(confirmed)) {
    return &confirmed[*best];
  }
  const std::optional<std::size_t> best = BestMeasured(candidates);
  return best ? &candidates[*best] : nullptr;
}

const MeasuredCandidate* MeasuredSearch::single_device() const {
  const MeasuredCandidate* best = nullptr;
  for (const MeasuredCandidate& candidate : BestMeasured(confirmed) ? confirmed : candidates) {
    const StepTiming& timing = candidate.timing;
    if (IsAlone(candidate) && timing.outcome == StepOutcome::kOk && timing.time.count > 0 &&
        (best == nullptr || timing.time.mean < best->timing.time.mean)) {
      best = &candidate;
    }
  }
  return best;
}

MeasuredSearch MeasureFound(const Execution& execution, std::vector<FoundPlacement> found,
                            bool devices_alone, const Console& console) {
  MeasuredSearch search;
  search.candidates = Candidates(execution, std::move(found), devices_alone);
  search.interrupted = !execution.Measure(search.candidates, console);
  std::vector<MeasuredCandidate> best = Best(search.candidates);
  if (!search.interrupted && !best.empty()) {
    search.interrupted = !execution.Confirm(best, console);
    if (!search.interrupted) {
      search.confirmed = std::move(best);
    }
  }
  return search;
}

void PrintMeasured(std::ostream& out, const MeasuredSearch& search) {
  out << "Executed, in turns:\n\n";
  PrintCandidates(out, search.candidates,
                  search.confirmed.empty() ? BestMeasured(search.candidates) : std::nullopt);
  if (!search.confirmed.empty()) {
    out << "\nThe best of them again, in a fresh process:\n\n";
    PrintCandidates(out, search.confirmed, BestMeasured(search.confirmed));
  }
}

nlohmann::ordered_json MeasuredToJson(const MeasuredSearch& search) {
  nlohmann::ordered_json json = {{"candidates", CandidatesToJson(search.candidates)},
                                 {"confirmed", CandidatesToJson(search.confirmed)}};
  if (const MeasuredCandidate* winner = search.winner(); winner != nullptr) {
    json["winner"] = winner->source;
    json["step_time_seconds"] = winner->timing.time.mean;
  }
  if (const MeasuredCandidate* single = search.single_device(); single != nullptr) {
    json["single_device_seconds"] = single->timing.time.mean;
  }
  return json;
}

}  // namespace placer
