#pragma once

#include <string>
#include <string_view>

namespace placer {

/// The value of a parameter in `NAME?key=value&...`; empty if it is not there.
[[nodiscard]] std::string SpecParameter(std::string_view spec, std::string_view key);
/// The same spec with that value; an empty one takes the parameter away. Other parameters stay
/// where they are, a new one comes last. @throws InputError for a value that would be more than one
[[nodiscard]] std::string WithSpecParameter(std::string_view spec, std::string_view key,
                                            std::string_view value);

}  // namespace placer
