// annealing: simulated annealing over group placements. Source: Kirkpatrick, Gelatt, Vecchi,
// "Optimization by Simulated Annealing", Science 220, 1983; here with the relative change of the
// step time as energy difference, so that one temperature scale fits every problem.

#include <cmath>
#include <string>

#include "placer/detail/candidates.h"
#include "placer/detail/methods.h"
#include "placer/detail/moves.h"
#include "placer/search_session.h"

namespace placer {
namespace {

/// Temperatures, in relative change of the step time: at first a step 5 % longer is taken with
/// probability 1/e, at last one 0.05 % longer. Set on random toy graphs and left alone since.
constexpr double kFirstTemperature = 5e-2;
constexpr double kLastTemperature = 5e-4;

/// Energy difference of b over a in the order of IsBetter(): a placement that does not fit is never
/// preferred to one that does, and of two that do not, the relative change of the excess counts.
double Difference(const StepSummary& a, const StepSummary& b) {
  constexpr double kInfinity = HUGE_VAL;
  const bool a_ok = a.outcome == StepOutcome::kOk;
  const bool b_ok = b.outcome == StepOutcome::kOk;
  if (a_ok != b_ok) {
    return a_ok ? kInfinity : -kInfinity;
  }
  const auto relative = [](std::int64_t from, std::int64_t to) {
    return std::log((1.0 + static_cast<double>(to)) / (1.0 + static_cast<double>(from)));
  };
  if (!a_ok && a.excess_bytes != b.excess_bytes) {
    return relative(a.excess_bytes, b.excess_bytes);
  }
  return relative(a.step_time.count(), b.step_time.count());
}

class AnnealingPlacer final : public Placer {
  [[nodiscard]] PlaceResult DoPlace(const PlaceRequest& request) const override {
    SearchSession session(request);
    for (const Candidate& start : SingleDeviceCandidates(request.problem)) {
      if (!session.Evaluate(start.groups)) {
        break;
      }
    }
    MoveGenerator moves(request.problem);
    if (session.has_best() && moves.any()) {
      Anneal(&session, &moves, request.seed);
    }
    return std::move(session).Finish();
  }

  static void Anneal(SearchSession* session, MoveGenerator* moves, Seed seed) {
    Rng rng(seed);
    GroupPlacement current = session->best_groups();
    StepSummary cost = session->best();
    std::vector<MoveGenerator::Change> undo;
    const double start = session->spent();
    while (!session->exhausted()) {
      const double done = start < 1 ? (session->spent() - start) / (1 - start) : 1.0;
      const double temperature =
          kFirstTemperature * std::pow(kLastTemperature / kFirstTemperature, done);
      undo.clear();
      for (const auto& [group, device] : moves->Propose(current, &rng)) {
        undo.push_back({group, current[group.index()]});
        current[group.index()] = device;
      }
      const std::optional<StepSummary> result = session->Evaluate(current);
      if (!result) {
        break;
      }
      const double difference = Difference(cost, *result);
      if (difference <= 0 || rng.Uniform() < std::exp(-difference / temperature)) {
        cost = *result;
        continue;
      }
      for (const auto& [group, device] : undo) {
        current[group.index()] = device;
      }
    }
  }
};

}  // namespace

std::unique_ptr<Placer> MakeAnnealingPlacer() { return std::make_unique<AnnealingPlacer>(); }

}  // namespace placer
