#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace placer {

/// Names in a file may hold anything; messages are one line. Control characters become '?'.
[[nodiscard]] std::string WithoutControlCharacters(std::string text);

/// A name in a message: 'name', without control characters.
[[nodiscard]] std::string Quoted(std::string_view name);

/// 'a', 'b'
[[nodiscard]] std::string QuotedList(std::span<const std::string> names);

/// The parts of a list with commas, in order; empty ones are left out.
[[nodiscard]] std::vector<std::string> SplitList(std::string_view list);

}  // namespace placer
