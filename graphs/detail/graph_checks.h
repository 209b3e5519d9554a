#pragma once

#include <cstdint>

#include "graphs/graph.h"

namespace placer {

/// What the tensor takes. @throws InputError for sizes or times that cannot be
[[nodiscard]] std::int64_t BytesOf(const TensorSpec& spec);

/// @throws InputError for costs or times that cannot be, without the op's name
void CheckCosts(const Op& op);

}  // namespace placer
