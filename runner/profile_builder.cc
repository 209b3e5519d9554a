#include "runner/profile_builder.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "runner/statistics.h"

namespace placer {
namespace {

constexpr double kBusyFrom = 0.8;
constexpr double kIdleBelow = 0.2;

double ToSecondsAtLeastZero(std::int64_t picoseconds) {
  return static_cast<double>(std::max<std::int64_t>(picoseconds, 0)) * 1e-12;
}

MeasuredMean Mean(const std::vector<double>& samples) {
  return {TrimmedMean(samples).mean, static_cast<std::int64_t>(samples.size())};
}

}  // namespace

ProfileBuilder::ProfileBuilder(const Graph& graph, const Cluster& cluster)
    : graph_(graph), cluster_(cluster) {
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    signatures_.push_back(OpSignature(graph, OpId(i)));
  }
}

void ProfileBuilder::Add(const ExecutedTrace& trace, bool one_device) {
  const Activities activities = ActivitiesOf(trace);
  for (const Trace::OpRun& run : trace.ops) {
    AddOp(run, activities);
  }
  for (const ExecutedTrace::Copy& copy : trace.copies) {
    AddCopy(copy, activities);
  }
  for (std::size_t d = 0; one_device && d < activities.size(); ++d) {
    for (std::size_t i = 1; i < activities[d].size(); ++i) {
      launches_[cluster_.devices()[d].kind].push_back(
          ToSecondsAtLeastZero(activities[d][i].start - activities[d][i - 1].end));
    }
  }
}

Profile ProfileBuilder::Build() && {
  Profile profile;
  for (const auto& [key, samples] : busy_) {
    profile.ops[key].busy = Mean(samples);
  }
  for (const auto& [key, samples] : idle_) {
    profile.ops[key].idle = Mean(samples);
  }
  for (const auto& [key, samples] : copies_) {
    profile.copies[key] = Mean(samples);
  }
  for (const auto& [kind, samples] : launches_) {
    profile.launch_overheads[kind] = Mean(samples);
  }
  return profile;
}

ProfileBuilder::Activities ProfileBuilder::ActivitiesOf(const ExecutedTrace& trace) const {
  Activities activities(cluster_.num_devices());
  for (const Trace::OpRun& run : trace.ops) {
    activities[run.device.index()].push_back({run.start.count(), run.end.count()});
  }
  for (const ExecutedTrace::Copy& copy : trace.copies) {
    const CopiedBy by = cluster_.device(copy.from).copied_by;
    if (by != CopiedBy::kDma) {
      const DeviceId device = by == CopiedBy::kSender ? copy.from : copy.to;
      activities[device.index()].push_back({copy.start.count(), copy.end.count()});
    }
  }
  for (std::vector<Interval>& row : activities) {
    std::ranges::sort(row, {}, &Interval::start);
  }
  return activities;
}

std::int64_t ProfileBuilder::Overlap(const std::vector<Interval>& row, const Interval& window) {
  auto it = std::lower_bound(row.begin(), row.end(), window.start,
                             [](const Interval& a, std::int64_t at) { return a.end <= at; });
  std::int64_t overlap = 0;
  for (; it != row.end() && it->start < window.end; ++it) {
    overlap += std::min(it->end, window.end) - std::max(it->start, window.start);
  }
  return overlap;
}

std::int64_t ProfileBuilder::EndBefore(const std::vector<Interval>& row, std::int64_t start) {
  const auto it = std::ranges::lower_bound(row, start, {}, &Interval::start);
  return it == row.begin() ? 0 : std::prev(it)->end;
}

void ProfileBuilder::AddOp(const Trace::OpRun& run, const Activities& activities) {
  const Interval window{run.start.count(), run.end.count()};
  std::int64_t overlap = 0;
  for (std::size_t d = 0; d < activities.size(); ++d) {
    if (d != run.device.index()) {
      overlap = std::max(overlap, Overlap(activities[d], window));
    }
  }
  const std::int64_t length = window.end - window.start;
  const double share =
      static_cast<double>(overlap) / static_cast<double>(std::max<std::int64_t>(length, 1));
  const Profile::OpKey key{signatures_[run.op.index()], cluster_.device(run.device).kind};
  if (share >= kBusyFrom) {
    busy_[key].push_back(ToSecondsAtLeastZero(length));
  } else if (share < kIdleBelow) {
    idle_[key].push_back(ToSecondsAtLeastZero(length));
  }
}

void ProfileBuilder::AddCopy(const ExecutedTrace::Copy& copy, const Activities& activities) {
  const CopiedBy by = cluster_.device(copy.from).copied_by;
  std::int64_t ready = copy.requested.count();
  if (by != CopiedBy::kDma) {
    const DeviceId device = by == CopiedBy::kSender ? copy.from : copy.to;
    ready = std::max(ready, EndBefore(activities[device.index()], copy.start.count()));
  }
  copies_[{cluster_.device(copy.from).kind, cluster_.device(copy.to).kind, copy.bytes}].push_back(
      ToSecondsAtLeastZero(copy.end.count() - std::min(ready, copy.start.count())));
}

}  // namespace placer
