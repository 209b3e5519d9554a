#include "policy/process_group.h"

#include <charconv>
#include <cstdlib>

#include "policy/detail/torch_library.h"

namespace placer {
namespace {

constexpr const char* kFactory = "PlacerJoinProcessGroup";

using Factory = ProcessGroup* (*)(const ProcessGroupAddress&);

std::string ReadVariable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

std::size_t ReadNumber(const char* name, std::size_t least, std::size_t most) {
  const std::string text = ReadVariable(name);
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < least ||
      value > most) {
    throw InputError(std::string("environment: ") + name + " is '" + text +
                     "', expected a number from " + std::to_string(least) + " to " +
                     std::to_string(most));
  }
  return value;
}

}  // namespace

std::optional<ProcessGroupAddress> ProcessGroupFromEnvironment() {
  constexpr std::size_t kMostRanks = 4096;  // far beyond what the micro-batches of a batch can feed
  if (ReadVariable("WORLD_SIZE").empty()) {
    return std::nullopt;
  }
  ProcessGroupAddress address;
  address.size = ReadNumber("WORLD_SIZE", 1, kMostRanks);
  if (address.size == 1) {
    return std::nullopt;
  }
  address.rank = ReadNumber("RANK", 0, address.size - 1);
  address.master_port = static_cast<std::uint16_t>(ReadNumber("MASTER_PORT", 1, 65535));
  address.master_host = ReadVariable("MASTER_ADDR");
  if (address.master_host.empty()) {
    throw InputError("environment: MASTER_ADDR is '', expected the host of rank 0");
  }
  return address;
}

std::unique_ptr<ProcessGroup> JoinProcessGroup(const ProcessGroupAddress& address) {
  const auto join = reinterpret_cast<Factory>(detail::TorchLibrarySymbol(kFactory));
  return std::unique_ptr<ProcessGroup>(join(address));
}

}  // namespace placer
