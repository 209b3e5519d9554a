// cross_entropy: an independent categorical distribution per group, moved towards the best tenth of
// each population. Source: de Boer, Kroese, Mannor, Rubinstein, "A Tutorial on the Cross-Entropy
// Method", Annals of Operations Research 134, 2005, sections 3 and 4 (elite share 0.1, smoothed
// updating with 0.7).

#include <algorithm>
#include <numeric>

#include "placer/detail/methods.h"
#include "placer/search_session.h"

namespace placer {
namespace {

constexpr std::size_t kPopulation = 100;
constexpr std::size_t kElite = 10;
constexpr double kSmoothing = 0.7;

/// Probabilities [num_groups, num_devices], 0 where not allowed.
class Categorical {
 public:
  explicit Categorical(const Problem& problem)
      : num_devices_(problem.num_devices()), p_(problem.num_groups() * num_devices_, 0) {
    for (std::size_t g = 0; g < problem.num_groups(); ++g) {
      const auto allowed = problem.allowed_devices(GroupId(g));
      for (const DeviceId device : allowed) {
        p_[g * num_devices_ + device.index()] = 1.0 / static_cast<double>(allowed.size());
      }
    }
  }

  void Sample(Rng* rng, GroupPlacement* groups) const {
    groups->resize(p_.size() / num_devices_);
    for (std::size_t g = 0; g < groups->size(); ++g) {
      double rest = rng->Uniform();
      std::size_t chosen = 0;
      for (std::size_t d = 0; d < num_devices_; ++d) {
        const double p = p_[g * num_devices_ + d];
        if (p <= 0) {
          continue;
        }
        chosen = d;  // the last possible one takes what rounding leaves over
        if (rest < p) {
          break;
        }
        rest -= p;
      }
      (*groups)[g] = DeviceId(chosen);
    }
  }

  void MoveTowards(const std::vector<const GroupPlacement*>& elite) {
    for (double& p : p_) {
      p *= 1.0 - kSmoothing;
    }
    const double share = kSmoothing / static_cast<double>(elite.size());
    for (const GroupPlacement* groups : elite) {
      for (std::size_t g = 0; g < groups->size(); ++g) {
        p_[g * num_devices_ + (*groups)[g].index()] += share;
      }
    }
  }

 private:
  std::size_t num_devices_;
  std::vector<double> p_;
};

class CrossEntropyPlacer final : public Placer {
  [[nodiscard]] PlaceResult DoPlace(const PlaceRequest& request) const override {
    SearchSession session(request);
    Categorical distribution(request.problem);
    std::vector<GroupPlacement> population(kPopulation);
    std::vector<StepSummary> summaries(kPopulation);
    std::vector<std::size_t> order(kPopulation);
    for (std::uint64_t generation = 0; !session.exhausted(); ++generation) {
      for (std::size_t i = 0; i < kPopulation; ++i) {
        Rng rng(DeriveSeed(request.seed, generation, i));
        distribution.Sample(&rng, &population[i]);
      }
      if (session.EvaluateBatch(population, summaries) < kPopulation) {
        break;
      }
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return IsBetter(summaries[a], summaries[b]);
      });
      std::vector<const GroupPlacement*> elite;
      for (std::size_t i = 0; i < kElite; ++i) {
        elite.push_back(&population[order[i]]);
      }
      distribution.MoveTowards(elite);
    }
    return std::move(session).Finish();
  }
};

}  // namespace

std::unique_ptr<Placer> MakeCrossEntropyPlacer() { return std::make_unique<CrossEntropyPlacer>(); }

}  // namespace placer
