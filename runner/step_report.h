#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graphs/base/strong_id.h"
#include "graphs/base/units.h"

namespace placer {

enum class StepOutcome : std::uint8_t {
  kOk,
  kOutOfMemory,
  kFailed,       ///< a measured step ended with an error or took its process with it
  kTimedOut,     ///< a measured step did not end within its time limit
  kInterrupted,  ///< the user asked to stop before the step was measured: says nothing of it
};

/// What a search needs to know of one step. Trivially copyable.
struct StepSummary {
  StepOutcome outcome = StepOutcome::kOk;
  Picoseconds step_time{0};       ///< given even when memory does not suffice
  std::int64_t excess_bytes = 0;  ///< sum over devices of peak above capacity; 0 if it fits
  bool operator==(const StepSummary&) const = default;
};

/// Feasible before infeasible; then shorter step, or for two infeasible ones less excess memory.
[[nodiscard]] constexpr bool IsBetter(const StepSummary& a, const StepSummary& b) noexcept {
  const bool a_ok = a.outcome == StepOutcome::kOk;
  const bool b_ok = b.outcome == StepOutcome::kOk;
  if (a_ok != b_ok) {
    return a_ok;
  }
  if (!a_ok && a.excess_bytes != b.excess_bytes) {
    return a.excess_bytes < b.excess_bytes;
  }
  return a.step_time < b.step_time;
}

struct MemoryShortage {
  struct Holder {
    TensorId tensor;
    std::int64_t bytes = 0;
    bool operator==(const Holder&) const = default;
  };
  DeviceId device;
  std::int64_t required_bytes = 0, available_bytes = 0;
  Picoseconds when{0};          ///< when the peak is reached
  std::vector<Holder> largest;  ///< up to 5 tensors alive then, largest first
  bool operator==(const MemoryShortage&) const = default;
};

/// Everything about one step under one placement. A regular value.
struct StepReport {
  StepOutcome outcome = StepOutcome::kOk;
  Picoseconds step_time{0};
  std::vector<std::int64_t> peak_bytes;  ///< per device
  std::vector<Picoseconds> busy;  ///< per device: time running ops (and copies it makes itself)
  std::vector<Picoseconds> link_busy;     ///< per channel (cluster.h)
  std::int64_t moved_bytes = 0;           ///< over all hops
  std::vector<MemoryShortage> shortages;  ///< one per device whose peak is above its capacity
  std::string reason;                     ///< one line if outcome is not kOk
  [[nodiscard]] StepSummary summary() const noexcept {
    StepSummary result{outcome, step_time, 0};
    for (const MemoryShortage& shortage : shortages) {
      result.excess_bytes += shortage.required_bytes - shortage.available_bytes;
    }
    return result;
  }
  bool operator==(const StepReport&) const = default;
};

}  // namespace placer
