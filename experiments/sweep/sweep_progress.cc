#include "experiments/sweep/sweep_progress.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

#include "experiments/format.h"

namespace placer {

SweepProgress::SweepProgress(const Console& console, std::string what, std::size_t trials,
                             std::size_t finished, int jobs)
    : shown_(console),
      what_(std::move(what)),
      trials_(trials),
      finished_(finished),
      finished_before_(finished),
      jobs_(jobs) {}

void SweepProgress::Start(std::size_t trial, Clock::time_point now) { running_[trial] = {now, 0}; }

void SweepProgress::Report(std::size_t trial, double share) {
  running_.at(trial).share = std::clamp(share, 0.0, 1.0);
}

void SweepProgress::Finish(std::size_t trial, bool successful, Clock::time_point now) {
  spent_ += now - running_.at(trial).start;
  running_.erase(trial);
  ++ran_;
  ++finished_;
  unsuccessful_ += successful ? 0 : 1;
}

void SweepProgress::SetFinished(std::size_t finished) {
  finished_ = std::min(finished, trials_);
  // Others may also have made trials pending again.
  ran_by_others_ = finished_ - std::min(finished_, finished_before_ + ran_);
}

void SweepProgress::Drop(std::size_t trial) { running_.erase(trial); }

/// Trials that wait are taken for as long as those that ran; as long as none did, for as long as
/// those that run look like taking. What other processes have run says how much they help.
std::optional<Seconds> SweepProgress::TimeLeft(Clock::time_point now) const {
  double expected = ran_ > 0 ? spent_.count() / static_cast<double>(ran_) : 0;
  double share = 0;
  for (const auto& [trial, running] : running_) {
    share += running.share;
    if (ran_ == 0 && running.share > 0) {
      expected = std::max(expected, Seconds(now - running.start).count() / running.share);
    }
  }
  if (expected == 0) {
    return std::nullopt;
  }
  const auto unfinished = static_cast<double>(trials_ - finished_);
  const double help =
      ran_ > 0 ? static_cast<double>(ran_by_others_) / static_cast<double>(ran_) : 0;
  const double at_a_time = std::clamp(unfinished, 1.0, jobs_ * (1 + help));
  return Seconds(std::max(0.0, unfinished - share) * expected / at_a_time);
}

std::string SweepProgress::Line(Clock::time_point now) const {
  std::string line = fmt::format("{}: {}/{} trials, {} running", what_,
                                 FormatCount(static_cast<std::int64_t>(finished_)),
                                 FormatCount(static_cast<std::int64_t>(trials_)), running_.size());
  if (unsuccessful_ > 0) {
    line += fmt::format(", {} unsuccessful", unsuccessful_);
  }
  if (const std::optional<Seconds> left = TimeLeft(now)) {
    line += ", " + FormatTimeLeft(*left);
  }
  return line;
}

void SweepProgress::ShowIfDue() {
  if (shown_.IsDue()) {
    shown_.Show(Line());
  }
}

}  // namespace placer
