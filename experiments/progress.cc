#include "experiments/progress.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "experiments/format.h"

namespace placer {
namespace {

using std::chrono::milliseconds;
// Often enough to look alive, seldom enough to cost nothing; a log file wants fewer lines.
constexpr milliseconds kTerminalPeriod{200};
constexpr milliseconds kLogPeriod{10'000};

}  // namespace

ProgressMeter::ProgressMeter(const Console& console, std::string what,
                             std::int64_t expected_samples)
    : console_(console),
      what_(std::move(what)),
      logger_(std::make_unique<spdlog::logger>(
          "placer", std::make_shared<spdlog::sinks::ostream_sink_mt>(console.err, true))),
      expected_samples_(expected_samples),
      start_(Clock::now()),
      last_shown_(start_) {}

ProgressMeter::~ProgressMeter() { Clear(); }

void ProgressMeter::StartTrials(std::size_t count) {
  const std::scoped_lock lock(mutex_);
  samples_by_trial_.assign(count, 0);
}

void ProgressMeter::Report(std::size_t trial, const Progress& progress) {
  const std::scoped_lock lock(mutex_);
  samples_ += progress.samples - samples_by_trial_[trial];
  samples_by_trial_[trial] = progress.samples;
  if (progress.samples > 0 && (!has_best_ || IsBetter(progress.best, best_))) {
    best_ = progress.best;
    has_best_ = true;
  }
  ShowLocked();
}

void ProgressMeter::FinishTrial(std::size_t trial, std::int64_t budget_samples,
                                std::int64_t used_samples) {
  const std::scoped_lock lock(mutex_);
  samples_ += used_samples - samples_by_trial_[trial];
  samples_by_trial_[trial] = used_samples;
  expected_samples_ -= budget_samples - used_samples;
}

void ProgressMeter::Note(const std::string& line) {
  Clear();
  const std::scoped_lock lock(mutex_);
  if (console_.err_is_terminal) {
    console_.err << line << std::endl;
  } else {
    logger_->info(line);
  }
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
  if (expected_samples_ > samples_ && rate > 0) {
    line += fmt::format(", {:.0f} s left",
                        std::ceil(static_cast<double>(expected_samples_ - samples_) / rate));
  }
  return line;
}

void ProgressMeter::ShowLocked() {
  const Clock::time_point now = Clock::now();
  if (now - last_shown_ < (console_.err_is_terminal ? kTerminalPeriod : kLogPeriod)) {
    return;
  }
  last_shown_ = now;
  const std::string line = LineLocked();
  if (!console_.err_is_terminal) {
    logger_->info(line);
    return;
  }
  const std::size_t width = std::max(shown_width_, line.size());
  console_.err << '\r' << line << std::string(width - line.size(), ' ') << std::flush;
  shown_width_ = line.size();
}

void ProgressMeter::Clear() {
  const std::scoped_lock lock(mutex_);
  if (shown_width_ > 0) {
    console_.err << '\r' << std::string(shown_width_, ' ') << '\r' << std::flush;
    shown_width_ = 0;
  }
}

}  // namespace placer
