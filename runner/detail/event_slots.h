#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace placer::detail {

/// Next event times, one per slot, and which slots are due next. With the few dozen slots of a
/// cluster, a vectorised scan without branches is quicker than any heap: which slot comes next
/// cannot be predicted.
class EventSlots {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  explicit EventSlots(std::size_t num_slots);

  void Clear();
  [[nodiscard]] std::int64_t& operator[](std::size_t slot) { return times_[slot]; }
  /// The earliest time, at most `latest`. The slots it is in are due.
  std::int64_t FindNext(std::int64_t latest) {
    return find_(times_.data(), times_.size() / kBlock, latest, due_.data());
  }
  /// Calls f(slot) for each due slot, ascending, and forgets them.
  template <typename F>
  void TakeDue(F&& f) {
    for (std::size_t block = 0; block < due_.size(); ++block) {
      for (std::uint32_t mask = due_[block]; mask != 0; mask &= mask - 1) {
        f(static_cast<std::uint32_t>(block * kBlock) +
          static_cast<std::uint32_t>(__builtin_ctz(mask)));
      }
      due_[block] = 0;
    }
  }

 private:
  static constexpr std::size_t kBlock = 8;
  using Find = std::int64_t (*)(const std::int64_t* times, std::size_t num_blocks,
                                std::int64_t latest, std::uint8_t* due);
  [[nodiscard]] static Find ChooseFind();
  static std::int64_t FindPortable(const std::int64_t* times, std::size_t num_blocks,
                                   std::int64_t latest, std::uint8_t* due);
#if defined(__x86_64__)
  static std::int64_t FindAvx2(const std::int64_t* times, std::size_t num_blocks,
                               std::int64_t latest, std::uint8_t* due);
  static std::int64_t FindAvx512(const std::int64_t* times, std::size_t num_blocks,
                                 std::int64_t latest, std::uint8_t* due);
#endif

  std::vector<std::int64_t> times_;  // padded to whole blocks with kNever
  std::vector<std::uint8_t> due_;    // a bit per slot
  Find find_;
};

}  // namespace placer::detail
