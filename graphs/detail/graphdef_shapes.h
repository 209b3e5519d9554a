#pragma once

#include <string_view>
#include <vector>

#include "graphs/detail/graphdef_types.h"

namespace placer::graphdef {

/// A node and what is known of the values it reads (without control inputs).
struct NodeView {
  const tf::NodeDef& node;
  std::vector<Value> inputs;

  /// Input `index`, or a value of which nothing is known.
  [[nodiscard]] const Value& input(std::size_t index) const;
  [[nodiscard]] const std::optional<Dims>& shape(std::size_t index) const {
    return input(index).shape;
  }
  [[nodiscard]] const std::optional<Dims>& numbers(std::size_t index) const {
    return input(index).numbers;
  }
  /// The axis that input `index` says, from 0 on. @throws InputError beyond the rank
  [[nodiscard]] std::optional<std::size_t> Axis(std::size_t index, std::size_t rank) const;
  [[nodiscard]] bool channels_first() const {
    return TextAttr(node, "data_format").starts_with("NC");
  }
};

/// Whether there is a rule for nodes of the type.
[[nodiscard]] bool HasShapeRule(std::string_view op);

/// What follows for the outputs; those of types without rule are left as they are, one or more of
/// which nothing is known. Small whole numbers (shapes, axes) are computed through.
/// @throws InputError for inputs and attributes that no node of the type can have
[[nodiscard]] std::vector<Value> InferOutputs(const NodeView& view);

/// 0 <= axis < rank, where negative ones count from the end. @throws InputError
[[nodiscard]] std::size_t NormalAxis(std::int64_t axis, std::size_t rank);

/// The length of a list of dims that input `index` is, if at least that is known.
[[nodiscard]] std::optional<std::size_t> Length(const NodeView& view, std::size_t index);
/// A shape that input `index` lists; dims below 0 are open.
[[nodiscard]] std::optional<Dims> Listed(const NodeView& view, std::size_t index);

using ShapeRule = std::vector<Value> (*)(const NodeView& view);
struct ShapeRow {
  std::string_view op;
  ShapeRule rule;
};
/// Shapes that lists of numbers decide (graphdef_movement.cc, graphdef_selection.cc).
[[nodiscard]] std::vector<ShapeRow> MovementRules();
[[nodiscard]] std::vector<ShapeRow> SelectionRules();
/// Of input 0's type, with the shape. @throws InputError for too many dims
[[nodiscard]] Value Like(const NodeView& view, std::optional<Dims> shape);

}  // namespace placer::graphdef
