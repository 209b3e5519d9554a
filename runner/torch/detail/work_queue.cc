#include "runner/torch/detail/work_queue.h"

#include <thread>

namespace placer::detail {
namespace {

/// How long a worker looks for work before it sleeps: about what waking it would take (10 us).
constexpr int kSpins = 400;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

void WorkQueue::Push(std::span<const std::uint32_t> ops, std::span<const std::uint32_t> copies) {
  if (ops.empty() && copies.empty()) {
    return;
  }
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    ops_.insert(ops_.end(), ops.begin(), ops.end());
    copies_.insert(copies_.end(), copies.begin(), copies.end());
    size_.store(ops_.size() + copies_.size(), std::memory_order_release);
    wake = num_waiting_ > 0;
  }
  if (wake) {
    changed_.notify_all();
  }
}

std::optional<WorkQueue::Item> WorkQueue::TryPop() {
  const std::lock_guard lock(mutex_);
  return closed_.load(std::memory_order_relaxed) ? std::nullopt : Take();
}

std::optional<WorkQueue::Item> WorkQueue::Take() {
  std::deque<std::uint32_t>& from = copies_.empty() ? ops_ : copies_;
  if (from.empty()) {
    return std::nullopt;
  }
  const Item item{&from == &copies_, from.front()};
  from.pop_front();
  size_.store(ops_.size() + copies_.size(), std::memory_order_release);
  return item;
}

std::optional<WorkQueue::Item> WorkQueue::Pop() {
  for (int i = 0; i < kSpins; ++i) {
    if (size_.load(std::memory_order_acquire) > 0 || closed_.load(std::memory_order_acquire)) {
      break;
    }
    Pause();
  }
  std::unique_lock lock(mutex_);
  for (;;) {
    if (closed_.load(std::memory_order_relaxed)) {
      return std::nullopt;
    }
    if (const auto item = Take()) {
      return item;
    }
    ++num_waiting_;
    changed_.wait(lock);
    --num_waiting_;
  }
}

void WorkQueue::Close() {
  {
    const std::lock_guard lock(mutex_);
    ops_.clear();
    copies_.clear();
    size_ = 0;
    closed_ = true;
  }
  changed_.notify_all();
}

void WorkQueue::Open() {
  const std::lock_guard lock(mutex_);
  closed_ = false;
}

}  // namespace placer::detail
