#pragma once

#include <string>

#include "graphs/base/rng.h"

namespace placer::fuzz {

/// One change to a JSON text, in its values: a number becomes an odd one, a key or an element goes,
/// comes twice or gets another's value. What is no JSON comes back as it was.
[[nodiscard]] std::string MutateJson(const std::string& text, Rng& rng);

/// One change to a text of lines: a line goes, comes twice or moves, a word becomes another word or
/// an odd number.
[[nodiscard]] std::string MutateLines(const std::string& text, Rng& rng);

}  // namespace placer::fuzz
