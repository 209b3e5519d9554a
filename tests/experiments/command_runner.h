#pragma once

#include <nlohmann/json.hpp>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include "experiments/command.h"

namespace placer::test {

/// What a call of the command said and returned.
struct CommandResult {
  int code = 0;
  std::string out, err;
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(out); }
};

/// Runs the command in process.
inline CommandResult RunPlacer(const std::vector<std::string>& args, std::stop_token stop = {}) {
  std::ostringstream out, err;
  const Console console{out, err, /*err_is_terminal=*/false, std::move(stop)};
  CommandResult result;
  result.code = static_cast<int>(RunCommand(args, console));
  result.out = out.str();
  result.err = err.str();
  return result;
}

/// The lines of a text; an unfinished last line counts.
inline std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

}  // namespace placer::test
