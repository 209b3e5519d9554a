#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "experiments/console.h"
#include "experiments/progress_line.h"
#include "graphs/base/units.h"

namespace placer {

/// Shows how far a sweep is over all its trials. Not thread-safe.
class SweepProgress {
 public:
  using Clock = ProgressLine::Clock;
  /// @param finished  trials that need not run any more
  SweepProgress(const Console& console, std::string what, std::size_t trials, std::size_t finished,
                int jobs);

  void Start(std::size_t trial, Clock::time_point now = Clock::now());
  /// @param share  of its budget that is spent, in [0, 1]
  void Report(std::size_t trial, double share);
  void Finish(std::size_t trial, bool successful, Clock::time_point now = Clock::now());
  /// How many trials need not run any more, those that other processes have run included.
  void SetFinished(std::size_t finished);
  /// It did not end, and may run again.
  void Drop(std::size_t trial);
  void ShowIfDue();
  /// "demo: 12/500 trials, 2 running, 1 unsuccessful, 3 min left"
  [[nodiscard]] std::string Line(Clock::time_point now = Clock::now()) const;

 private:
  [[nodiscard]] std::optional<Seconds> TimeLeft(Clock::time_point now) const;

  struct Running {
    Clock::time_point start;
    double share = 0;
  };
  ProgressLine shown_;
  std::string what_;
  std::size_t trials_, finished_, unsuccessful_ = 0;
  std::size_t finished_before_;  ///< this object was made
  std::size_t ran_ = 0;          ///< since then
  std::size_t ran_by_others_ = 0;
  Seconds spent_{0};  ///< by those that ran here
  int jobs_;
  std::map<std::size_t, Running> running_;
};

}  // namespace placer
