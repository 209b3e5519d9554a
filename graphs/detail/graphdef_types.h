#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graphs/detail/graphdef.pb.h"
#include "graphs/graph.h"

namespace placer::graphdef {

/// A dim that is not known.
inline constexpr std::int64_t kOpen = -1;
/// No framework makes tensors of higher rank.
inline constexpr std::size_t kMaxRank = 64;
/// Shapes, axes and paddings are short; longer lists of whole numbers are data.
inline constexpr std::int64_t kMaxNumbers = 1024;
/// Outputs of one node.
inline constexpr std::size_t kMaxOutputs = 1024;

using Dims = std::vector<std::int64_t>;

/// What is known of a value.
struct Value {
  tf::DataType dtype = tf::DT_INVALID;
  std::optional<Dims> shape;  ///< nothing: not even the rank; dims may be kOpen
  /// Of small constants of whole numbers, row by row.
  std::optional<Dims> numbers;

  [[nodiscard]] bool known() const;
};

/// One of the node's inputs: "node", "node:1" or "^node".
struct InputRef {
  std::string node;
  std::size_t output = 0;
  bool control = false;
};
/// @throws InputError for an empty name or an output that is no number below kMaxOutputs
[[nodiscard]] InputRef ParseInput(const std::string& input);

/// Of a reference type, the type it refers to.
[[nodiscard]] DataType FromTensorFlow(tf::DataType dtype);
/// @throws InputError for dims below -1 and too many of them
[[nodiscard]] std::optional<Dims> ShapeFrom(const tf::TensorShapeProto& shape);
/// The value of a Const node's tensor; numbers only where the file has them.
/// @throws InputError for a bad shape
[[nodiscard]] Value ConstantFrom(const tf::TensorProto& tensor);

[[nodiscard]] const tf::AttrValue* FindAttr(const tf::NodeDef& node, const std::string& name);
[[nodiscard]] std::int64_t IntAttr(const tf::NodeDef& node, const std::string& name,
                                   std::int64_t otherwise);
[[nodiscard]] bool BoolAttr(const tf::NodeDef& node, const std::string& name);
[[nodiscard]] std::string_view TextAttr(const tf::NodeDef& node, const std::string& name);
[[nodiscard]] tf::DataType TypeAttr(const tf::NodeDef& node, const std::string& name,
                                    tf::DataType otherwise);
/// Empty if there is none.
[[nodiscard]] Dims IntsAttr(const tf::NodeDef& node, const std::string& name);

/// "[1, 192, ?, 3]"; "?" without a rank.
[[nodiscard]] std::string ShapeText(const std::optional<Dims>& shape);
/// Elements; kOpen if a dim is open. @throws InputError beyond 64 bits
[[nodiscard]] std::int64_t Elements(const Dims& shape);

}  // namespace placer::graphdef
