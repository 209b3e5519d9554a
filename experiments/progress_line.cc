#include "experiments/progress_line.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <ostream>

namespace placer {
namespace {

using std::chrono::milliseconds;
// Often enough to look alive, seldom enough to cost nothing; a log file wants fewer lines.
constexpr milliseconds kTerminalPeriod{200};
constexpr milliseconds kLogPeriod{10'000};

}  // namespace

ProgressLine::ProgressLine(const Console& console)
    : console_(console),
      logger_(std::make_unique<spdlog::logger>(
          "placer", std::make_shared<spdlog::sinks::ostream_sink_mt>(console.err, true))),
      last_shown_(Clock::now()) {}

ProgressLine::~ProgressLine() { Clear(); }

bool ProgressLine::IsDue() {
  const Clock::time_point now = Clock::now();
  if (now - last_shown_ < (console_.err_is_terminal ? kTerminalPeriod : kLogPeriod)) {
    return false;
  }
  last_shown_ = now;
  return true;
}

void ProgressLine::Show(const std::string& line) {
  if (!console_.err_is_terminal) {
    logger_->info(line);
    return;
  }
  const std::size_t width = std::max(shown_width_, line.size());
  console_.err << '\r' << line << std::string(width - line.size(), ' ') << std::flush;
  shown_width_ = line.size();
}

void ProgressLine::Clear() {
  if (shown_width_ > 0) {
    console_.err << '\r' << std::string(shown_width_, ' ') << '\r' << std::flush;
    shown_width_ = 0;
  }
}

}  // namespace placer
