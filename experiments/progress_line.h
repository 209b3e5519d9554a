#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "experiments/console.h"

namespace spdlog {
class logger;
}

namespace placer {

/// Where progress is shown: on a terminal one line rewritten in place, elsewhere a log line now and
/// then. Not thread-safe.
class ProgressLine {
 public:
  using Clock = std::chrono::steady_clock;
  explicit ProgressLine(const Console& console);
  /// Removes the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Whether the last line was long enough ago. The next is due a period later.
  [[nodiscard]] bool IsDue();
  void Show(const std::string& line);
  void Clear();

 private:
  const Console& console_;
  std::unique_ptr<spdlog::logger> logger_;
  Clock::time_point last_shown_;
  std::size_t shown_width_ = 0;
};

}  // namespace placer
