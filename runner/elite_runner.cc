#include "runner/elite_runner.h"

#include <algorithm>
#include <utility>

namespace placer {
namespace {

std::size_t Distance(const Placement& a, const Placement& b) {
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.num_ops(); ++i) {
    different += a.device(OpId(i)) != b.device(OpId(i)) ? 1U : 0U;
  }
  return different;
}

}  // namespace

std::vector<EliteRunner::Elite> EliteRunner::elites() const {
  const std::scoped_lock lock(mutex_);
  return elites_;
}

std::vector<EliteRunner::Elite> EliteRunner::TakeElites() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(elites_, {});
}

StepReport EliteRunner::DoRun(const Placement& placement) const {
  StepReport report = inner_.Run(placement);
  Offer(placement, report.summary());
  return report;
}

void EliteRunner::DoRunBatch(std::span<const Placement> placements,
                             std::span<StepSummary> summaries) const {
  inner_.RunBatch(placements, summaries);
  for (std::size_t i = 0; i < placements.size(); ++i) {
    Offer(placements[i], summaries[i]);
  }
}

void EliteRunner::Offer(const Placement& placement, const StepSummary& summary) const {
  const std::scoped_lock lock(mutex_);
  const bool full = elites_.size() >= capacity_;
  if (summary.outcome != StepOutcome::kOk ||
      (full && (elites_.empty() || !IsBetter(summary, elites_.back().summary)))) {
    return;
  }
  const auto near =
      static_cast<std::size_t>(min_distance_ * static_cast<double>(placement.num_ops()));
  const auto is_near = [&](const Elite& elite) {
    return Distance(elite.placement, placement) <= near;
  };
  // What is near and no worse stays, what is near and worse makes room.
  for (const Elite& elite : elites_) {
    if (IsBetter(summary, elite.summary)) {
      break;
    }
    if (is_near(elite)) {
      return;
    }
  }
  std::erase_if(elites_, [&](const Elite& elite) {
    return IsBetter(summary, elite.summary) && is_near(elite);
  });
  const auto at = std::find_if(elites_.begin(), elites_.end(), [&](const Elite& elite) {
    return IsBetter(summary, elite.summary);
  });
  elites_.insert(at, {placement, summary});
  if (elites_.size() > capacity_) {
    elites_.pop_back();
  }
}

}  // namespace placer
