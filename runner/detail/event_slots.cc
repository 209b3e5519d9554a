#include "runner/detail/event_slots.h"

#include <algorithm>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace placer::detail {

EventSlots::EventSlots(std::size_t num_slots)
    : times_((num_slots + kBlock - 1) / kBlock * kBlock, kNever),
      due_(times_.size() / kBlock, 0),
      find_(ChooseFind()) {}

void EventSlots::Clear() {
  std::fill(times_.begin(), times_.end(), kNever);
  std::fill(due_.begin(), due_.end(), std::uint8_t{0});
}

EventSlots::Find EventSlots::ChooseFind() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    return &FindAvx512;
  }
  if (__builtin_cpu_supports("avx2")) {
    return &FindAvx2;
  }
#endif
  return &FindPortable;
}

std::int64_t EventSlots::FindPortable(const std::int64_t* times, std::size_t num_blocks,
                                      std::int64_t latest, std::uint8_t* due) {
  std::int64_t next = latest;
  for (std::size_t i = 0; i < num_blocks * kBlock; ++i) {
    next = std::min(next, times[i]);
  }
  if (next == kNever) {
    return next;
  }
  for (std::size_t block = 0; block < num_blocks; ++block) {
    unsigned mask = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      mask |= (times[block * kBlock + i] == next ? 1U : 0U) << i;
    }
    due[block] = static_cast<std::uint8_t>(mask);
  }
  return next;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) std::int64_t EventSlots::FindAvx2(const std::int64_t* times,
                                                                  std::size_t num_blocks,
                                                                  std::int64_t latest,
                                                                  std::uint8_t* due) {
  const auto* rows = reinterpret_cast<const __m256i*>(times);
  __m256i least = _mm256_set1_epi64x(latest);
  for (std::size_t i = 0; i < 2 * num_blocks; ++i) {
    const __m256i row = _mm256_loadu_si256(rows + i);
    least = _mm256_blendv_epi8(least, row, _mm256_cmpgt_epi64(least, row));
  }
  alignas(32) std::int64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), least);
  const std::int64_t next = std::min(std::min(lanes[0], lanes[1]), std::min(lanes[2], lanes[3]));
  if (next == kNever) {
    return next;
  }
  const __m256i wanted = _mm256_set1_epi64x(next);
  for (std::size_t block = 0; block < num_blocks; ++block) {
    const __m256i low = _mm256_cmpeq_epi64(_mm256_loadu_si256(rows + 2 * block), wanted);
    const __m256i high = _mm256_cmpeq_epi64(_mm256_loadu_si256(rows + 2 * block + 1), wanted);
    const int mask = _mm256_movemask_pd(_mm256_castsi256_pd(low)) |
                     (_mm256_movemask_pd(_mm256_castsi256_pd(high)) << 4);
    due[block] = static_cast<std::uint8_t>(mask);
  }
  return next;
}

// GCC 12 warns about variables inside its own header.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
__attribute__((target("avx512f"))) std::int64_t EventSlots::FindAvx512(const std::int64_t* times,
                                                                       std::size_t num_blocks,
                                                                       std::int64_t latest,
                                                                       std::uint8_t* due) {
  __m512i least = _mm512_set1_epi64(latest);
  for (std::size_t block = 0; block < num_blocks; ++block) {
    least = _mm512_min_epi64(least, _mm512_loadu_si512(times + block * kBlock));
  }
  const std::int64_t next = _mm512_reduce_min_epi64(least);
  if (next == kNever) {
    return next;
  }
  const __m512i wanted = _mm512_set1_epi64(next);
  for (std::size_t block = 0; block < num_blocks; ++block) {
    due[block] = _mm512_cmpeq_epi64_mask(_mm512_loadu_si512(times + block * kBlock), wanted);
  }
  return next;
}
#pragma GCC diagnostic pop
#endif

}  // namespace placer::detail
