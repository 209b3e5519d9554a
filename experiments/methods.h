#pragma once

#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "placer/registry.h"
#include "placer/reinforce_trainer.h"

namespace placer {

/// Every method the command knows, by name.
[[nodiscard]] PlacerRegistry AllPlacers();

/// True for methods that spend as many samples as they are given (search, learning); false for
/// heuristics, which evaluate a few placements and are done.
[[nodiscard]] bool UsesBudget(const std::string& method);

/// Why methods that learn cannot run here (LibTorch is missing); nothing if they can.
[[nodiscard]] std::optional<std::string> WhyNoLearning();

/// `all` or a list with commas, in the given order, without repeats. From `all` methods that learn
/// are left out where they cannot run, with a warning on `err`.
/// @throws InputError for an empty list or an unknown name (lists the known ones)
[[nodiscard]] std::vector<std::string> ParseMethods(const std::string& list,
                                                    const PlacerRegistry& registry,
                                                    std::ostream& err);

/// A method as an experiment names it.
struct MethodConfig {
  std::string name;
  std::string preset;  ///< empty: the method's default
  std::map<std::string, std::string> options;
};
/// @param on_update  called after every update of a method that learns
/// @param team       borrowed: ranks that share the work of a method that learns
/// @throws InputError for an unknown method, preset or option, and for a preset or options of a
/// method that has none
[[nodiscard]] std::unique_ptr<Placer> MakeConfigured(const PlacerRegistry& registry,
                                                     const MethodConfig& config,
                                                     ReinforceTrainer::OnUpdate on_update = {},
                                                     RankTeam* team = nullptr);
/// Of a method that learns. @throws InputError for an unknown preset or option
[[nodiscard]] ReinforceOptions LearningOptions(const MethodConfig& config);
/// True for methods that report every update.
[[nodiscard]] bool Learns(const std::string& method);

}  // namespace placer
