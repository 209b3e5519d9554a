#include "experiments/output_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void ThrowUnwritable(const fs::path& path) {
  const int error = errno;
  throw InputError(path.string() + ": cannot be written: " +
                   (error != 0 ? std::strerror(error) : "unknown reason"));
}

}  // namespace

void CheckWritable(const fs::path& path, std::initializer_list<std::string_view> suffixes) {
  const std::string suffix = path.extension().string();
  if (suffixes.size() > 0 &&
      std::find(suffixes.begin(), suffixes.end(), suffix) == suffixes.end()) {
    std::string known;
    for (const std::string_view each : suffixes) {
      known += (known.empty() ? "" : ", ") + std::string(each);
    }
    throw InputError(path.string() + ": unknown suffix '" + suffix + "', expected one of " + known);
  }
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    throw InputError(path.string() + ": is a folder, expected a file name");
  }
  fs::path temporary = path;
  temporary += TemporarySuffix(::getpid());
  errno = 0;
  std::ofstream probe(temporary, std::ios::binary);
  if (!probe) {
    ThrowUnwritable(path);
  }
  probe.close();
  fs::remove(temporary, ignored);
}

void MakeFolder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    throw InputError(path.string() + ": cannot be made: " + error.message());
  }
}

}  // namespace placer
