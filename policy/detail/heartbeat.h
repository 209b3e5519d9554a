#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace placer::detail {

/// Signs of life through a store of counters that all ranks share: each rank counts its own up once
/// per period, and looks whether those of others go up. Time is counted in periods of this process:
/// one that was stopped and goes on does not take the others for dead.
class Heartbeat {
 public:
  /// Adds to a counter, which starts at 0. @return its value. May throw or not return if the store
  /// is gone.
  using Add = std::function<std::int64_t(const std::string& key, std::int64_t value)>;
  /// Called from a thread of the heartbeat, once per rank.
  using OnSilent = std::function<void(std::size_t rank)>;

  /// @param watched  ranks to look at; if the store does not answer, `keeper` is taken to be silent
  /// @param patience  periods without a sign until a rank is silent
  Heartbeat(Add add, std::size_t rank, std::vector<std::size_t> watched, std::size_t keeper,
            OnSilent on_silent, std::chrono::milliseconds period, int patience);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

 private:
  /// What the threads share; a thread that waits for a store that is gone outlives the heartbeat.
  struct State;
  static void Beat(const std::shared_ptr<State>& state);
  void Watch();

  std::shared_ptr<State> state_;
  std::size_t keeper_;
  OnSilent on_silent_;
  std::chrono::milliseconds period_;
  int patience_;
  std::thread beater_, watcher_;
};

}  // namespace placer::detail
