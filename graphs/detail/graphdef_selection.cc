// Shapes of nodes that select, pad and look up, and of those that tell of shapes.

#include <algorithm>
#include <array>

#include "graphs/base/error.h"
#include "graphs/detail/graphdef_shapes.h"

namespace placer::graphdef {
namespace {

using Outputs = std::vector<Value>;

Outputs Slice(const NodeView& view) {
  const auto& shape = view.shape(0);
  const auto& begin = view.numbers(1);
  const auto& size = view.numbers(2);
  if (!shape) {
    return {Like(view, Listed(view, 2))};
  }
  Dims sliced(shape->size(), kOpen);
  for (std::size_t i = 0; size && i < shape->size() && size->size() == shape->size(); ++i) {
    const std::int64_t dim = (*shape)[i];
    sliced[i] = std::max(kOpen, (*size)[i]);
    if ((*size)[i] == -1 && begin && begin->size() == shape->size() && dim != kOpen &&
        (*begin)[i] >= 0 && (*begin)[i] <= dim) {
      sliced[i] = dim - (*begin)[i];
    }
  }
  return {Like(view, std::move(sliced))};
}

/// How many elements from begin to end, both clipped to the dim.
std::int64_t Range(std::int64_t dim, std::optional<std::int64_t> begin,
                   std::optional<std::int64_t> end, std::int64_t stride) {
  const bool forward = stride > 0;
  const auto clip = [&](std::int64_t at) {
    at = at < 0 ? std::max(at, -dim - 1) + dim : std::min(at, dim);
    return std::clamp<std::int64_t>(at, forward ? 0 : -1, forward ? dim : dim - 1);
  };
  const std::int64_t from = begin ? clip(*begin) : forward ? 0 : dim - 1;
  const std::int64_t to = end ? clip(*end) : forward ? dim : -1;
  const std::int64_t length = forward ? to - from : from - to;
  if (length <= 0) {
    return 0;
  }
  // |stride| may be 2^63.
  const auto step =
      forward ? static_cast<std::uint64_t>(stride) : ~static_cast<std::uint64_t>(stride) + 1;
  return static_cast<std::int64_t>((static_cast<std::uint64_t>(length) - 1) / step + 1);
}

/// x[begin:end:stride, ...]: masks say which entries are not used, which dims are new or dropped.
class StridedSlicer {
 public:
  explicit StridedSlicer(const NodeView& view)
      : view_(view),
        begin_mask_(Mask("begin_mask")),
        end_mask_(Mask("end_mask")),
        ellipsis_(Mask("ellipsis_mask")),
        new_axis_(Mask("new_axis_mask")),
        shrink_(Mask("shrink_axis_mask")) {}

  Value Slice() {
    Value value = Like(view_, std::nullopt);
    const auto& shape = view_.shape(0);
    const auto entries = Length(view_, 1);
    if (!shape || !entries) {
      return value;
    }
    std::size_t used = 0;
    for (std::size_t i = 0; i < *entries; ++i) {
      used += Bit(ellipsis_, i) || Bit(new_axis_, i) ? 0 : 1;
    }
    if (used > shape->size()) {
      throw InputError("slices " + std::to_string(used) + " dims of " + ShapeText(shape) +
                       ", expected at most its rank");
    }
    Dims sliced;
    std::size_t dim = 0;
    for (std::size_t i = 0; i < *entries; ++i) {
      if (Bit(ellipsis_, i)) {
        for (std::size_t rest = shape->size() - used; rest > 0; --rest) {
          sliced.push_back((*shape)[dim++]);
        }
        used = shape->size();  // a second ellipsis is a new axis of nothing
      } else if (Bit(new_axis_, i)) {
        sliced.push_back(1);
      } else {
        if (!Bit(shrink_, i)) {
          sliced.push_back(Entry(i, (*shape)[dim]));
        }
        ++dim;
      }
    }
    sliced.insert(sliced.end(), shape->begin() + static_cast<std::ptrdiff_t>(dim), shape->end());
    value = Like(view_, std::move(sliced));
    value.numbers = Numbers(value);
    return value;
  }

 private:
  [[nodiscard]] std::uint64_t Mask(const std::string& name) const {
    return static_cast<std::uint64_t>(IntAttr(view_.node, name, 0));
  }
  static bool Bit(std::uint64_t mask, std::size_t i) { return i < 64 && ((mask >> i) & 1U) != 0; }

  [[nodiscard]] std::optional<std::int64_t> At(std::size_t input, std::size_t i) const {
    const auto& numbers = view_.numbers(input);
    return numbers && i < numbers->size() ? std::optional((*numbers)[i]) : std::nullopt;
  }

  [[nodiscard]] std::int64_t Entry(std::size_t i, std::int64_t dim) const {
    const auto begin = At(1, i);
    const auto end = At(2, i);
    const auto stride = At(3, i);
    const bool known =
        dim != kOpen && stride && (begin || Bit(begin_mask_, i)) && (end || Bit(end_mask_, i));
    if (stride && *stride == 0) {
      throw InputError("slices with stride 0, expected another one");
    }
    return known ? Range(dim, Bit(begin_mask_, i) ? std::nullopt : begin,
                         Bit(end_mask_, i) ? std::nullopt : end, *stride)
                 : kOpen;
  }

  /// Of a list of numbers: one of them, or some in a row.
  [[nodiscard]] std::optional<Dims> Numbers(const Value& sliced) const {
    const auto& numbers = view_.numbers(0);
    const auto begin = At(1, 0);
    const auto stride = At(3, 0);
    if (!numbers || view_.shape(0)->size() != 1 || !sliced.known() || Length(view_, 1) != 1U ||
        stride != 1 || Bit(new_axis_, 0) || (!begin && !Bit(begin_mask_, 0))) {
      return std::nullopt;
    }
    const auto size = static_cast<std::int64_t>(numbers->size());
    std::int64_t from = Bit(begin_mask_, 0) ? 0 : *begin;
    from = from < 0 ? std::max(from, -size) + size : std::min(from, size);
    const std::int64_t count = Elements(*sliced.shape);
    if (from + count > size) {
      return std::nullopt;
    }
    const auto first = numbers->begin() + static_cast<std::ptrdiff_t>(from);
    return Dims(first, first + static_cast<std::ptrdiff_t>(count));
  }

  const NodeView& view_;
  std::uint64_t begin_mask_, end_mask_, ellipsis_, new_axis_, shrink_;
};

Outputs StridedSlice(const NodeView& view) { return {StridedSlicer(view).Slice()}; }

Outputs Pad(const NodeView& view) {
  const auto& shape = view.shape(0);
  if (!shape) {
    return {Like(view, std::nullopt)};
  }
  const auto& paddings = view.numbers(1);
  Dims padded(shape->size(), kOpen);
  for (std::size_t i = 0; paddings && i < shape->size() && paddings->size() == 2 * shape->size();
       ++i) {
    std::int64_t size = (*shape)[i];
    for (const std::int64_t side : {(*paddings)[2 * i], (*paddings)[2 * i + 1]}) {
      if (size != kOpen && (side < 0 || __builtin_add_overflow(size, side, &size))) {
        throw InputError("pads by " + std::to_string(side) + ", expected 0 or more");
      }
    }
    padded[i] = size;
  }
  return {Like(view, std::move(padded))};
}

Outputs Tile(const NodeView& view) {
  const auto& shape = view.shape(0);
  const auto& times = view.numbers(1);
  if (!shape) {
    return {Like(view, Listed(view, 1) ? std::optional(Dims(Listed(view, 1)->size(), kOpen))
                                       : std::nullopt)};
  }
  Dims tiled(shape->size(), kOpen);
  for (std::size_t i = 0; times && i < shape->size() && times->size() == shape->size(); ++i) {
    if ((*shape)[i] != kOpen &&
        ((*times)[i] < 0 || __builtin_mul_overflow((*shape)[i], (*times)[i], &tiled[i]))) {
      throw InputError("repeats " + std::to_string((*times)[i]) +
                       " times, expected 0 to what "
                       "fits 64 bits");
    }
  }
  return {Like(view, std::move(tiled))};
}

Outputs Fill(const NodeView& view) {
  Value value{.dtype = view.input(1).dtype, .shape = Listed(view, 0), .numbers = {}};
  return {std::move(value)};
}

Outputs BroadcastTo(const NodeView& view) { return {Like(view, Listed(view, 1))}; }

Outputs Sequence(const NodeView& view) {
  Value value = Like(view, Dims{kOpen});
  const auto& start = view.numbers(0);
  const auto& limit = view.numbers(1);
  const auto& step = view.numbers(2);
  if (start && limit && step && start->size() == 1 && limit->size() == 1 && step->size() == 1 &&
      step->front() > 0 && start->front() >= 0 && limit->front() >= start->front()) {
    const std::int64_t span = limit->front() - start->front();
    value.shape = Dims{span / step->front() + (span % step->front() != 0 ? 1 : 0)};
  }
  return {std::move(value)};
}

Outputs Shape(const NodeView& view) {
  const auto& shape = view.shape(0);
  Value value{
      .dtype = TypeAttr(view.node, "out_type", tf::DT_INT32), .shape = Dims{kOpen}, .numbers = {}};
  if (shape) {
    value.shape = Dims{static_cast<std::int64_t>(shape->size())};
    value.numbers = view.input(0).known() ? shape : std::nullopt;
  }
  return {std::move(value)};
}

Outputs RankOrSize(const NodeView& view) {
  const auto& shape = view.shape(0);
  Value value{
      .dtype = TypeAttr(view.node, "out_type", tf::DT_INT32), .shape = Dims{}, .numbers = {}};
  if (view.input(0).known()) {
    value.numbers = Dims{view.node.op() == "Rank" ? static_cast<std::int64_t>(shape->size())
                                                  : Elements(*shape)};
  }
  return {std::move(value)};
}

/// Rows of input 0 that input 1 counts, along an axis.
Outputs Gather(const NodeView& view) {
  const auto& from = view.shape(0);
  const auto& rows = view.shape(1);
  if (!from || !rows || from->empty()) {
    return {Like(view, std::nullopt)};
  }
  const bool has_axis = view.node.op() == "GatherV2";
  const auto axis = has_axis ? view.Axis(2, from->size()) : std::optional<std::size_t>(0);
  const std::int64_t batch = IntAttr(view.node, "batch_dims", 0);
  if (!axis || batch < 0 || batch > static_cast<std::int64_t>(std::min(rows->size(), *axis))) {
    return {Like(view, std::nullopt)};
  }
  Dims shape(from->begin(), from->begin() + static_cast<std::ptrdiff_t>(*axis));
  shape.insert(shape.end(), rows->begin() + batch, rows->end());
  shape.insert(shape.end(), from->begin() + static_cast<std::ptrdiff_t>(*axis) + 1, from->end());
  Value value = Like(view, std::move(shape));
  const auto& numbers = view.numbers(0);
  if (numbers && from->size() == 1 && view.numbers(1) && value.known()) {
    value.numbers.emplace();
    for (const std::int64_t row : *view.numbers(1)) {
      if (row < 0 || row >= static_cast<std::int64_t>(numbers->size())) {
        value.numbers.reset();
        break;
      }
      value.numbers->push_back((*numbers)[static_cast<std::size_t>(row)]);
    }
  }
  return {std::move(value)};
}

/// Input 1 [..., K] holds positions in the first K dims of input 0.
Outputs GatherNd(const NodeView& view) {
  const auto& from = view.shape(0);
  const auto& at = view.shape(1);
  if (!from || !at || at->empty() || at->back() == kOpen) {
    return {Like(view, std::nullopt)};
  }
  if (at->back() > static_cast<std::int64_t>(from->size())) {
    throw InputError("looks up positions of " + std::to_string(at->back()) + " dims in " +
                     ShapeText(from) + ", expected at most its rank");
  }
  Dims shape(at->begin(), at->end() - 1);
  shape.insert(shape.end(), from->begin() + at->back(), from->end());
  return {Like(view, std::move(shape))};
}

Outputs TopK(const NodeView& view) {
  const auto& shape = view.shape(0);
  Value values = Like(view, shape);
  Value indices{.dtype = tf::DT_INT32, .shape = shape, .numbers = {}};
  if (shape && !shape->empty()) {
    const auto& count = view.numbers(1);
    const std::int64_t kept = view.node.op() == "TopK"      ? IntAttr(view.node, "k", kOpen)
                              : count && count->size() == 1 ? count->front()
                                                            : kOpen;
    values.shape->back() = std::max(kOpen, kept);
    indices.shape = values.shape;
  }
  return {std::move(values), std::move(indices)};
}

Outputs OneHot(const NodeView& view) {
  const auto& shape = view.shape(0);
  Value value{.dtype = view.input(2).dtype, .shape = {}, .numbers = {}};
  if (shape) {
    const std::int64_t axis = IntAttr(view.node, "axis", -1);
    const auto& depth = view.numbers(1);
    value.shape = *shape;
    value.shape->insert(
        value.shape->begin() + static_cast<std::ptrdiff_t>(NormalAxis(axis, shape->size() + 1)),
        depth && depth->size() == 1 ? std::max(kOpen, depth->front()) : kOpen);
  }
  return {std::move(value)};
}

Outputs DepthAndSpace(const NodeView& view) {
  const auto& shape = view.shape(0);
  const std::int64_t block = IntAttr(view.node, "block_size", 1);
  if (block < 1 || block > 1 << 15) {
    throw InputError("attribute 'block_size' is " + std::to_string(block) + ", expected 1 to 2^15");
  }
  if (!view.input(0).known() || shape->size() != 4) {
    return {Like(view, std::nullopt)};
  }
  const bool to_space = view.node.op() == "DepthToSpace";
  const std::size_t channel = view.channels_first() ? 1 : 3;
  Dims moved = *shape;
  for (std::size_t i = 1; i < 4; ++i) {
    const bool grows = (i == channel) != to_space;
    const std::int64_t by = i == channel ? block * block : block;
    moved[i] = (*shape)[i] / by;
    if (grows && __builtin_mul_overflow((*shape)[i], by, &moved[i])) {
      throw InputError("makes a dim beyond 64 bits, expected smaller tensors");
    }
  }
  return {Like(view, std::move(moved))};
}

}  // namespace

std::vector<ShapeRow> SelectionRules() {
  return {{"Slice", Slice},
          {"StridedSlice", StridedSlice},
          {"Pad", Pad},
          {"PadV2", Pad},
          {"MirrorPad", Pad},
          {"Tile", Tile},
          {"Fill", Fill},
          {"BroadcastTo", BroadcastTo},
          {"Range", Sequence},
          {"Shape", Shape},
          {"Rank", RankOrSize},
          {"Size", RankOrSize},
          {"Gather", Gather},
          {"GatherV2", Gather},
          {"ResourceGather", Gather},
          {"GatherNd", GatherNd},
          {"TopK", TopK},
          {"TopKV2", TopK},
          {"OneHot", OneHot},
          {"DepthToSpace", DepthAndSpace},
          {"SpaceToDepth", DepthAndSpace}};
}

}  // namespace placer::graphdef
