#include "placer/sharded_runner.h"

#include <vector>

#include "placer/checkpoint.h"

namespace placer {
namespace {

/// First number of the job; those of policies are smaller.
constexpr std::uint64_t kEvaluate = 100;

}  // namespace

std::string DoRunnerJob(const std::string& job, const Runner& runner) {
  ByteReader in(job);
  static_cast<void>(in.TakeInteger());
  std::vector<Placement> placements;
  while (!in.at_end()) {
    std::vector<DeviceId> devices;
    for (const char device : in.TakeBytes()) {
      devices.emplace_back(static_cast<unsigned char>(device));
    }
    placements.emplace_back(std::move(devices));
  }
  std::vector<StepSummary> summaries(placements.size());
  runner.RunBatch(placements, summaries);
  ByteWriter out;
  for (const StepSummary& summary : summaries) {
    out.Put(static_cast<std::uint64_t>(summary.outcome));
    out.Put(static_cast<std::uint64_t>(summary.step_time.count()));
    out.Put(static_cast<std::uint64_t>(summary.excess_bytes));
  }
  return out.bytes();
}

void ShardedRunner::DoRunBatch(std::span<const Placement> placements,
                               std::span<StepSummary> summaries) const {
  if (placements.size() < team_.size()) {  // not worth a message
    runner_.RunBatch(placements, summaries);
    return;
  }
  std::vector<std::string> jobs;
  for (std::size_t rank = 0; rank < team_.size(); ++rank) {
    const Range part = PartOf(placements.size(), rank, team_.size());
    ByteWriter job;
    job.Put(kEvaluate);
    for (std::size_t i = part.first; i < part.last; ++i) {
      std::string devices;
      for (const DeviceId device : placements[i].device_of_op()) {
        devices.push_back(static_cast<char>(device.index()));
      }
      job.Put(devices);
    }
    jobs.push_back(job.bytes());
  }
  auto summary = summaries.begin();
  for (const std::string& answer :
       team_.Share(jobs, [this](const std::string& job) { return DoRunnerJob(job, runner_); })) {
    ByteReader in(answer);
    for (; !in.at_end(); ++summary) {
      summary->outcome = static_cast<StepOutcome>(in.TakeInteger());
      summary->step_time = Picoseconds(static_cast<std::int64_t>(in.TakeInteger()));
      summary->excess_bytes = static_cast<std::int64_t>(in.TakeInteger());
    }
  }
}

}  // namespace placer
