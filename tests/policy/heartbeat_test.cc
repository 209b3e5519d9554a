#include "policy/detail/heartbeat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <stdexcept>

namespace placer::detail {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

/// The store, and what was said about ranks.
class HeartbeatTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<Heartbeat> Start(std::size_t rank,
                                                 std::vector<std::size_t> watched) {
    return std::make_unique<Heartbeat>(
        [this](const std::string& key, std::int64_t value) { return Add(key, value); }, rank,
        std::move(watched), /*keeper=*/0,
        [this](std::size_t silent) {
          const std::lock_guard lock(mutex_);
          silent_.push_back(silent);
        },
        /*period=*/2ms, /*patience=*/100);
  }
  std::int64_t Add(const std::string& key, std::int64_t value) {
    while (hangs_) {
      in_hanging_call_ = true;
      std::this_thread::sleep_for(1ms);
    }
    in_hanging_call_ = false;
    if (gone_) {
      throw std::runtime_error("connection reset");
    }
    const std::lock_guard lock(mutex_);
    return counters_[key] += value;
  }
  [[nodiscard]] std::vector<std::size_t> Silent() {
    const std::lock_guard lock(mutex_);
    return silent_;
  }
  /// @return whether anyone was found silent before five seconds were over
  bool WaitForSilence() {
    for (int i = 0; i < 5000 && Silent().empty(); ++i) {
      std::this_thread::sleep_for(1ms);
    }
    return !Silent().empty();
  }

  std::atomic<bool> gone_{false}, hangs_{false}, in_hanging_call_{false};

 private:
  std::mutex mutex_;
  std::map<std::string, std::int64_t> counters_;
  std::vector<std::size_t> silent_;
};

TEST_F(HeartbeatTest, RanksThatLiveAreHeard) {
  const auto zero = Start(0, {1});
  const auto one = Start(1, {0});
  std::this_thread::sleep_for(20ms);
  EXPECT_THAT(Silent(), IsEmpty());
}

TEST_F(HeartbeatTest, OneThatFallsSilentIsNoticedOnce) {
  const auto zero = Start(0, {1, 2});
  const auto one = Start(1, {0});
  auto two = Start(2, {0});
  std::this_thread::sleep_for(10ms);
  two.reset();
  ASSERT_TRUE(WaitForSilence());
  std::this_thread::sleep_for(300ms);
  EXPECT_THAT(Silent(), ElementsAre(2));
}

TEST_F(HeartbeatTest, AStoreThatFailsIsItsKeepersSilence) {
  const auto one = Start(1, {0});
  gone_ = true;
  ASSERT_TRUE(WaitForSilence());
  EXPECT_THAT(Silent(), ElementsAre(0));
}

TEST_F(HeartbeatTest, SoIsOneThatDoesNotAnswer) {
  auto one = Start(1, {0});
  std::this_thread::sleep_for(10ms);
  hangs_ = true;
  ASSERT_TRUE(WaitForSilence());
  EXPECT_THAT(Silent(), ElementsAre(0));
  one.reset();  // does not wait for the store
  hangs_ = false;
  gone_ = true;  // the thread that hung ends before the store does
  while (in_hanging_call_) {
    std::this_thread::sleep_for(1ms);
  }
}

}  // namespace
}  // namespace placer::detail
