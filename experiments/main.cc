#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "experiments/command.h"

namespace {

/// Turns SIGINT and SIGTERM into a stop request, on a thread of its own, where anything may be
/// called. A second signal ends the process at once.
class SignalWatcher {
 public:
  SignalWatcher() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    // Threads started later inherit the mask, so that the signals reach the watcher alone.
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    thread_ = std::thread([this] { Watch(); });
  }
  ~SignalWatcher() {
    done_ = true;
    // The thread blocks the signal: it wakes from sigwait(), nothing is terminated.
    pthread_kill(thread_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
    thread_.join();
  }
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  void Watch() {
    for (int signal = 0; sigwait(&signals_, &signal) == 0 && !done_;) {
      if (source_.stop_requested()) {
        _exit(128 + signal);
      }
      source_.request_stop();
    }
  }

  sigset_t signals_{};
  std::stop_source source_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  const SignalWatcher watcher;
  const placer::Console console{std::cout, std::cerr, isatty(STDERR_FILENO) != 0, watcher.token()};
  const placer::ExitCode code = placer::RunCommand(args, console);
  std::cout.flush();
  return static_cast<int>(std::cout ? code : placer::ExitCode::kInternalError);
}
