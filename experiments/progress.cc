#include "experiments/progress.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "experiments/format.h"

namespace placer {

ProgressMeter::ProgressMeter(const Console& console, std::string what)
    : shown_(console), what_(std::move(what)), start_(Clock::now()) {}

void ProgressMeter::StartTrials(const std::vector<std::int64_t>& budgets,
                                std::optional<Clock::time_point> deadline) {
  const std::scoped_lock lock(mutex_);
  trials_.clear();
  expected_samples_ = 0;
  for (const std::int64_t budget : budgets) {
    trials_.push_back({budget});
    expected_samples_ += budget;
  }
  deadline_ = deadline;
}

void ProgressMeter::Report(std::size_t trial, const Progress& progress) {
  const std::scoped_lock lock(mutex_);
  samples_ += progress.samples - trials_[trial].samples;
  trials_[trial].samples = progress.samples;
  trials_[trial].wall = progress.wall;
  if (progress.samples > 0 && (!has_best_ || IsBetter(progress.best, best_))) {
    best_ = progress.best;
    has_best_ = true;
  }
  ShowLocked();
}

void ProgressMeter::FinishTrial(std::size_t trial, std::int64_t used_samples) {
  const std::scoped_lock lock(mutex_);
  Trial& finished = trials_[trial];
  samples_ += used_samples - finished.samples;
  expected_samples_ -= finished.budget - used_samples;
  finished.samples = used_samples;
  finished.finished = true;
}

/// Trials differ in speed by far: the slowest of those that run says most. Those that wait are
/// taken for as quick as all were on average.
std::optional<Seconds> ProgressMeter::TimeLeftLocked() const {
  const Clock::time_point now = Clock::now();
  std::optional<Seconds> left;
  if (samples_ > 0) {
    left = Seconds(now - start_) * static_cast<double>(expected_samples_ - samples_) /
           static_cast<double>(samples_);
  }
  for (const Trial& trial : trials_) {
    if (!trial.finished && trial.samples > 0) {
      left = std::max(*left, trial.wall * static_cast<double>(trial.budget - trial.samples) /
                                 static_cast<double>(trial.samples));
    }
  }
  if (deadline_) {
    const Seconds until = std::max(Seconds(0), Seconds(*deadline_ - now));
    left = std::min(left.value_or(until), until);
  }
  return left;
}

std::string ProgressMeter::Line() const {
  const std::scoped_lock lock(mutex_);
  return LineLocked();
}

std::string ProgressMeter::LineLocked() const {
  const double elapsed = Seconds(Clock::now() - start_).count();
  const double rate = elapsed > 0 ? static_cast<double>(samples_) / elapsed : 0;
  std::string line = what_ + ": " + FormatCount(samples_);
  if (expected_samples_ > 0) {
    line += "/" + FormatCount(expected_samples_);
  }
  line += " samples";
  if (has_best_) {
    line += best_.outcome == StepOutcome::kOk ? ", best " + FormatTime(best_.step_time)
                                              : std::string(", none fits yet");
  }
  line += fmt::format(", {}/s", FormatCount(std::llround(rate)));
  if (const std::optional<Seconds> left = TimeLeftLocked()) {
    line += ", " + FormatTimeLeft(*left);
  }
  return line;
}

void ProgressMeter::ShowLocked() {
  if (shown_.IsDue()) {
    shown_.Show(LineLocked());
  }
}

void ProgressMeter::Clear() {
  const std::scoped_lock lock(mutex_);
  shown_.Clear();
}

}  // namespace placer
