#include "experiments/methods.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <string_view>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "placer/reinforce_placer.h"

namespace placer {
namespace {

constexpr const char* kReinforceWarm = "reinforce+warm";

}  // namespace

PlacerRegistry AllPlacers() {
  PlacerRegistry registry = HeuristicPlacers();
  AddReinforcePlacers(registry);
  return registry;
}

bool UsesBudget(const std::string& method) {
  constexpr std::array<std::string_view, 6> kBudgeted = {
      "random", "annealing", "cross_entropy", "reinforce", "reinforce+warm", "auto"};
  return std::find(kBudgeted.begin(), kBudgeted.end(), method) != kBudgeted.end();
}

std::optional<std::string> WhyNoLearning() {
  PolicyConfig smallest;
  smallest.hidden = 1;
  try {
    static_cast<void>(MakeLstmPolicy(smallest));
  } catch (const Error& error) {
    return error.what();
  }
  return std::nullopt;
}

std::vector<std::string> ParseMethods(const std::string& list, const PlacerRegistry& registry,
                                      std::ostream& err) {
  if (list == "all") {
    std::vector<std::string> all = registry.Names();
    if (const std::optional<std::string> why = WhyNoLearning()) {
      err << "placer: warning: methods that learn are left out: " << *why << '\n';
      std::erase_if(all, Learns);
    }
    return all;
  }
  std::vector<std::string> methods;
  for (const std::string& name : SplitList(list)) {
    static_cast<void>(registry.Make(name));  // throws for an unknown name
    if (std::find(methods.begin(), methods.end(), name) == methods.end()) {
      methods.push_back(name);
    }
  }
  if (methods.empty()) {
    throw InputError("methods: the list is empty, expected all or names with commas");
  }
  return methods;
}

bool Learns(const std::string& method) { return method == "reinforce" || method == kReinforceWarm; }

ReinforceOptions LearningOptions(const MethodConfig& config) {
  ReinforceOptions options = ReinforcePreset(config.preset.empty() ? "default" : config.preset);
  SetReinforceOptions(config.options, options);
  options.warm = options.warm || config.name == kReinforceWarm;
  return options;
}

std::unique_ptr<Placer> MakeConfigured(const PlacerRegistry& registry, const MethodConfig& config,
                                       ReinforceTrainer::OnUpdate on_update, RankTeam* team) {
  if (Learns(config.name)) {
    return MakeReinforcePlacer(LearningOptions(config), std::move(on_update), team);
  }
  std::unique_ptr<Placer> placer = registry.Make(config.name);
  if (!config.preset.empty()) {
    throw InputError("preset: method '" + config.name + "' has none, found '" + config.preset +
                     "'");
  }
  if (!config.options.empty()) {
    throw InputError("options: method '" + config.name + "' has none, found '" +
                     config.options.begin()->first + "'");
  }
  return placer;
}

}  // namespace placer
