#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "placer/registry.h"

namespace placer {

/// Every method the command knows, by name.
[[nodiscard]] PlacerRegistry AllPlacers();

/// True for methods that spend as many samples as they are given (search, learning); false for
/// heuristics, which evaluate a few placements and are done.
[[nodiscard]] bool UsesBudget(const std::string& method);

/// `all` or a list with commas, in the given order, without repeats.
/// @throws InputError for an empty list or an unknown name (lists the known ones)
[[nodiscard]] std::vector<std::string> ParseMethods(const std::string& list,
                                                    const PlacerRegistry& registry);

/// A method with its preset and options, as an experiment names them.
/// @throws InputError for an unknown method, and for a preset or options that it does not have
[[nodiscard]] std::unique_ptr<Placer> MakeConfigured(
    const PlacerRegistry& registry, const std::string& method, const std::string& preset,
    const std::map<std::string, std::string>& options);

}  // namespace placer
