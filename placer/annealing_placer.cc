// annealing: simulated annealing over group placements. Source: Kirkpatrick, Gelatt, Vecchi,
// "Optimization by Simulated Annealing", Science 220, 1983; here with the relative change of the
// step time as energy difference, so that one temperature scale fits every problem.

#include <algorithm>
#include <cmath>
#include <string>

#include "placer/detail/candidates.h"
#include "placer/detail/methods.h"
#include "placer/detail/moves.h"
#include "placer/search_session.h"

namespace placer {
namespace {

// All constants were set on random graphs of 12 to 300 ops with known or well-explored optima
// (tests/support/test_problem.h makes them) and are left alone since.

/// Temperatures, in relative change of the step time, times the number of groups that have a
/// choice: the share of one group in the step sets the scale.
constexpr double kFirstTemperature = 0.5;
constexpr double kLastTemperature = 0.05;
/// With more samples per group than this, cooling starts again from the best placement: a small
/// problem is better searched several times.
constexpr double kSamplesPerGroupAndRound = 100;
/// A move to a placement that was a sample before is passed over, up to so many times in a row.
constexpr int kMaxAttempts = 20;

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

/// One run of annealing from the best placement so far until the session is exhausted.
class Walk {
 public:
  Walk(SearchSession* session, MoveGenerator* moves, Seed seed)
      : session_(*session),
        moves_(*moves),
        rng_(seed),
        current_(session->best_groups()),
        cost_(session->best()),
        num_groups_(static_cast<double>(moves->num_movable())),
        start_(session->spent()) {
    // With a limit in seconds this extrapolates from the samples so far.
    const double expected = static_cast<double>(session->samples()) / std::max(start_, 1e-9);
    num_rounds_ = std::max(1.0, std::floor(expected / (kSamplesPerGroupAndRound * num_groups_)));
  }

  void Run() {
    while (!session_.exhausted()) {
      const double temperature = Temperature();
      MakeMove();
      const std::optional<StepSummary> result = session_.Evaluate(current_);
      if (!result) {
        return;
      }
      const double difference = Difference(cost_, *result);
      if (difference <= 0 || rng_.Uniform() < std::exp(-difference / temperature)) {
        cost_ = *result;
      } else {
        Undo();
      }
    }
  }

 private:
  /// Falls geometrically within a round; a new round goes on from the best.
  double Temperature() {
    const double done = start_ < 1 ? (session_.spent() - start_) / (1 - start_) : 1.0;
    const double round = std::floor(done * num_rounds_);
    if (round > round_) {
      round_ = round;
      current_ = session_.best_groups();
      cost_ = session_.best();
    }
    return kFirstTemperature / num_groups_ *
           std::pow(kLastTemperature / kFirstTemperature, done * num_rounds_ - round_);
  }

  void MakeMove() {
    for (int attempt = 1;; ++attempt) {
      undo_.clear();
      for (const auto& [group, device] : moves_.Propose(current_, &rng_)) {
        undo_.push_back({group, current_[group.index()]});
        current_[group.index()] = device;
      }
      if (attempt >= kMaxAttempts || !session_.seen(current_)) {
        return;
      }
      Undo();
    }
  }

  void Undo() {
    for (const auto& [group, device] : undo_) {
      current_[group.index()] = device;
    }
  }

  SearchSession& session_;
  MoveGenerator& moves_;
  Rng rng_;
  GroupPlacement current_;
  StepSummary cost_;
  std::vector<MoveGenerator::Change> undo_;
  double num_groups_, start_;
  double num_rounds_ = 1, round_ = 0;
};

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
      Walk(&session, &moves, request.seed).Run();
    }
    return std::move(session).Finish();
  }
};

}  // namespace

std::unique_ptr<Placer> MakeAnnealingPlacer() { return std::make_unique<AnnealingPlacer>(); }

}  // namespace placer
