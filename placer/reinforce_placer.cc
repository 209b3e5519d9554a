#include "placer/reinforce_placer.h"

#include <utility>

namespace placer {
namespace {

class ReinforcePlacer final : public Placer {
 public:
  ReinforcePlacer(const ReinforceOptions& options, ReinforceTrainer::OnUpdate on_update,
                  RankTeam* team)
      : options_(options), on_update_(std::move(on_update)), team_(team) {}

 private:
  [[nodiscard]] PlaceResult DoPlace(const PlaceRequest& request) const override {
    ReinforceTrainer trainer(request, options_, on_update_, team_);
    trainer.Run();
    return trainer.Finish();
  }

  ReinforceOptions options_;
  ReinforceTrainer::OnUpdate on_update_;
  RankTeam* team_;
};

}  // namespace

std::unique_ptr<Placer> MakeReinforcePlacer(const ReinforceOptions& options,
                                            ReinforceTrainer::OnUpdate on_update, RankTeam* team) {
  return std::make_unique<ReinforcePlacer>(options, std::move(on_update), team);
}

void AddReinforcePlacers(PlacerRegistry& registry) {
  registry.Add({"reinforce",
                "LSTM policy trained with REINFORCE, from nothing (Mirhoseini et al., ICML 2017)",
                [] { return MakeReinforcePlacer(ReinforcePreset("default")); }});
  registry.Add({"reinforce+warm", "the same, after imitating the best heuristic", [] {
                  ReinforceOptions options = ReinforcePreset("default");
                  options.warm = true;
                  return MakeReinforcePlacer(options);
                }});
}

}  // namespace placer
