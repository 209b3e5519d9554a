#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace placer {

/// Root of every random stream. Never derived from a clock, a thread id or a rank.
using Seed = std::uint64_t;

/// SplitMix64 finaliser (Steele, Lea, Flood, OOPSLA 2014): a bijective mix of 64 bits.
[[nodiscard]] constexpr std::uint64_t MixBits(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

/// The seed of an independent stream, e.g. DeriveSeed(root, update, sample).
template <typename... Index>
[[nodiscard]] constexpr Seed DeriveSeed(Seed root, Index... path) noexcept {
  Seed seed = MixBits(root);
  ((seed = MixBits(seed ^ MixBits(static_cast<std::uint64_t>(path)))), ...);
  return seed;
}

/// xoshiro256++ (Blackman and Vigna 2019). The same seed gives the same numbers with every
/// compiler, which std::uniform_*_distribution does not promise. Not thread-safe: one per stream.
class Rng {
 public:
  using State = std::array<std::uint64_t, 4>;
  using result_type = std::uint64_t;

  explicit Rng(Seed seed) noexcept {
    for (auto& word : state_) {
      word = MixBits(seed);
      seed = word;
    }
  }
  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }

  result_type operator()() noexcept {
    const std::uint64_t result = Rotate(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }

  /// Uniform in [0, bound), bound > 0. Lemire's multiply-and-shift; its bias is below bound / 2^64.
  [[nodiscard]] std::size_t Below(std::size_t bound) noexcept {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>((static_cast<Wide>((*this)()) * bound) >> 64U);
  }
  /// Uniform in [0, 1), 53 random bits.
  [[nodiscard]] double Uniform() noexcept {
    return static_cast<double>((*this)() >> 11U) * 0x1.0p-53;
  }
  /// Standard normal (Box-Muller, one of the pair).
  [[nodiscard]] double Normal() noexcept {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
    return radius * std::cos(6.283185307179586 * Uniform());
  }

  [[nodiscard]] const State& state() const noexcept { return state_; }
  void set_state(const State& state) noexcept { state_ = state; }

 private:
  static constexpr std::uint64_t Rotate(std::uint64_t x, unsigned k) noexcept {
    return (x << k) | (x >> (64U - k));
  }
  State state_{};
};

}  // namespace placer
