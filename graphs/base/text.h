#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace placer {

/// Names in a file may hold anything; messages are one line. Control characters become '?'.
[[nodiscard]] std::string WithoutControlCharacters(std::string text);

/// What comes from another program may be in any encoding, or none; JSON and protobuf take only
/// UTF-8. Every byte that is not part of a valid character becomes '?'.
[[nodiscard]] std::string ValidUtf8(std::string text);

/// The start of a valid UTF-8 text, of at most so many bytes and whole characters.
[[nodiscard]] std::string Shortened(std::string_view text, std::size_t most);

/// A name in a message: 'name', without control characters.
[[nodiscard]] std::string Quoted(std::string_view name);

/// 'a', 'b'
[[nodiscard]] std::string QuotedList(std::span<const std::string> names);

/// The parts of a list with commas, in order; empty ones are left out.
[[nodiscard]] std::vector<std::string> SplitList(std::string_view list);

}  // namespace placer
