#include "policy/detail/torch_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "graphs/base/error.h"

namespace placer::detail {
namespace {

constexpr const char* kLibrary = "placer_policy_torch.so";
constexpr const char* kLibraryVariable = "PLACER_POLICY_LIBRARY";

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

/// @param symbol  what the library must have
void* Load(const char* symbol) {
  std::string faults;
  for (const std::string& path : Candidates()) {
    std::error_code ignored;
    if (path.find('/') != std::string::npos && !std::filesystem::exists(path, ignored)) {
      faults += "; " + path + ": no such file";
      continue;
    }
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library != nullptr && dlsym(library, symbol) != nullptr) {
      return library;
    }
    faults += "; " + std::string(dlerror());
  }
  throw UnavailableError("the LSTM policy needs " + std::string(kLibrary) +
                         " beside the executable, on its run path, or named by " +
                         kLibraryVariable +
                         "; a build with -DPLACER_WITH_TORCH=OFF does not have it" + faults);
}

}  // namespace

void* TorchLibrarySymbol(const char* name) {
  static std::mutex mutex;
  static void* library = nullptr;  // a failed load is tried again
  const std::lock_guard lock(mutex);
  if (library == nullptr) {
    library = Load(name);
  }
  void* symbol = dlsym(library, name);
  if (symbol == nullptr) {
    throw UnavailableError(std::string(kLibrary) + " is of another version: " + dlerror());
  }
  return symbol;
}

}  // namespace placer::detail
