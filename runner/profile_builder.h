#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cost_model/profile.h"
#include "runner/step_executor.h"

namespace placer {

/// Makes a profile of recorded steps.
///
/// An op counts as run while the others were busy if another device ran an op or a copy for at
/// least 80 % of its time, and as run while they were idle below 20 %; in between it does not
/// count. The launch overhead is the time between two ops of a device that has all it needs. A copy
/// counts from when its tensor and its receiver were ready, so that the time to wake a waiting
/// receiver belongs to it. Every time is the trimmed mean of its repeats (statistics.h).
class ProfileBuilder {
 public:
  /// Borrows both.
  ProfileBuilder(const Graph& graph, const Cluster& cluster);

  /// @param one_device  everything ran on one device: every gap between ops is launch overhead
  void Add(const ExecutedTrace& trace, bool one_device);
  [[nodiscard]] Profile Build() &&;

 private:
  /// What a device did from when to when, in picoseconds.
  struct Interval {
    std::int64_t start = 0, end = 0;
  };
  /// Of each device, in order: ops, and the copies that it makes itself.
  using Activities = std::vector<std::vector<Interval>>;

  [[nodiscard]] Activities ActivitiesOf(const ExecutedTrace& trace) const;
  /// Time of `row` that falls into `window`; intervals of a row do not overlap.
  [[nodiscard]] static std::int64_t Overlap(const std::vector<Interval>& row,
                                            const Interval& window);
  /// The end of what the device did before `start`, 0 if nothing.
  [[nodiscard]] static std::int64_t EndBefore(const std::vector<Interval>& row, std::int64_t start);
  void AddOp(const Trace::OpRun& run, const Activities& activities);
  void AddCopy(const ExecutedTrace::Copy& copy, const Activities& activities);

  const Graph& graph_;
  const Cluster& cluster_;
  std::vector<std::string> signatures_;  ///< [num_ops]
  std::map<Profile::OpKey, std::vector<double>> busy_, idle_;
  std::map<Profile::CopyKey, std::vector<double>> copies_;
  std::map<std::string, std::vector<double>> launches_;
};

}  // namespace placer
