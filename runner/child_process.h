#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace placer {

/// A program in a process of its own, with a socket to talk over and its standard error kept in
/// memory. It dies with this object, and with this process, however that ends. Not thread-safe.
class ChildProcess {
 public:
  /// Runs `program ARGS... SOCKET`, SOCKET being the number of the child's end. @throws Error if it
  /// cannot be started
  explicit ChildProcess(const std::filesystem::path& program,
                        const std::vector<std::string>& args = {});
  /// Kills it if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// This process's end of the socket.
  [[nodiscard]] int socket() const noexcept { return socket_; }
  /// Resident bytes now, 0 if they cannot be read.
  [[nodiscard]] std::int64_t ResidentBytes() const;
  /// Ends it, at once, and waits for that. @return how it ended: "was killed by signal 9", "ended
  /// with status 1", and the last line it wrote to standard error, if any
  std::string Kill();

 private:
  void Run(std::vector<std::string> argv, int child_socket);

  pid_t pid_ = -1;
  int socket_ = -1;
  int errors_ = -1;  ///< a file in memory
  std::string ending_;
  // The kernel's "die with your parent" means the parent's *thread*: one that lives as long as the
  // child must start it.
  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false, done_ = false;
  int start_error_ = 0;
  std::thread starter_;
};

}  // namespace placer
