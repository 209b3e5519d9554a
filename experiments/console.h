#pragma once

#include <iosfwd>
#include <stop_token>

namespace placer {

/// Where a command talks to: results go to `out`, everything else (progress, warnings, errors) to
/// `err`. Borrows both.
struct Console {
  std::ostream& out;
  std::ostream& err;
  bool err_is_terminal = false;  ///< progress is one line, rewritten in place
  std::stop_token stop;          ///< the user asked to stop
};

}  // namespace placer
