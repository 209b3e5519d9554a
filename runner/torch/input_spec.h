#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graphs/graph.h"

namespace placer {

/// One example input of forward().
struct InputSpec {
  DataType dtype = DataType::kFloat32;
  std::vector<std::int64_t> shape;
  /// Integers are drawn from 0 .. below - 1; default 2, which every table of embeddings has.
  std::optional<std::int64_t> below;
  bool operator==(const InputSpec&) const = default;
};

/// "float32[8,3,299,299]", "int64[4,35]<1000" (values below 1000), "float32[]" (a scalar).
/// @throws InputError that says what was found and expected
[[nodiscard]] InputSpec ParseInputSpec(std::string_view text);
[[nodiscard]] std::string ToString(const InputSpec& spec);

}  // namespace placer
