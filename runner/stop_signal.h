#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <optional>
#include <stop_token>

namespace placer {

/// Wakes a poll() when a stop is asked for.
class StopSignal {
 public:
  explicit StopSignal(const std::stop_token& token)
      : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), callback_(std::in_place, token, Raise{fd_}) {}
  ~StopSignal() {
    callback_.reset();  // before its file is closed
    close(fd_);
  }
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  /// Becomes readable, and stays so.
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  struct Raise {
    int fd;
    void operator()() const noexcept { static_cast<void>(eventfd_write(fd, 1)); }
  };
  int fd_;
  std::optional<std::stop_callback<Raise>> callback_;
};

}  // namespace placer
