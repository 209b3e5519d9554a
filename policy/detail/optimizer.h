#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "policy/detail/lstm_net.h"

namespace placer::detail {

/// Adam (Kingma and Ba 2015, algorithm 1) with its defaults beta1 = 0.9, beta2 = 0.999, epsilon =
/// 1e-8, after scaling the whole gradient to at most a given norm.
class Optimizer {
 public:
  explicit Optimizer(const std::vector<Parameter>& parameters);

  /// @param gradients  one per parameter; undefined: zero
  /// @return           the norm of the gradient before clipping
  /// @throws Error if it is not finite; nothing has changed then
  double Step(std::vector<Parameter>& parameters, const std::vector<at::Tensor>& gradients,
              double learning_rate, double clip_norm);

  /// First and second moments of a parameter, each of its shape.
  struct Moments {
    at::Tensor first, second;
  };
  [[nodiscard]] std::vector<Moments>& moments() noexcept { return moments_; }
  [[nodiscard]] const std::vector<Moments>& moments() const noexcept { return moments_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  void set_steps(std::uint64_t steps) noexcept { steps_ = steps; }

 private:
  std::vector<Moments> moments_;
  std::uint64_t steps_ = 0;
};

}  // namespace placer::detail
