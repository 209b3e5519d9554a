#pragma once

#include <span>
#include <string>

#include "experiments/console.h"
#include "experiments/exit_code.h"

namespace placer {

inline constexpr const char* kVersionText = "0.1.0";

/// The whole `placer` command in process: parses, runs, and turns every exception into one line on
/// `console.err` and an exit code. Never throws.
/// @param args  without the program's name
[[nodiscard]] ExitCode RunCommand(std::span<const std::string> args, const Console& console);

}  // namespace placer
