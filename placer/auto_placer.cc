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
/// @param elapsed  of the parts before it
PlaceRequest PartOf(const PlaceRequest& whole, const SearchSession& session, Seconds elapsed) {
  PlaceRequest part{
      whole.problem, {session.samples_left(), std::nullopt}, whole.seed, whole.stop, {}, {}};
  part.keep_hashes = true;
  if (whole.budget.seconds) {
    part.budget.seconds = std::max(Seconds(0), *whole.budget.seconds - elapsed);
  }
  if (whole.progress) {
    part.progress = [&whole, &session, elapsed](const Progress& at) {
      const bool better = !session.has_best() || IsBetter(at.best, session.best());
      whole.progress({session.samples() + at.samples, better ? at.best : session.best(),
                      elapsed + at.wall, session.unique_samples() + at.unique_samples});
    };
  }
  return part;
}

class AutoPlacer final : public Placer {
 private:
  [[nodiscard]] PlaceResult DoPlace(const PlaceRequest& request) const override {
    const PlacerRegistry methods = HeuristicPlacers();
    PlaceRequest silent = request;  // the parts tell the progress, and their ends
    silent.progress = {};
    SearchSession session(silent);
    Seconds elapsed{0};
    std::string note;
    for (const char* method : kMethods) {
      if (session.exhausted()) {
        break;
      }
      const PlaceRequest part = PartOf(request, session, elapsed);
      PlaceResult found = methods.Make(method)->Place(part);
      if (found.groups && (!session.has_best() || IsBetter(found.best, session.best()))) {
        note = std::string("found by ") + method;
      }
      elapsed += found.wall;
      session.Absorb(std::move(found));
    }
    PlaceResult whole = std::move(session).Finish(std::move(note));
    if (request.progress && whole.groups) {  // parts may have tried the same placements
      request.progress({whole.samples, whole.best, whole.wall, whole.unique_samples});
    }
    return whole;
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
