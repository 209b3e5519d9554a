#include <string>

#include "graphs/base/error.h"
#include "policy/detail/torch_library.h"
#include "policy/policy.h"

namespace placer {
namespace {

constexpr const char* kFactory = "PlacerMakeLstmPolicy";

using Factory = Policy* (*)(const PolicyConfig&);

void Require(bool ok, const std::string& field, const std::string& found,
             const std::string& expected) {
  if (!ok) {
    throw InputError("policy config: " + field + " is " + found + ", expected " + expected);
  }
}

void CheckSize(const std::string& field, std::size_t value, std::size_t most) {
  Require(value >= 1 && value <= most, field, std::to_string(value),
          "1 to " + std::to_string(most));
}

// Bounds keep sizes far from overflow; devices must fit Proposal::devices.
void CheckConfig(const PolicyConfig& config) {
  CheckSize("hidden", config.hidden, 1U << 14U);
  CheckSize("type_embedding", config.type_embedding, 1U << 14U);
  CheckSize("adjacency_embedding", config.adjacency_embedding, 1U << 14U);
  CheckSize("device_embedding", config.device_embedding, 1U << 14U);
  CheckSize("max_groups", config.max_groups, 1U << 20U);
  CheckSize("max_devices", config.max_devices, 256);
  Require(!config.bidirectional || config.hidden % 2 == 0, "hidden", std::to_string(config.hidden),
          "an even number for a bidirectional encoder");
  const auto positive = [](const std::string& field, double value) {
    Require(value > 0 && value < 1e6, field, std::to_string(value), "a number in (0, 1e6)");
  };
  positive("tanh_constant", config.tanh_constant);
  positive("temperature", config.temperature);
  Require(config.initial_range >= 0 && config.initial_range <= 10, "initial_range",
          std::to_string(config.initial_range), "a number in [0, 10]");
}

}  // namespace

std::unique_ptr<Policy> MakeLstmPolicy(const PolicyConfig& config) {
  CheckConfig(config);
  const auto make = reinterpret_cast<Factory>(detail::TorchLibrarySymbol(kFactory));
  return std::unique_ptr<Policy>(make(config));
}

}  // namespace placer
