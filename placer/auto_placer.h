#pragma once

#include <memory>

#include "placer/registry.h"

namespace placer {

/// The quick methods one after the other, then annealing with the samples that are left; the best
/// of all is kept. What a program wants that asks for a good plan within seconds. (The command's
/// `auto` compares methods, and so gives each of them all samples.)
[[nodiscard]] std::unique_ptr<Placer> MakeAutoPlacer();

/// Every method by name: `auto`, HeuristicPlacers(), and those that learn, whose Place() @throws
/// UnavailableError in a build without LibTorch.
[[nodiscard]] PlacerRegistry LibraryPlacers();

}  // namespace placer
