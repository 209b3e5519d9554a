// Shapes of nodes that reshape, join and split: what lists of numbers, read as inputs, decide.

#include <algorithm>
#include <array>

#include "graphs/base/error.h"
#include "graphs/detail/graphdef_shapes.h"

namespace placer::graphdef {
namespace {

using Outputs = std::vector<Value>;

Outputs Reshape(const NodeView& view) {
  std::optional<Dims> target = Listed(view, 1);
  const auto& from = view.shape(0);
  if (target && from && view.input(0).known()) {
    const std::int64_t elements = Elements(*from);
    Dims rest = *target;
    rest.erase(std::remove(rest.begin(), rest.end(), kOpen), rest.end());
    const std::int64_t known = Elements(rest);
    const std::size_t open = target->size() - rest.size();
    if (open == 0 ? known != elements : known == 0 ? elements != 0 : elements % known != 0) {
      throw InputError("reshapes " + ShapeText(from) + " to " + ShapeText(target) +
                       ", expected as many elements");
    }
    if (open == 1 && known > 0) {
      *std::find(target->begin(), target->end(), kOpen) = elements / known;
    }
  }
  Value value = Like(view, std::move(target));
  if (value.known()) {
    value.numbers = view.numbers(0);
  }
  return {std::move(value)};
}

Outputs ExpandDims(const NodeView& view) {
  const auto& shape = view.shape(0);
  if (!shape) {
    return {Like(view, std::nullopt)};
  }
  const auto axis = view.Axis(1, shape->size() + 1);
  Value value = Like(view, Dims(shape->size() + 1, kOpen));
  if (axis) {
    value.shape = *shape;
    value.shape->insert(value.shape->begin() + static_cast<std::ptrdiff_t>(*axis), 1);
    value.numbers = view.numbers(0);
  } else if (std::all_of(shape->begin(), shape->end(), [](auto dim) { return dim == 1; })) {
    value.shape = Dims(shape->size() + 1, 1);
  }
  return {std::move(value)};
}

Outputs Squeeze(const NodeView& view) {
  const auto& shape = view.shape(0);
  if (!shape) {
    return {Like(view, std::nullopt)};
  }
  const Dims axes = IntsAttr(view.node, "squeeze_dims");
  std::vector<char> gone(shape->size(), 0);
  for (const std::int64_t axis : axes) {
    const std::size_t dim = NormalAxis(axis, shape->size());
    if ((*shape)[dim] != 1 && (*shape)[dim] != kOpen) {
      throw InputError("squeezes dim " + std::to_string(axis) + " of " + ShapeText(shape) +
                       ", expected a dim of 1");
    }
    gone[dim] = 1;
  }
  if (axes.empty() && !view.input(0).known()) {
    return {Like(view, std::nullopt)};
  }
  Dims squeezed;
  for (std::size_t i = 0; i < shape->size(); ++i) {
    if (axes.empty() ? (*shape)[i] != 1 : gone[i] == 0) {
      squeezed.push_back((*shape)[i]);
    }
  }
  Value value = Like(view, std::move(squeezed));
  value.numbers = view.numbers(0);
  return {std::move(value)};
}

Outputs Transpose(const NodeView& view) {
  const auto& shape = view.shape(0);
  const auto& order = view.numbers(1);
  if (!shape) {
    return {Like(view, std::nullopt)};
  }
  Dims moved(shape->size(), kOpen);
  if (order) {
    if (order->size() != shape->size()) {
      throw InputError("permutes " + std::to_string(order->size()) + " dims of " +
                       ShapeText(shape) + ", expected all of them");
    }
    std::vector<char> used(shape->size(), 0);
    for (std::size_t i = 0; i < shape->size(); ++i) {
      const std::size_t dim = NormalAxis((*order)[i], shape->size());
      if (used[dim]++ != 0) {
        throw InputError("permutes by " + ShapeText(order) + ", expected each dim once");
      }
      moved[i] = (*shape)[dim];
    }
  } else if (std::all_of(shape->begin(), shape->end(),
                         [&](auto dim) { return dim == shape->front(); })) {
    moved = *shape;
  }
  return {Like(view, std::move(moved))};
}

/// Values, then the axis; in the old form the axis comes first.
Outputs Concat(const NodeView& view) {
  const bool axis_first = view.node.op() == "Concat";
  if (view.inputs.size() < 2) {
    throw InputError("has " + std::to_string(view.inputs.size()) +
                     " inputs, expected values and an axis");
  }
  const std::size_t begin = axis_first ? 1 : 0;
  const std::size_t count = view.inputs.size() - 1;
  const auto& first = view.shape(begin);
  Value value{.dtype = view.input(begin).dtype, .shape = {}, .numbers = {}};
  if (!first) {
    return {std::move(value)};
  }
  const auto axis = view.Axis(axis_first ? 0 : count, first->size());
  Dims shape = *first;
  std::optional<Dims> numbers = view.numbers(begin);
  for (std::size_t i = begin + 1; i < begin + count; ++i) {
    const auto& other = view.shape(i);
    if (other && other->size() != shape.size()) {
      throw InputError("joins " + ShapeText(first) + " and " + ShapeText(other) +
                       ", expected the same rank");
    }
    if (axis && other && shape[*axis] != kOpen && (*other)[*axis] != kOpen) {
      if (__builtin_add_overflow(shape[*axis], (*other)[*axis], &shape[*axis])) {
        throw InputError("makes a dim beyond 64 bits, expected smaller tensors");
      }
    } else if (axis) {
      shape[*axis] = kOpen;
    }
    if (numbers && view.numbers(i) &&
        numbers->size() + view.numbers(i)->size() <= static_cast<std::size_t>(kMaxNumbers)) {
      numbers->insert(numbers->end(), view.numbers(i)->begin(), view.numbers(i)->end());
    } else {
      numbers.reset();
    }
  }
  value.shape = axis ? shape : Dims(shape.size(), kOpen);
  value.numbers = shape.size() == 1 ? numbers : std::nullopt;
  return {std::move(value)};
}

/// Joins along a new axis.
Outputs Pack(const NodeView& view) {
  const auto& first = view.shape(0);
  Value value = Like(view, std::nullopt);
  if (!first) {
    return {std::move(value)};
  }
  Dims shape = *first;
  const std::size_t axis = NormalAxis(IntAttr(view.node, "axis", 0), shape.size() + 1);
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis),
               static_cast<std::int64_t>(view.inputs.size()));
  value = Like(view, std::move(shape));
  if (first->empty()) {
    value.numbers.emplace();
    for (std::size_t i = 0; i < view.inputs.size() && value.numbers; ++i) {
      if (view.numbers(i) && view.numbers(i)->size() == 1) {
        value.numbers->push_back(view.numbers(i)->front());
      } else {
        value.numbers.reset();
      }
    }
  }
  return {std::move(value)};
}

/// Attribute `name` as a number of outputs.
std::size_t OutputCount(const NodeView& view, const std::string& name) {
  const std::int64_t count = IntAttr(view.node, name, 1);
  if (count < 1 || count > static_cast<std::int64_t>(kMaxOutputs)) {
    throw InputError("attribute '" + name + "' is " + std::to_string(count) + ", expected 1 to " +
                     std::to_string(kMaxOutputs));
  }
  return static_cast<std::size_t>(count);
}

Outputs Unpack(const NodeView& view) {
  const std::size_t count = OutputCount(view, "num");
  Value value = Like(view, std::nullopt);
  if (const auto& shape = view.shape(0)) {
    const std::size_t axis = NormalAxis(IntAttr(view.node, "axis", 0), shape->size());
    value.shape = *shape;
    value.shape->erase(value.shape->begin() + static_cast<std::ptrdiff_t>(axis));
  }
  return Outputs(count, value);
}

/// Split: axis, value. SplitV: value, sizes, axis.
Outputs Split(const NodeView& view) {
  const std::size_t count = OutputCount(view, "num_split");
  const bool sized = view.node.op() == "SplitV";
  const std::size_t from = sized ? 0 : 1;
  Value value{.dtype = view.input(from).dtype, .shape = view.shape(from), .numbers = {}};
  Outputs outputs(count, value);
  if (!value.shape) {
    return outputs;
  }
  const auto axis = view.Axis(sized ? 2 : 0, value.shape->size());
  for (std::size_t i = 0; i < count; ++i) {
    if (!axis) {
      outputs[i].shape = Dims(value.shape->size(), kOpen);
      continue;
    }
    std::int64_t& dim = (*outputs[i].shape)[*axis];
    if (sized) {
      const auto& sizes = view.numbers(1);
      dim = sizes && sizes->size() == count ? std::max(kOpen, (*sizes)[i]) : kOpen;
    } else {
      dim = dim == kOpen ? kOpen : dim / static_cast<std::int64_t>(count);
    }
  }
  return outputs;
}

}  // namespace

std::optional<std::size_t> Length(const NodeView& view, std::size_t index) {
  const auto& shape = view.shape(index);
  if (!shape || shape->size() != 1 || shape->front() == kOpen ||
      shape->front() > static_cast<std::int64_t>(kMaxRank)) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(shape->front());
}

std::optional<Dims> Listed(const NodeView& view, std::size_t index) {
  if (!view.numbers(index)) {
    const auto length = Length(view, index);
    return length ? std::optional(Dims(*length, kOpen)) : std::nullopt;
  }
  Dims shape = *view.numbers(index);
  for (std::int64_t& dim : shape) {
    dim = std::max(dim, kOpen);
  }
  return shape;
}

std::vector<ShapeRow> MovementRules() {
  return {{"Reshape", Reshape},     {"ExpandDims", ExpandDims}, {"Squeeze", Squeeze},
          {"Transpose", Transpose}, {"Concat", Concat},         {"ConcatV2", Concat},
          {"Pack", Pack},           {"Unpack", Unpack},         {"Split", Split},
          {"SplitV", Split}};
}

}  // namespace placer::graphdef
