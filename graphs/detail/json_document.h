#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace placer {

/// A JSON text; keys keep their order, a key given twice counts as given last. Values nested deeper
/// than any file has (100) are refused: they would be taken apart recursively.
/// @param where  put in front of faults, the file's name
/// @throws InputError `where:line:column: fault`
[[nodiscard]] nlohmann::ordered_json ParseJsonDocument(std::string_view content,
                                                       const std::string& where);

}  // namespace placer
