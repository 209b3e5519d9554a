#include "experiments/methods.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

#include "graphs/base/error.h"

namespace placer {

PlacerRegistry AllPlacers() {
  PlacerRegistry registry = HeuristicPlacers();
  // Methods that learn are added here.
  return registry;
}

bool UsesBudget(const std::string& method) {
  constexpr std::array<std::string_view, 5> kBudgeted = {"random", "annealing", "cross_entropy",
                                                         "reinforce", "reinforce+warm"};
  return std::find(kBudgeted.begin(), kBudgeted.end(), method) != kBudgeted.end();
}

std::vector<std::string> ParseMethods(const std::string& list, const PlacerRegistry& registry) {
  if (list == "all") {
    return registry.Names();
  }
  std::vector<std::string> methods;
  std::istringstream stream(list);
  for (std::string name; std::getline(stream, name, ',');) {
    if (name.empty()) {
      continue;
    }
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

std::unique_ptr<Placer> MakeConfigured(const PlacerRegistry& registry, const std::string& method,
                                       const std::string& preset,
                                       const std::map<std::string, std::string>& options) {
  std::unique_ptr<Placer> placer = registry.Make(method);
  if (!preset.empty()) {
    throw InputError("preset: method '" + method + "' has none, found '" + preset + "'");
  }
  if (!options.empty()) {
    throw InputError("options: method '" + method + "' has none, found '" + options.begin()->first +
                     "'");
  }
  return placer;
}

}  // namespace placer
