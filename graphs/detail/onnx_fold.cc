#include "graphs/detail/onnx_fold.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "graphs/detail/onnx_infer.h"

namespace placer::onnx_detail {
namespace {

using Shape = std::vector<std::int64_t>;
using onnx::TensorProto;

struct Request {
  const onnx::NodeProto& node;
  const std::vector<FoldInput>& inputs;
  std::int32_t elem_type;
  const Shape& shape;
  std::int64_t elements;
};
using Folder = std::optional<ConstantData> (*)(const Request&);

const ConstantData* DataOf(const Request& request, std::size_t index) {
  return index < request.inputs.size() ? request.inputs[index].data : nullptr;
}

/// Casting a double beyond the range of the target is undefined; such a constant is not looked
/// into.
std::optional<std::int64_t> ToInt(double value) {
  if (!(std::abs(value) < 9e18)) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(value);
}

std::optional<ConstantData> Copy(const Request& request) {
  const ConstantData* data = DataOf(request, 0);
  if (data == nullptr || static_cast<std::int64_t>(data->size()) != request.elements) {
    return std::nullopt;
  }
  return *data;
}

std::optional<ConstantData> Cast(const Request& request) {
  const ConstantData* data = DataOf(request, 0);
  if (data == nullptr || data->real == IsReal(request.elem_type)) {
    return Copy(request);
  }
  ConstantData result{.real = !data->real};
  for (const std::int64_t value : data->ints) {
    result.reals.push_back(static_cast<double>(value));
  }
  for (const double value : data->reals) {
    const auto integer =
        request.elem_type == TensorProto::BOOL ? std::int64_t{value != 0} : ToInt(value);
    if (!integer) {
      return std::nullopt;
    }
    result.ints.push_back(*integer);
  }
  return result;
}

std::optional<ConstantData> ConstantNode(const Request& request) {
  const auto& node = request.node;
  if (const auto* value = FindAttribute(node, "value"); value != nullptr && value->has_t()) {
    return ReadData(value->t());
  }
  if (const auto* value = FindAttribute(node, "value_int")) {
    return ConstantData{.ints = {value->i()}};
  }
  if (const auto* value = FindAttribute(node, "value_ints")) {
    return ConstantData{.ints = {value->ints().begin(), value->ints().end()}};
  }
  if (const auto* value = FindAttribute(node, "value_float")) {
    return ConstantData{.real = true, .reals = {value->f()}};
  }
  if (const auto* value = FindAttribute(node, "value_floats")) {
    return ConstantData{.real = true, .reals = {value->floats().begin(), value->floats().end()}};
  }
  return std::nullopt;
}

std::optional<ConstantData> Fill(const Request& request) {
  const auto count = static_cast<std::size_t>(request.elements);
  ConstantData one{.real = true, .reals = {0.0}};
  const auto* value = FindAttribute(request.node, "value");
  if (value != nullptr && value->has_t()) {
    const auto data = ReadData(value->t());
    if (!data || data->size() != 1) {
      return std::nullopt;
    }
    one = *data;
  }
  return one.real ? ConstantData{.real = true, .reals = std::vector(count, one.reals[0])}
                  : ConstantData{.ints = std::vector(count, one.ints[0])};
}

/// The dims from `begin` to `end` of a list as Python's slices take them.
std::pair<std::int64_t, std::int64_t> Range(std::int64_t begin, std::int64_t end,
                                            std::int64_t size) {
  const auto clamp = [size](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
  };
  return {clamp(begin), clamp(end)};
}

std::optional<ConstantData> ShapeNode(const Request& request) {
  const Shape& dims = request.inputs[0].shape;
  const auto [begin, end] =
      Range(IntAttribute(request.node, "start", 0),
            IntAttribute(request.node, "end", std::numeric_limits<std::int64_t>::max()),
            static_cast<std::int64_t>(dims.size()));
  ConstantData result;
  for (std::int64_t i = begin; i < end; ++i) {
    result.ints.push_back(dims[static_cast<std::size_t>(i)]);
  }
  return result;
}

std::optional<ConstantData> SizeNode(const Request& request) {
  return ConstantData{.ints = {NumElements(request.inputs[0].shape)}};
}

/// The elements of a list at these places; nothing if one is out of range.
std::optional<ConstantData> Pick(const ConstantData& data,
                                 const std::vector<std::int64_t>& places) {
  ConstantData result{.real = data.real};
  for (std::int64_t at : places) {
    at = at < 0 ? at + static_cast<std::int64_t>(data.size()) : at;
    if (at < 0 || at >= static_cast<std::int64_t>(data.size())) {
      return std::nullopt;
    }
    if (data.real) {
      result.reals.push_back(data.reals[static_cast<std::size_t>(at)]);
    } else {
      result.ints.push_back(data.ints[static_cast<std::size_t>(at)]);
    }
  }
  return result;
}

std::optional<ConstantData> Gather(const Request& request) {
  const ConstantData* data = DataOf(request, 0);
  const ConstantData* places = DataOf(request, 1);
  if (data == nullptr || places == nullptr || request.inputs[0].shape.size() != 1) {
    return std::nullopt;
  }
  return Pick(*data, places->ints);
}

std::optional<ConstantData> Concat(const Request& request) {
  if (request.shape.size() != 1) {
    return std::nullopt;
  }
  ConstantData result{.real = IsReal(request.elem_type)};
  for (std::size_t i = 0; i < request.inputs.size(); ++i) {
    const ConstantData* data = DataOf(request, i);
    if (data == nullptr || data->real != result.real) {
      return std::nullopt;
    }
    result.ints.insert(result.ints.end(), data->ints.begin(), data->ints.end());
    result.reals.insert(result.reals.end(), data->reals.begin(), data->reals.end());
  }
  return result;
}

/// A number of a slice: from opset 10 on an input, before that an attribute.
std::optional<std::int64_t> SliceNumber(const Request& request, std::size_t input,
                                        std::string_view name,
                                        std::optional<std::int64_t> otherwise) {
  if (request.inputs.size() > input) {
    const ConstantData* data = DataOf(request, input);
    return data != nullptr && data->ints.size() == 1 ? std::optional(data->ints[0]) : std::nullopt;
  }
  const auto* attribute = FindAttribute(request.node, name);
  return attribute != nullptr && attribute->ints_size() == 1 ? std::optional(attribute->ints(0))
                                                             : otherwise;
}

std::optional<ConstantData> Slice(const Request& request) {
  const ConstantData* data = DataOf(request, 0);
  const auto begin = SliceNumber(request, 1, "starts", std::nullopt);
  const auto end = SliceNumber(request, 2, "ends", std::nullopt);
  const auto step = SliceNumber(request, 4, "steps", 1);
  if (data == nullptr || request.inputs[0].shape.size() != 1 || !begin || !end || step != 1) {
    return std::nullopt;
  }
  const auto [first, last] = Range(*begin, *end, static_cast<std::int64_t>(data->size()));
  std::vector<std::int64_t> places(
      static_cast<std::size_t>(std::max<std::int64_t>(0, last - first)));
  std::iota(places.begin(), places.end(), first);
  return Pick(*data, places);
}

std::optional<ConstantData> RangeNode(const Request& request) {
  const ConstantData* start = DataOf(request, 0);
  const ConstantData* step = DataOf(request, 2);
  if (start == nullptr || step == nullptr || start->ints.size() != 1 || step->ints.size() != 1) {
    return std::nullopt;
  }
  ConstantData result;
  std::int64_t value = start->ints[0];
  for (std::int64_t i = 0; i < request.elements; ++i) {
    result.ints.push_back(value);
    if (__builtin_add_overflow(value, step->ints[0], &value)) {
      return std::nullopt;
    }
  }
  return result;
}

/// Index into an operand of one element, or of as many as the output.
std::optional<std::size_t> BroadcastIndex(const Request& request, std::size_t input,
                                          std::int64_t at) {
  const auto size = static_cast<std::int64_t>(request.inputs[input].data->size());
  if (size == request.elements) {
    return static_cast<std::size_t>(at);
  }
  return size == 1 ? std::optional<std::size_t>(0) : std::nullopt;
}

using IntOp = std::optional<std::int64_t> (*)(std::int64_t, std::int64_t);
using RealOp = double (*)(double, double);
struct Arithmetic {
  IntOp ints;
  RealOp reals;  ///< null: compares or is for integers only
};

using Int = std::int64_t;
const std::unordered_map<std::string_view, Arithmetic>& ArithmeticTable() {
  static const std::unordered_map<std::string_view, Arithmetic> kTable{
      {"Add",
       {[](Int a, Int b) -> std::optional<Int> {
          return __builtin_add_overflow(a, b, &a) ? std::nullopt : std::optional(a);
        },
        [](double a, double b) { return a + b; }}},
      {"Sub",
       {[](Int a, Int b) -> std::optional<Int> {
          return __builtin_sub_overflow(a, b, &a) ? std::nullopt : std::optional(a);
        },
        [](double a, double b) { return a - b; }}},
      {"Mul",
       {[](Int a, Int b) -> std::optional<Int> {
          return __builtin_mul_overflow(a, b, &a) ? std::nullopt : std::optional(a);
        },
        [](double a, double b) { return a * b; }}},
      {"Div",
       {[](Int a, Int b) -> std::optional<Int> {
          return b == 0 || b == -1 ? std::nullopt : std::optional(a / b);
        },
        [](double a, double b) { return a / b; }}},
      {"Max",
       {[](Int a, Int b) -> std::optional<Int> { return std::max(a, b); },
        [](double a, double b) { return std::max(a, b); }}},
      {"Min",
       {[](Int a, Int b) -> std::optional<Int> { return std::min(a, b); },
        [](double a, double b) { return std::min(a, b); }}},
      {"Equal", {[](Int a, Int b) -> std::optional<Int> { return a == b; }, nullptr}},
      {"Less", {[](Int a, Int b) -> std::optional<Int> { return a < b; }, nullptr}},
      {"Greater", {[](Int a, Int b) -> std::optional<Int> { return a > b; }, nullptr}},
      {"And", {[](Int a, Int b) -> std::optional<Int> { return a != 0 && b != 0; }, nullptr}},
      {"Or", {[](Int a, Int b) -> std::optional<Int> { return a != 0 || b != 0; }, nullptr}},
  };
  return kTable;
}

std::optional<ConstantData> Binary(const Request& request) {
  const ConstantData* a = DataOf(request, 0);
  const ConstantData* b = DataOf(request, 1);
  const Arithmetic& op = ArithmeticTable().at(request.node.op_type());
  if (request.inputs.size() != 2 || a == nullptr || b == nullptr || a->real != b->real ||
      (a->real && op.reals == nullptr)) {
    return std::nullopt;
  }
  ConstantData result{.real = a->real};
  for (std::int64_t i = 0; i < request.elements; ++i) {
    const auto at_a = BroadcastIndex(request, 0, i);
    const auto at_b = BroadcastIndex(request, 1, i);
    if (!at_a || !at_b) {
      return std::nullopt;
    }
    if (a->real) {
      result.reals.push_back(op.reals(a->reals[*at_a], b->reals[*at_b]));
    } else if (const auto value = op.ints(a->ints[*at_a], b->ints[*at_b])) {
      result.ints.push_back(*value);
    } else {
      return std::nullopt;
    }
  }
  return result;
}

std::optional<ConstantData> Where(const Request& request) {
  for (std::size_t i = 0; i < 3; ++i) {
    if (DataOf(request, i) == nullptr || (i > 0 && DataOf(request, i)->real)) {
      return std::nullopt;
    }
  }
  ConstantData result;
  for (std::int64_t i = 0; i < request.elements; ++i) {
    const auto condition = BroadcastIndex(request, 0, i);
    if (!condition || request.inputs[0].data->real) {
      return std::nullopt;
    }
    const std::size_t chosen = request.inputs[0].data->ints[*condition] != 0 ? 1 : 2;
    const auto at = BroadcastIndex(request, chosen, i);
    if (!at) {
      return std::nullopt;
    }
    result.ints.push_back(request.inputs[chosen].data->ints[*at]);
  }
  return result;
}

template <double (*Round)(double)>
std::optional<ConstantData> Rounded(const Request& request) {
  std::optional<ConstantData> result = Copy(request);
  if (result) {
    std::transform(result->reals.begin(), result->reals.end(), result->reals.begin(), Round);
  }
  return result;
}

double Floor(double x) { return std::floor(x); }
double Ceil(double x) { return std::ceil(x); }

/// A product over a whole list.
std::optional<ConstantData> Product(const Request& request) {
  const ConstantData* data = DataOf(request, 0);
  if (data == nullptr || data->real || request.elements != 1) {
    return std::nullopt;
  }
  std::int64_t product = 1;
  for (const std::int64_t value : data->ints) {
    if (__builtin_mul_overflow(product, value, &product)) {
      return std::nullopt;
    }
  }
  return ConstantData{.ints = {product}};
}

/// One element, repeated.
std::optional<ConstantData> Expand(const Request& request) {
  const ConstantData* data = DataOf(request, 0);
  if (data == nullptr) {
    return std::nullopt;
  }
  if (data->size() != 1) {
    return Copy(request);
  }
  return Pick(*data, std::vector<std::int64_t>(static_cast<std::size_t>(request.elements), 0));
}

const std::unordered_map<std::string_view, Folder>& Folders() {
  static const auto kFolders = [] {
    std::unordered_map<std::string_view, Folder> folders{
        {"Constant", ConstantNode}, {"ConstantOfShape", Fill},
        {"Shape", ShapeNode},       {"Size", SizeNode},
        {"Identity", Copy},         {"Reshape", Copy},
        {"Squeeze", Copy},          {"Unsqueeze", Copy},
        {"Flatten", Copy},          {"Cast", Cast},
        {"Gather", Gather},         {"Concat", Concat},
        {"Slice", Slice},           {"Range", RangeNode},
        {"Where", Where},           {"Floor", Rounded<Floor>},
        {"Ceil", Rounded<Ceil>},    {"ReduceProd", Product},
        {"Expand", Expand}};
    for (const auto& [type, op] : ArithmeticTable()) {
      folders.emplace(type, Binary);
    }
    return folders;
  }();
  return kFolders;
}

}  // namespace

std::optional<ConstantData> Fold(const onnx::NodeProto& node, const std::vector<FoldInput>& inputs,
                                 std::int32_t elem_type, const std::vector<std::int64_t>& shape) {
  const auto folder = Folders().find(node.op_type());
  const std::int64_t elements = NumElements(shape);
  if (folder == Folders().end() || elements > kMaxConstantElements ||
      !(IsReal(elem_type) || IsInteger(elem_type))) {
    return std::nullopt;
  }
  std::optional<ConstantData> result = folder->second({node, inputs, elem_type, shape, elements});
  if (result && (static_cast<std::int64_t>(result->size()) != elements ||
                 result->real != IsReal(elem_type))) {
    return std::nullopt;
  }
  return result;
}

}  // namespace placer::onnx_detail
