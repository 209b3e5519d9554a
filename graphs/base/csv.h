#pragma once

#include <string>

namespace placer {

/// A field of a CSV file, quoted where it must be (RFC 4180).
[[nodiscard]] inline std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c;
    if (c == '"') {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace placer
