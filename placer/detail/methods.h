#pragma once

#include <memory>

#include "placer/placer.h"

namespace placer {

/// The methods behind the registry's names; each file says how its method works and where it is
/// from.
[[nodiscard]] std::unique_ptr<Placer> MakeSingleDevicePlacer();
[[nodiscard]] std::unique_ptr<Placer> MakeRandomPlacer();
[[nodiscard]] std::unique_ptr<Placer> MakeRoundRobinPlacer();
[[nodiscard]] std::unique_ptr<Placer> MakeTopologicalPlacer();
[[nodiscard]] std::unique_ptr<Placer> MakeHeftPlacer();
[[nodiscard]] std::unique_ptr<Placer> MakeEtfPlacer();
[[nodiscard]] std::unique_ptr<Placer> MakeScotchPlacer();
[[nodiscard]] std::unique_ptr<Placer> MakeMinCutPlacer();
[[nodiscard]] std::unique_ptr<Placer> MakeExpertPlacer();
[[nodiscard]] std::unique_ptr<Placer> MakeAnnealingPlacer();
[[nodiscard]] std::unique_ptr<Placer> MakeCrossEntropyPlacer();

}  // namespace placer
