#include "placer/auto_placer.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "placer/reinforce_placer.h"
#include "placer/search_session.h"

namespace placer {
namespace {

// By promise, so that a small budget takes the best of them; annealing starts from the best single
// device by itself.
constexpr std::array kMethods = {"heft",    "etf",    "topological", "single_device", "expert",
                                 "min_cut", "scotch", "round_robin", "annealing"};

/// What a part of the search may spend, and its progress as that of the whole.
PlaceRequest PartOf(const PlaceRequest& whole, const SearchSession& session, Seconds elapsed) {
  PlaceRequest part{
      whole.problem, {session.samples_left(), std::nullopt}, whole.seed, whole.stop, {}, {}};
  if (whole.budget.seconds) {
    part.budget.seconds = std::max(Seconds(0), *whole.budget.seconds - elapsed);
  }
  if (whole.progress) {
    part.progress = [&whole, &session, elapsed](const Progress& at) {
      const bool better = !session.has_best() || IsBetter(at.best, session.best());
      whole.progress(
          {session.samples() + at.samples, better ? at.best : session.best(), elapsed + at.wall});
    };
  }
  return part;
}

class AutoPlacer final : public Placer {
 private:
  [[nodiscard]] PlaceResult DoPlace(const PlaceRequest& request) const override {
    const PlacerRegistry methods = HeuristicPlacers();
    SearchSession session(request);
    Seconds elapsed{0};
    std::int64_t unique_samples = 0;
    std::string note;
    for (const char* method : kMethods) {
      if (session.exhausted()) {
        break;
      }
      const PlaceRequest part = PartOf(request, session, elapsed);
      const PlaceResult found = methods.Make(method)->Place(part);
      if (found.groups && (!session.has_best() || IsBetter(found.best, session.best()))) {
        note = std::string("found by ") + method;
      }
      session.Absorb(found);
      unique_samples += found.unique_samples;
      elapsed += found.wall;
    }
    PlaceResult result = std::move(session).Finish(std::move(note));
    result.unique_samples = unique_samples;  // a placement that two methods tried counts twice
    return result;
  }
};

}  // namespace

std::unique_ptr<Placer> MakeAutoPlacer() { return std::make_unique<AutoPlacer>(); }

PlacerRegistry LibraryPlacers() {
  PlacerRegistry registry = HeuristicPlacers();
  AddReinforcePlacers(registry);
  registry.Add(
      {"auto", "the quick methods, then annealing with the samples that are left", MakeAutoPlacer});
  return registry;
}

}  // namespace placer
