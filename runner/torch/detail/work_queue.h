#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>

namespace placer::detail {

/// What a worker may do next: copies first, then ops in the order in which they became ready.
class WorkQueue {
 public:
  struct Item {
    bool is_copy = false;
    std::uint32_t index = 0;
  };

  void Push(std::span<const std::uint32_t> ops, std::span<const std::uint32_t> copies);
  /// Waits for work. nullopt: closed.
  [[nodiscard]] std::optional<Item> Pop();
  /// nullopt: nothing to do now, or closed.
  [[nodiscard]] std::optional<Item> TryPop();
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  /// Forgets everything, and wakes those who wait.
  void Close();
  void Open();

 private:
  [[nodiscard]] std::optional<Item> Take();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::uint32_t> ops_, copies_;
  std::atomic<std::size_t> size_{0};
  std::atomic<bool> closed_{true};
  int num_waiting_ = 0;
};

}  // namespace placer::detail
