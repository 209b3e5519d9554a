#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "policy/process_group.h"

namespace placer::testing_support {

/// Ranks that are threads of one process. A rank whose group is destroyed is gone for the others.
class LocalRanks {
 public:
  explicit LocalRanks(std::size_t size) : size_(size), gone_(size, false), queues_(size * size) {}

  [[nodiscard]] std::unique_ptr<ProcessGroup> Join(std::size_t rank) {
    return std::make_unique<Group>(*this, rank);
  }

 private:
  class Group final : public ProcessGroup {
   public:
    Group(LocalRanks& ranks, std::size_t rank) : ranks_(ranks), rank_(rank) {}
    ~Group() override {
      const std::lock_guard lock(ranks_.mutex_);
      ranks_.gone_[rank_] = true;
      ranks_.changed_.notify_all();
    }
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;
    [[nodiscard]] std::size_t rank() const noexcept override { return rank_; }
    [[nodiscard]] std::size_t size() const noexcept override { return ranks_.size_; }
    void Send(std::size_t to, std::string_view bytes) override {
      const std::lock_guard lock(ranks_.mutex_);
      if (ranks_.gone_[to]) {
        throw LostRankError(to, "test");
      }
      ranks_.queues_[rank_ * size() + to].emplace_back(bytes);
      ranks_.changed_.notify_all();
    }
    [[nodiscard]] std::string Receive(std::size_t from) override {
      std::unique_lock lock(ranks_.mutex_);
      std::deque<std::string>& queue = ranks_.queues_[from * size() + rank_];
      ranks_.changed_.wait(lock, [&] { return !queue.empty() || ranks_.gone_[from]; });
      if (queue.empty()) {
        throw LostRankError(from, "test");
      }
      std::string message = std::move(queue.front());
      queue.pop_front();
      return message;
    }

   private:
    LocalRanks& ranks_;
    std::size_t rank_;
  };

  std::size_t size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> gone_;
  std::vector<std::deque<std::string>> queues_;
};

}  // namespace placer::testing_support
