#pragma once

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>

#include "experiments/console.h"

namespace placer {

/// How far something is that counts its steps: on a terminal one line rewritten in place, elsewhere
/// a line when it starts.
class StatusLine {
 public:
  StatusLine(const Console& console, std::string what) : console_(console), what_(std::move(what)) {
    if (!console_.err_is_terminal) {
      console_.err << "placer: " << what_ << std::endl;
    }
  }
  ~StatusLine() {
    if (width_ > 0) {
      console_.err << '\r' << std::string(width_, ' ') << '\r' << std::flush;
    }
  }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void Show(int done, int total) {
    if (!console_.err_is_terminal) {
      return;
    }
    std::string line = what_ + ": " + std::to_string(done) + "/" + std::to_string(total);
    const std::size_t used = line.size();
    line.resize(std::max(used, width_), ' ');
    width_ = used;
    console_.err << '\r' << line << std::flush;
  }

 private:
  const Console& console_;
  std::string what_;
  std::size_t width_ = 0;
};

}  // namespace placer
