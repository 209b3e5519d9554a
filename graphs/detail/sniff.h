#pragma once

#include <initializer_list>
#include <string_view>

#include "graphs/model_file.h"

namespace placer {

/// Whether the outermost object of a JSON file has one of the keys. What comes after the first
/// syntax error does not count.
[[nodiscard]] bool HasJsonKey(const ModelFile& file, std::initializer_list<std::string_view> keys);

/// The first word (letters, digits, underscores) of protobuf's text format, after blanks and
/// comments; empty for other files.
[[nodiscard]] std::string_view FirstTextWord(const ModelFile& file);

/// Line `index` of a text file's head, without its end; empty if there is none.
[[nodiscard]] std::string_view TextLine(const ModelFile& file, std::size_t index);

}  // namespace placer
