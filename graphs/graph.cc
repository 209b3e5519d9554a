#include "graphs/graph.h"

#include <algorithm>
#include <array>

#include "graphs/base/error.h"

namespace placer {
namespace {

constexpr std::array<std::string_view, kNumDataTypes> kDataTypeNames = {
    "float32", "float64",   "float16",    "bfloat16", "int8",   "uint8",
    "int16",   "uint16",    "int32",      "uint32",   "int64",  "uint64",
    "bool",    "complex64", "complex128", "string",   "unknown"};
constexpr std::array<std::int64_t, kNumDataTypes> kDataTypeSizes = {4, 8, 2, 2, 1, 1,  2, 2, 4,
                                                                    4, 8, 8, 1, 8, 16, 0, 0};
constexpr std::array<std::string_view, 5> kOpRoleNames = {"input", "parameter", "forward",
                                                          "backward", "update"};
constexpr std::array<std::string_view, kNumOpClasses> kOpClassNames = {
    "matmul",    "convolution", "depthwise_convolution", "elementwise", "normalization", "pooling",
    "reduction", "softmax",     "data_movement",         "embedding",   "update",        "view",
    "other"};

template <typename Enum, std::size_t N>
std::optional<Enum> Parse(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) {
    return std::nullopt;
  }
  return static_cast<Enum>(it - names.begin());
}

}  // namespace

std::string_view Name(DataType dtype) noexcept {
  return kDataTypeNames[static_cast<std::size_t>(dtype)];
}
std::optional<DataType> ParseDataType(std::string_view name) noexcept {
  return Parse<DataType>(kDataTypeNames, name);
}
std::int64_t SizeOf(DataType dtype) noexcept {
  return kDataTypeSizes[static_cast<std::size_t>(dtype)];
}
std::string_view Name(OpRole role) noexcept { return kOpRoleNames[static_cast<std::size_t>(role)]; }
std::optional<OpRole> ParseOpRole(std::string_view name) noexcept {
  return Parse<OpRole>(kOpRoleNames, name);
}
std::string_view Name(OpClass op_class) noexcept {
  return kOpClassNames[static_cast<std::size_t>(op_class)];
}
std::optional<OpClass> ParseOpClass(std::string_view name) noexcept {
  return Parse<OpClass>(kOpClassNames, name);
}

std::int64_t NumElements(std::span<const std::int64_t> shape) {
  std::int64_t elements = 1;
  for (const std::int64_t dim : shape) {
    if (dim < 0) {
      throw InputError("dimension " + std::to_string(dim) + ", expected >= 0");
    }
    if (__builtin_mul_overflow(elements, dim, &elements)) {
      throw InputError("tensor size overflows 64 bits");
    }
  }
  return elements;
}

std::optional<OpId> Graph::FindOp(std::string_view name) const {
  const auto it =
      std::lower_bound(ops_by_name_.begin(), ops_by_name_.end(), name,
                       [this](OpId id, std::string_view key) { return op(id).name < key; });
  if (it == ops_by_name_.end() || op(*it).name != name) {
    return std::nullopt;
  }
  return *it;
}

DataType Graph::compute_dtype(OpId id) const {
  if (num_outputs(id) > 0) {
    return tensor(first_output(id)).dtype;
  }
  return inputs(id).empty() ? DataType::kFloat32 : tensor(inputs(id).front()).dtype;
}

}  // namespace placer
