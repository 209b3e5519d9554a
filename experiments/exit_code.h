#pragma once

namespace placer {

/// What the command returns to the shell; listed in docs/command.md.
enum class ExitCode : int {
  kDone = 0,
  kInternalError = 1,
  kBadInput = 2,
  kCheckFailed = 3,  ///< a check failed, or nothing feasible exists
  kInterrupted = 130,
};

}  // namespace placer
