#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "runner/runner.h"

namespace placer {

/// Passes everything on to another runner and remembers the best placements, different ones: a
/// search ends with one placement, and the next best may be better where it counts. Thread-safe.
class EliteRunner final : public Runner {
 public:
  struct Elite {
    Placement placement;
    StepSummary summary;
  };

  /// Borrows `inner`.
  /// @param min_distance  share of the ops that two elites have on different devices, at least
  EliteRunner(const Runner& inner, std::size_t capacity, double min_distance = 0.02)
      : Runner(inner.graph(), inner.cluster()),
        inner_(inner),
        capacity_(capacity),
        min_distance_(min_distance) {}
  ~EliteRunner() override = default;

  /// Of what fits, the best first.
  [[nodiscard]] std::vector<Elite> elites() const;
  /// The same, and forgets them: the next search has elites of its own.
  [[nodiscard]] std::vector<Elite> TakeElites();

 private:
  [[nodiscard]] std::size_t DoPreferredBatch() const noexcept override {
    return inner_.preferred_batch();
  }
  [[nodiscard]] StepReport DoRun(const Placement& placement) const override;
  void DoRunBatch(std::span<const Placement> placements,
                  std::span<StepSummary> summaries) const override;
  void Offer(const Placement& placement, const StepSummary& summary) const;

  const Runner& inner_;
  std::size_t capacity_;
  double min_distance_;
  mutable std::mutex mutex_;
  mutable std::vector<Elite> elites_;
};

}  // namespace placer
