#pragma once

#include <google/protobuf/message.h>

#include "graphs/base/rng.h"

namespace placer::fuzz {

/// Changes one thing in the message or in one inside of it: a number becomes an odd one, a text
/// that of another field, an element is removed, repeated, moved or replaced by one of its kind, a
/// field is cleared or filled.
void MutateMessage(google::protobuf::Message& message, Rng& rng);

/// Numbers at which code breaks.
[[nodiscard]] std::int64_t OddNumber(Rng& rng);

}  // namespace placer::fuzz
