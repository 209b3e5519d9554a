#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "placer/placer.h"

namespace placer {

/// The only way for a method to have placements evaluated: counts samples, stops at the budget,
/// keeps the best and its curve. Not thread-safe; EvaluateBatch uses the runner's threads inside.
class SearchSession {
 public:
  explicit SearchSession(const PlaceRequest& request);

  /// Nothing left to spend, or asked to stop.
  [[nodiscard]] bool exhausted() const;
  [[nodiscard]] std::int64_t samples_left() const noexcept {
    return request_.budget.samples - samples_;
  }
  [[nodiscard]] std::int64_t samples() const noexcept { return samples_; }
  [[nodiscard]] std::int64_t unique_samples() const noexcept {
    return static_cast<std::int64_t>(seen_.size());
  }

  /// Time spent on the search.
  [[nodiscard]] Seconds elapsed() const;
  /// Counts time that the search took before it was interrupted.
  void AddElapsed(Seconds earlier);
  /// Share of the budget that is spent, in [0, 1]: that of the samples or of the seconds, whichever
  /// is larger.
  [[nodiscard]] double spent() const;

  /// Whether the placement was a sample already.
  [[nodiscard]] bool seen(std::span<const DeviceId> groups) const;

  /// One sample; nullopt when exhausted. A placement that breaks one of the problem's apart rules
  /// is evaluated, and kept if it is the best, as repaired by Separation::Repair(). Cheap for
  /// placements that differ little from the one before. @throws std::logic_error if a group is on a
  /// device that it may not use
  std::optional<StepSummary> Evaluate(std::span<const DeviceId> groups);
  /// The first samples_left() of the placements, fewer if time runs out or a stop is asked for.
  /// @return how many were evaluated; the rest of `summaries` is untouched
  std::size_t EvaluateBatch(std::span<const GroupPlacement> placements,
                            std::span<StepSummary> summaries);

  [[nodiscard]] bool has_best() const noexcept { return best_groups_.has_value(); }
  [[nodiscard]] const GroupPlacement& best_groups() const { return *best_groups_; }
  [[nodiscard]] const StepSummary& best() const noexcept { return best_; }

  /// Takes over what another method found and spent on the same problem; with its hashes, if it was
  /// asked for them.
  void Absorb(PlaceResult result);

  /// This session without what the last EvaluateBatch() recorded.
  [[nodiscard]] SearchSession BeforeLastBatch() const;

  /// Everything but the wall time as bytes; equal states give equal bytes.
  [[nodiscard]] std::string SaveState() const;
  /// @throws InputError if the bytes are no state of this problem
  void RestoreState(const std::string& state);

  [[nodiscard]] PlaceResult Finish(std::string note = {}) &&;

 private:
  /// The placement itself, or where it breaks an apart rule the nearest that does not, in a buffer.
  [[nodiscard]] std::span<const DeviceId> Repaired(std::span<const DeviceId> groups) const;
  /// Makes expanded_[slot] the placement of `groups`, repaired, which checks it.
  void Expand(std::span<const DeviceId> groups, std::size_t slot);
  /// @return whether the placement is new
  bool Record(std::span<const DeviceId> groups, std::uint64_t hash, const StepSummary& summary);
  void ReportProgress();

  const PlaceRequest& request_;
  std::chrono::steady_clock::time_point start_;
  std::int64_t samples_ = 0;
  std::unordered_set<std::uint64_t> seen_;  ///< hashes of the placements evaluated
  std::optional<GroupPlacement> best_groups_;
  StepSummary best_;
  std::vector<CurvePoint> curve_;
  Seconds last_progress_{0};
  /// What EvaluateBatch() found at its last call, and the hashes that it added.
  struct Before {
    std::int64_t samples = 0;
    std::optional<GroupPlacement> best_groups;
    StepSummary best;
    std::size_t curve_size = 0;
    std::vector<std::uint64_t> added;
  };
  Before before_;
  /// Buffers, kept so that an evaluation allocates nothing: what was expanded last into each slot,
  /// the hash of that, and the placements.
  struct Slot {
    GroupPlacement groups;
    std::uint64_t hash = 0;
  };
  std::vector<Slot> slots_;
  mutable GroupPlacement repaired_;
  std::vector<Placement> expanded_;
};

}  // namespace placer
