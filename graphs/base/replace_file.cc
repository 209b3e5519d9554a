#include "graphs/base/replace_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "graphs/base/error.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Throw(const fs::path& path, const std::string& fault, int error) {
  throw InputError(path.string() + ": " + fault + ": " +
                   (error != 0 ? std::strerror(error) : "unknown reason"));
}

}  // namespace

std::string ReadWholeFile(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    throw InputError(path.string() + ": is a folder, expected a file");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    Throw(path, "cannot be opened", errno);
  }
  std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) {
    Throw(path, "cannot be read", errno);
  }
  return content;
}

std::string TemporarySuffix(pid_t pid) { return ".tmp" + std::to_string(pid); }

void ReplaceFile(const fs::path& path, std::string_view content) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    throw InputError(path.string() + ": is a folder, expected a file name");
  }
  fs::path temporary = path;
  temporary += TemporarySuffix(::getpid());
  errno = 0;
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (!file) {
    const int reason = errno;
    fs::remove(temporary, error);
    Throw(path, "cannot be written", reason);
  }
  fs::rename(temporary, path, error);
  if (error) {
    const int reason = error.value();
    fs::remove(temporary, error);
    Throw(path, "cannot be written", reason);
  }
}

}  // namespace placer
