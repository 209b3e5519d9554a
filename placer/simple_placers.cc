// single_device, random and round_robin: what every other method has to beat.

#include <algorithm>

#include "placer/detail/candidates.h"
#include "placer/detail/methods.h"
#include "placer/search_session.h"

namespace placer {
namespace {

class SingleDevicePlacer final : public CandidatePlacer {
  [[nodiscard]] std::vector<Candidate> Candidates(const Problem& problem, Seed) const override {
    return SingleDeviceCandidates(problem);
  }
};

/// Group i on the i-th device in turn, over the accelerators and over all devices. A group that may
/// not run where its turn is goes to the next device of the round that it may use.
class RoundRobinPlacer final : public CandidatePlacer {
  [[nodiscard]] std::vector<Candidate> Candidates(const Problem& problem, Seed) const override {
    const std::vector<DeviceId> accelerators = Accelerators(problem.cluster());
    std::vector<Candidate> candidates;
    candidates.push_back({Deal(problem, accelerators), "over the accelerators"});
    if (accelerators.size() < problem.num_devices()) {
      candidates.push_back({Deal(problem, AllDevices(problem.cluster())), "over all devices"});
    }
    return candidates;
  }

  static GroupPlacement Deal(const Problem& problem, const std::vector<DeviceId>& devices) {
    GroupPlacement groups;
    std::size_t turn = 0;
    for (std::size_t g = 0; g < problem.num_groups(); ++g) {
      std::size_t skipped = 0;
      while (skipped < devices.size() &&
             !problem.allowed(GroupId(g), devices[(turn + skipped) % devices.size()])) {
        ++skipped;
      }
      groups.push_back(skipped < devices.size() ? devices[(turn + skipped) % devices.size()]
                                                : problem.allowed_devices(GroupId(g)).front());
      ++turn;
    }
    return groups;
  }
};

/// Every group on an allowed device, each as likely as the others, until the budget is spent.
class RandomPlacer final : public Placer {
  [[nodiscard]] PlaceResult DoPlace(const PlaceRequest& request) const override {
    constexpr std::int64_t kBatch = 64;  // keeps the runner's threads busy; no result depends on it
    const Problem& problem = request.problem;
    SearchSession session(request);
    Rng rng(request.seed);
    std::vector<GroupPlacement> batch;
    std::vector<StepSummary> summaries;
    while (!session.exhausted()) {
      batch.resize(static_cast<std::size_t>(std::min(kBatch, session.samples_left())));
      summaries.resize(batch.size());
      for (GroupPlacement& groups : batch) {
        groups.resize(problem.num_groups());
        for (std::size_t g = 0; g < groups.size(); ++g) {
          const auto allowed = problem.allowed_devices(GroupId(g));
          groups[g] = allowed[rng.Below(allowed.size())];
        }
      }
      session.EvaluateBatch(batch, summaries);
    }
    return std::move(session).Finish();
  }
};

}  // namespace

std::unique_ptr<Placer> MakeSingleDevicePlacer() { return std::make_unique<SingleDevicePlacer>(); }
std::unique_ptr<Placer> MakeRandomPlacer() { return std::make_unique<RandomPlacer>(); }
std::unique_ptr<Placer> MakeRoundRobinPlacer() { return std::make_unique<RoundRobinPlacer>(); }

}  // namespace placer
