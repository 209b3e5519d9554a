#pragma once

#include <cstdint>
#include <filesystem>

namespace placer {

/// Says which processes live, by number: each holds a lock on a byte of its own of one file, which
/// the kernel gives back however the process ends. For processes of one machine.
class ProcessLocks {
 public:
  /// Opens the file when it is needed.
  explicit ProcessLocks(std::filesystem::path path) : path_(std::move(path)) {}
  ~ProcessLocks();
  ProcessLocks(const ProcessLocks&) = delete;
  ProcessLocks& operator=(const ProcessLocks&) = delete;

  /// Until this object ends. Makes the file if it is missing. @throws InputError
  void Hold(std::int64_t number);
  /// Whether any object holds it, this one included, of this process or another.
  [[nodiscard]] bool IsHeld(std::int64_t number) const;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace placer
