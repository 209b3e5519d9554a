#include "runner/measured_runner.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "graphs/base/error.h"

namespace placer {
namespace {

/// A step that takes this much longer than the best one hangs for all that a search wants to know.
constexpr double kHangs = 20;
/// Nothing is called a hang sooner: a machine may be busy for a moment.
constexpr double kShortestLimit = 10;
/// So many failures before the first step that ends: the model cannot be run at all.
constexpr std::int64_t kHopelessStart = 8;

std::vector<std::uint8_t> KeyOf(const Placement& placement) {
  std::vector<std::uint8_t> key;
  key.reserve(placement.num_ops());
  for (const DeviceId device : placement.device_of_op()) {
    key.push_back(static_cast<std::uint8_t>(device.index()));
  }
  return key;
}

Picoseconds ToPicoseconds(double seconds) { return Picoseconds(std::llround(seconds * 1e12)); }

}  // namespace

MeasuredRunner::MeasuredRunner(const Graph& graph, const Cluster& cluster, StepWorker& worker,
                               TimingOptions options)
    : Runner(graph, cluster),
      worker_(worker),
      options_(options),
      longest_limit_(worker.time_limit()) {
  const std::vector<std::string>& names = worker.source().devices;
  const bool same =
      std::equal(names.begin(), names.end(), cluster.devices().begin(), cluster.devices().end(),
                 [](const std::string& name, const Device& device) { return name == device.name; });
  if (!same) {
    throw InputError("cluster '" + cluster.name() +
                     "': its devices are not those that execute the model");
  }
}

void MeasuredRunner::Forget() {
  const std::scoped_lock lock(mutex_);
  known_.clear();
  best_.reset();
  worker_.set_time_limit(longest_limit_);
}

std::int64_t MeasuredRunner::num_measured() const {
  const std::scoped_lock lock(mutex_);
  return measured_;
}

std::int64_t MeasuredRunner::num_failed() const {
  const std::scoped_lock lock(mutex_);
  return failed_;
}

std::string MeasuredRunner::first_failure() const {
  const std::scoped_lock lock(mutex_);
  return first_failure_;
}

StepReport MeasuredRunner::ReportOf(StepTiming timing) const {
  StepReport report;
  report.shortages = HoldAgainstMemory(cluster(), timing);
  report.outcome = timing.outcome;
  report.reason = timing.reason;
  report.step_time = ToPicoseconds(timing.time.mean);
  report.peak_bytes = timing.peak_bytes;
  report.peak_bytes.resize(cluster().num_devices());
  report.busy.resize(cluster().num_devices());
  report.link_busy.resize(cluster().num_channels());
  return report;
}

StepReport MeasuredRunner::MeasureLocked(const Placement& placement) const {
  std::vector<std::uint8_t> key = KeyOf(placement);
  if (const auto known = known_.find(key); known != known_.end()) {
    return known->second;
  }
  StepTiming timing;
  try {
    timing = TimeStep(worker_, {StepPlan::Kind::kPlaced, placement, 1}, options_, best_);
  } catch (const WorkerError& error) {  // interrupted
    StepReport report;
    report.outcome = error.outcome();
    report.reason = error.what();
    return report;
  }
  StepReport report = ReportOf(timing);
  ++measured_;
  runs_at_all_ = runs_at_all_ || timing.outcome == StepOutcome::kOk;
  if (report.outcome == StepOutcome::kOk) {
    failed_in_a_row_ = 0;
    if (!timing.cut && (!best_ || timing.time.mean < *best_)) {
      best_ = timing.time.mean;
      worker_.set_time_limit(
          std::min(longest_limit_, Seconds(std::max(kHangs * *best_, kShortestLimit))));
    }
  } else {
    if (failed_++ == 0) {
      first_failure_ = report.reason;
    }
    if (++failed_in_a_row_ >= kHopelessStart && !runs_at_all_) {
      throw Error(worker_.source().model.string() +
                  ": no placement could be measured: " + first_failure_);
    }
  }
  return known_.emplace(std::move(key), std::move(report)).first->second;
}

void MeasuredRunner::AddTraceLocked(const Placement& placement, StepReport& report) const {
  try {
    const MeasuredSteps steps =
        worker_.Measure({StepPlan::Kind::kPlaced, placement, 1}, options_.warmup, 1, true);
    for (const ExecutedTrace& trace : steps.traces) {
      for (const Trace::OpRun& run : trace.ops) {
        report.busy[run.device.index()] += run.end - run.start;
      }
      for (const ExecutedTrace::Copy& copy : trace.copies) {
        report.moved_bytes += copy.bytes;
        for (const std::uint32_t hop : cluster().route(copy.from, copy.to)) {
          for (const Channel channel : cluster().hops()[hop].channels) {
            report.link_busy[channel] += copy.end - copy.start;
          }
        }
      }
    }
  } catch (const WorkerError&) {
    // The times are known; what else the report could say is missing.
  }
}

StepReport MeasuredRunner::DoRun(const Placement& placement) const {
  const std::scoped_lock lock(mutex_);
  StepReport report = MeasureLocked(placement);
  if (report.outcome == StepOutcome::kOk) {
    AddTraceLocked(placement, report);
  }
  return report;
}

void MeasuredRunner::DoRunBatch(std::span<const Placement> placements,
                                std::span<StepSummary> summaries) const {
  for (std::size_t i = 0; i < placements.size(); ++i) {
    const std::scoped_lock lock(mutex_);
    summaries[i] = MeasureLocked(placements[i]).summary();
  }
}

}  // namespace placer
