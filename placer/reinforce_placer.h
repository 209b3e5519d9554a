#pragma once

#include <memory>

#include "placer/registry.h"
#include "placer/reinforce_options.h"
#include "placer/reinforce_trainer.h"

namespace placer {

/// The LSTM policy trained with REINFORCE, as a method like any other.
/// @param team  borrowed; ranks that share the policy's work. Place() is then not thread-safe
[[nodiscard]] std::unique_ptr<Placer> MakeReinforcePlacer(const ReinforceOptions& options,
                                                          ReinforceTrainer::OnUpdate on_update = {},
                                                          RankTeam* team = nullptr);

/// Adds `reinforce`, which starts from nothing, and `reinforce+warm`, which first imitates the best
/// heuristic, with the default preset.
void AddReinforcePlacers(PlacerRegistry& registry);

}  // namespace placer
