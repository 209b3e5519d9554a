#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "experiments/console.h"
#include "placer/placer.h"

namespace spdlog {
class logger;
}

namespace placer {

/// Shows how far a search is: on a terminal one line rewritten in place, elsewhere a log line now
/// and then. Thread-safe: many trials report to one meter.
class ProgressMeter {
 public:
  /// @param expected_samples  over all trials, 0 if not known
  ProgressMeter(const Console& console, std::string what, std::int64_t expected_samples);
  ~ProgressMeter();
  ProgressMeter(const ProgressMeter&) = delete;
  ProgressMeter& operator=(const ProgressMeter&) = delete;

  /// Makes room for `count` trials.
  void StartTrials(std::size_t count);
  void Report(std::size_t trial, const Progress& progress);
  /// A trial that ends early gives back the samples it will not use.
  void FinishTrial(std::size_t trial, std::int64_t budget_samples, std::int64_t used_samples);
  /// A line of its own, above the progress line.
  void Note(const std::string& line);
  /// "12,000/40,000 samples, best 1.234 s, 5,000/s, 6 s left"
  [[nodiscard]] std::string Line() const;
  /// Removes the progress line; called by the destructor as well.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] std::string LineLocked() const;
  void ShowLocked();

  const Console& console_;
  std::string what_;
  std::unique_ptr<spdlog::logger> logger_;
  mutable std::mutex mutex_;
  std::int64_t expected_samples_ = 0;
  std::vector<std::int64_t> samples_by_trial_;
  std::int64_t samples_ = 0;
  bool has_best_ = false;
  StepSummary best_;
  Clock::time_point start_, last_shown_;
  std::size_t shown_width_ = 0;
};

}  // namespace placer
