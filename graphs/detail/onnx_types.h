#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graphs/graph.h"

namespace placer::onnx_detail {

/// The elements of a small constant: integers and booleans as `ints`, floating point as `reals`.
struct ConstantData {
  bool real = false;
  std::vector<std::int64_t> ints;
  std::vector<double> reals;
  [[nodiscard]] std::size_t size() const { return real ? reals.size() : ints.size(); }
};

/// Constants with more elements are not looked into.
inline constexpr std::int64_t kMaxConstantElements = 65536;

/// Element types whose constants are looked into.
[[nodiscard]] bool IsReal(std::int32_t elem_type);
[[nodiscard]] bool IsInteger(std::int32_t elem_type);

[[nodiscard]] DataType FromOnnx(std::int32_t elem_type);

/// A tensor type with static dims.
[[nodiscard]] onnx::TypeProto MakeType(std::int32_t elem_type,
                                       const std::vector<std::int64_t>& shape);

/// The dims if the type is a tensor of known rank and every dim is known.
[[nodiscard]] std::optional<std::vector<std::int64_t>> StaticShape(const onnx::TypeProto& type);

/// Rank of a tensor type, if known.
[[nodiscard]] std::optional<int> Rank(const onnx::TypeProto& type);

/// Element type; UNDEFINED if the type is not a tensor.
[[nodiscard]] std::int32_t ElementType(const onnx::TypeProto& type);

/// Negative dims and sizes beyond 64 bits. @throws InputError
void CheckDims(const onnx::TypeProto& type);

/// Makes `type` more precise by what `declared` knows and it does not: the whole type, the shape,
/// single dims. @return false if the two contradict each other
bool Refine(onnx::TypeProto& type, const onnx::TypeProto& declared);

/// The elements, if they are in the file, of a type that is looked into, and few.
/// @throws InputError if there are some, but more or fewer than the dims say
[[nodiscard]] std::optional<ConstantData> ReadData(const onnx::TensorProto& tensor);

/// The inverse, for shape inference.
[[nodiscard]] onnx::TensorProto MakeTensor(const ConstantData& data, std::int32_t elem_type,
                                           const std::vector<std::int64_t>& shape);

/// "8x3x224x224", unknown dims as "?".
[[nodiscard]] std::string ShapeText(const onnx::TypeProto& type);

}  // namespace placer::onnx_detail
