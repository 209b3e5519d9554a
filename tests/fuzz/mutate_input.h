#pragma once

#include <string>
#include <string_view>

#include "graphs/base/rng.h"

namespace placer::fuzz {

/// One to three changes to a file of the importer, in what it says: in the fields of a protobuf
/// message, the values of a JSON text, or the words and lines of a text. Where the content is not
/// what it should be, it comes back as it was.
[[nodiscard]] std::string MutateInput(std::string_view importer, const std::string& content,
                                      Rng& rng);

/// The message in its binary form, if the content is one of the importer's in text form, or, of a
/// GraphDef, in JSON.
[[nodiscard]] std::string ToBinary(std::string_view importer, const std::string& text);

}  // namespace placer::fuzz
