#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "experiments/console.h"
#include "experiments/progress_line.h"
#include "placer/placer.h"

namespace placer {

/// Shows how far a search is: on a terminal one line rewritten in place, elsewhere a log line now
/// and then. Thread-safe: many trials report to one meter.
class ProgressMeter {
 public:
  ProgressMeter(const Console& console, std::string what);
  ~ProgressMeter() = default;
  ProgressMeter(const ProgressMeter&) = delete;
  ProgressMeter& operator=(const ProgressMeter&) = delete;

  using Clock = std::chrono::steady_clock;
  /// Before the first report.
  /// @param budgets   samples of each trial
  /// @param deadline  when all of them end, if anything but samples ends them
  void StartTrials(const std::vector<std::int64_t>& budgets,
                   std::optional<Clock::time_point> deadline = std::nullopt);
  void Report(std::size_t trial, const Progress& progress);
  /// What a trial did not use of its samples is no longer expected.
  void FinishTrial(std::size_t trial, std::int64_t used_samples);
  /// "12,000/40,000 samples, best 1.234 s, 5,000/s, 6 s left"
  [[nodiscard]] std::string Line() const;
  /// Removes the progress line; the destructor does so as well.
  void Clear();

 private:
  struct Trial {
    std::int64_t budget = 0, samples = 0;
    Seconds wall{0};
    bool finished = false;
  };
  [[nodiscard]] std::string LineLocked() const;
  [[nodiscard]] std::optional<Seconds> TimeLeftLocked() const;
  void ShowLocked();

  ProgressLine shown_;
  std::string what_;
  mutable std::mutex mutex_;
  std::vector<Trial> trials_;
  std::optional<Clock::time_point> deadline_;
  std::int64_t expected_samples_ = 0, samples_ = 0;
  bool has_best_ = false;
  StepSummary best_;
  Clock::time_point start_;
};

}  // namespace placer
