#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "graphs/base/error.h"
#include "policy/policy.h"

namespace placer {
namespace {

constexpr const char* kLibrary = "placer_policy_torch.so";
constexpr const char* kLibraryVariable = "PLACER_POLICY_LIBRARY";
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

/// Where the LibTorch part may be, in order. A build has it beside its programs; a bare name is
/// left to the dynamic linker, which follows the run path of the program or library that this code
/// is in: so it is found from an installed library, whatever program has loaded it.
std::vector<std::string> Candidates() {
  if (const char* path = std::getenv(kLibraryVariable); path != nullptr && *path != '\0') {
    return {path};
  }
  std::vector<std::string> candidates;
  std::error_code ignored;
  const std::filesystem::path executable = std::filesystem::read_symlink("/proc/self/exe", ignored);
  if (!executable.empty()) {
    candidates.push_back(executable.parent_path() / kLibrary);
  }
  candidates.emplace_back(kLibrary);
  return candidates;
}

Factory LoadFactory() {
  std::string faults;
  for (const std::string& path : Candidates()) {
    std::error_code ignored;
    if (path.find('/') != std::string::npos && !std::filesystem::exists(path, ignored)) {
      faults += "; " + path + ": no such file";
      continue;
    }
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library != nullptr) {
      if (void* symbol = dlsym(library, kFactory); symbol != nullptr) {
        return reinterpret_cast<Factory>(symbol);
      }
    }
    faults += "; " + std::string(dlerror());
  }
  throw UnavailableError("the LSTM policy needs " + std::string(kLibrary) +
                         " beside the executable, on its run path, or named by " +
                         kLibraryVariable +
                         "; a build with -DPLACER_WITH_TORCH=OFF does not have it" + faults);
}

Factory CachedFactory() {
  static std::mutex mutex;
  static Factory factory = nullptr;  // a failed load is tried again
  const std::lock_guard lock(mutex);
  if (factory == nullptr) {
    factory = LoadFactory();
  }
  return factory;
}

}  // namespace

std::unique_ptr<Policy> MakeLstmPolicy(const PolicyConfig& config) {
  CheckConfig(config);
  return std::unique_ptr<Policy>(CachedFactory()(config));
}

}  // namespace placer
