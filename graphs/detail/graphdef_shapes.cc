#include "graphs/detail/graphdef_shapes.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <unordered_map>

#include "graphs/base/error.h"

namespace placer::graphdef {
namespace {

using Outputs = std::vector<Value>;

std::int64_t Product(std::int64_t a, std::int64_t b) {
  std::int64_t product = kOpen;
  if (a == kOpen || b == kOpen) {
    return kOpen;
  }
  if (__builtin_mul_overflow(a, b, &product)) {
    throw InputError("makes a dim beyond 64 bits, expected smaller tensors");
  }
  return product;
}

Outputs SameAsFirst(const NodeView& view) { return {Like(view, view.shape(0))}; }

Outputs EachSame(const NodeView& view) {
  Outputs outputs(view.inputs.begin(), view.inputs.end());
  return outputs;
}

Outputs Identity(const NodeView& view) { return {view.input(0)}; }

Outputs Cast(const NodeView& view) {
  Value value = view.input(0);
  value.dtype = TypeAttr(view.node, "DstT", tf::DT_INVALID);
  return {std::move(value)};
}

std::int64_t BroadcastDim(std::int64_t a, std::int64_t b) {
  if (a == b || b == 1) {
    return a;
  }
  if (a == 1) {
    return b;
  }
  if (a != kOpen && b != kOpen) {
    throw InputError("combines dims " + std::to_string(a) + " and " + std::to_string(b) +
                     ", expected equal ones or 1");
  }
  return a == kOpen ? b : a;  // an open dim is 1 or the other one
}

std::optional<Dims> Broadcast(const std::optional<Dims>& a, const std::optional<Dims>& b) {
  if (!a || !b) {
    return std::nullopt;
  }
  Dims shape(std::max(a->size(), b->size()), 1);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const auto dim = [i](const Dims& dims) {
      return i < dims.size() ? dims[dims.size() - 1 - i] : 1;
    };
    shape[shape.size() - 1 - i] = BroadcastDim(dim(*a), dim(*b));
  }
  return shape;
}

/// Arithmetic on shapes, as models compute the arguments of their reshapes.
std::optional<Dims> Compute(std::string_view op, const Dims& a, const Dims& b, std::size_t size) {
  Dims result;
  for (std::size_t i = 0; i < size; ++i) {
    const std::int64_t x = a[a.size() == 1 ? 0 : i];
    const std::int64_t y = b[b.size() == 1 ? 0 : i];
    std::int64_t z = 0;
    bool fits = true;
    if (op == "Add" || op == "AddV2") {
      fits = !__builtin_add_overflow(x, y, &z);
    } else if (op == "Sub") {
      fits = !__builtin_sub_overflow(x, y, &z);
    } else if (op == "Mul") {
      fits = !__builtin_mul_overflow(x, y, &z);
    } else if (op == "FloorDiv" || op == "FloorMod") {
      fits = x >= 0 && y > 0;
      z = !fits ? 0 : op == "FloorDiv" ? x / y : x % y;
    } else if (op == "Maximum" || op == "Minimum") {
      z = op == "Maximum" ? std::max(x, y) : std::min(x, y);
    } else {
      fits = false;
    }
    if (!fits) {
      return std::nullopt;
    }
    result.push_back(z);
  }
  return result;
}

Outputs Elementwise(const NodeView& view) {
  Value value = Like(view, Broadcast(view.shape(0), view.shape(1)));
  const auto& a = view.numbers(0);
  const auto& b = view.numbers(1);
  if (a && b && value.known() && !a->empty() && !b->empty()) {
    const std::size_t size = std::max(a->size(), b->size());
    if ((a->size() == 1 || a->size() == size) && (b->size() == 1 || b->size() == size) &&
        static_cast<std::int64_t>(size) == Elements(*value.shape)) {
      value.numbers = Compute(view.node.op(), *a, *b, size);
    }
  }
  return {std::move(value)};
}

Outputs Comparison(const NodeView& view) {
  return {{.dtype = tf::DT_BOOL, .shape = Broadcast(view.shape(0), view.shape(1)), .numbers = {}}};
}

Outputs Select(const NodeView& view) {
  Value value = Like(view, Broadcast(view.shape(1), view.shape(2)));
  if (view.node.op() == "SelectV2") {
    value.shape = Broadcast(view.shape(0), value.shape);
  }
  value.dtype = view.input(1).dtype;
  return {std::move(value)};
}

/// [..., M, K] x [..., K, N].
Outputs MatMul(const NodeView& view) {
  const auto& a = view.shape(0);
  const auto& b = view.shape(1);
  if (!a || !b) {
    return {Like(view, std::nullopt)};
  }
  if (a->size() < 2 || b->size() < 2) {
    throw InputError("multiplies " + ShapeText(a) + " and " + ShapeText(b) + ", expected matrices");
  }
  const bool swap_a = BoolAttr(view.node, "transpose_a") || BoolAttr(view.node, "adj_x");
  const bool swap_b = BoolAttr(view.node, "transpose_b") || BoolAttr(view.node, "adj_y");
  const std::int64_t depth_a = swap_a ? (*a)[a->size() - 2] : a->back();
  const std::int64_t depth_b = swap_b ? b->back() : (*b)[b->size() - 2];
  if (depth_a != depth_b && depth_a != kOpen && depth_b != kOpen) {
    throw InputError("multiplies matrices of inner dims " + std::to_string(depth_a) + " and " +
                     std::to_string(depth_b) + ", expected equal ones");
  }
  Dims shape = *Broadcast(Dims(a->begin(), a->end() - 2), Dims(b->begin(), b->end() - 2));
  shape.push_back(swap_a ? a->back() : (*a)[a->size() - 2]);
  shape.push_back(swap_b ? (*b)[b->size() - 2] : b->back());
  return {Like(view, std::move(shape))};
}

/// One spatial dim of a window that slides.
std::int64_t Slide(const NodeView& view, std::int64_t size, std::int64_t window,
                   std::int64_t stride, std::int64_t padding) {
  if (size == kOpen || window == kOpen) {
    return kOpen;
  }
  const std::string_view kind = TextAttr(view.node, "padding");
  if (kind == "SAME") {
    return size / stride + (size % stride != 0 ? 1 : 0);
  }
  const std::int64_t room = size + padding - window;
  if (room < 0) {
    throw InputError("slides a window of " + std::to_string(window) + " over " +
                     std::to_string(size + padding) + ", expected at most that");
  }
  return room / stride + 1;
}

/// List attribute `name` for dim `dim`, 1 if it is not given. @throws InputError out of range
std::int64_t PerDim(const NodeView& view, const std::string& name, std::size_t dim,
                    std::int64_t least, std::int64_t otherwise) {
  constexpr std::int64_t kMost = 1 << 30;
  const Dims values = IntsAttr(view.node, name);
  if (values.empty()) {
    return otherwise;
  }
  if (dim >= values.size() || values[dim] < least || values[dim] > kMost) {
    throw InputError("attribute '" + name + "' is " + ShapeText(values) + ", expected " +
                     std::to_string(least) + " to 2^30 for each dim");
  }
  return values[dim];
}

std::int64_t Padding(const NodeView& view, std::size_t dim) {
  if (TextAttr(view.node, "padding") != "EXPLICIT") {
    return 0;
  }
  return PerDim(view, "explicit_paddings", 2 * dim, 0, 0) +
         PerDim(view, "explicit_paddings", 2 * dim + 1, 0, 0);
}

/// Image [N, H, W, C] (or [N, C, H, W]) under filters [h, w, in, out].
Outputs Convolution(const NodeView& view) {
  const auto& image = view.shape(0);
  const auto& filter = view.shape(1);
  if (!image || !filter) {
    return {Like(view, std::nullopt)};
  }
  if (image->size() != filter->size() || image->size() < 3) {
    throw InputError("has an image of shape " + ShapeText(image) + " and a filter of " +
                     ShapeText(filter) + ", expected the same rank of at least 3");
  }
  const std::size_t first = view.channels_first() ? 2 : 1;
  const std::size_t channel = view.channels_first() ? 1 : image->size() - 1;
  const bool depthwise = view.node.op().find("Depthwise") != std::string::npos;
  const std::int64_t in = (*filter)[filter->size() - 2];
  const std::int64_t channels = (*image)[channel];
  // A convolution in groups has fewer channels in its filters.
  if (in != kOpen && channels != kOpen &&
      (in == 0     ? channels != 0
       : depthwise ? channels != in
                   : channels % in != 0)) {
    throw InputError("has " + std::to_string(channels) + " channels and filters of shape " +
                     ShapeText(filter) + ", expected as many");
  }
  Dims shape = *image;
  shape[channel] = depthwise ? Product(in, filter->back()) : filter->back();
  for (std::size_t s = 0; s + 2 < image->size(); ++s) {
    const std::size_t dim = first + s;
    const std::int64_t dilation = PerDim(view, "dilations", dim, 1, 1);
    const std::int64_t taps = (*filter)[s];
    const std::int64_t window = taps == kOpen ? kOpen : Product(taps - 1, dilation) + 1;
    shape[dim] =
        Slide(view, shape[dim], window, PerDim(view, "strides", dim, 1, 1), Padding(view, dim));
  }
  return {Like(view, std::move(shape))};
}

/// Input 0 (of an image's gradient) or 1 (of a filter's) lists the shape.
Outputs ConvolutionBack(const NodeView& view) {
  const bool filter = view.node.op().find("Filter") != std::string::npos;
  const auto& sizes = view.numbers(filter ? 1 : 0);
  Value value = Like(view, std::nullopt);
  value.dtype = view.input(2).dtype;
  if (sizes && std::all_of(sizes->begin(), sizes->end(), [](auto dim) { return dim >= 0; })) {
    value.shape = *sizes;
  }
  return {std::move(value)};
}

Outputs Pool(const NodeView& view) {
  const auto& image = view.shape(0);
  if (!image) {
    return {Like(view, std::nullopt)};
  }
  Dims shape = *image;
  for (std::size_t dim = 0; dim < shape.size(); ++dim) {
    shape[dim] = Slide(view, shape[dim], PerDim(view, "ksize", dim, 1, 1),
                       PerDim(view, "strides", dim, 1, 1), Padding(view, dim));
  }
  return {Like(view, std::move(shape))};
}

/// Y like X; scale, mean and variance by channel.
Outputs BatchNorm(const NodeView& view) {
  Value statistics = view.input(1);
  return {Like(view, view.shape(0)), statistics, statistics, statistics, statistics};
}

/// Axes in input 1, or attribute-free ArgMax.
Outputs Reduce(const NodeView& view) {
  const auto& shape = view.shape(0);
  const auto& axes = view.numbers(1);
  const bool one = view.node.op() == "ArgMax" || view.node.op() == "ArgMin";
  const bool keep = BoolAttr(view.node, "keep_dims") || BoolAttr(view.node, "keepdims");
  Value value = Like(view, std::nullopt);
  if (one) {
    value.dtype = TypeAttr(view.node, "output_type", tf::DT_INT64);
  }
  if (!shape) {
    return {std::move(value)};
  }
  if (!axes) {  // which ones is open, how many may be known
    const auto& count = view.shape(1);
    if (keep && !one) {
      value.shape = Dims(shape->size(), kOpen);
    } else if (count && view.input(1).known() && Elements(*count) <= 64) {
      const auto gone = static_cast<std::size_t>(Elements(*count));
      value.shape = Dims(shape->size() - std::min(gone, shape->size()), kOpen);
    }
    return {std::move(value)};
  }
  std::vector<char> reduced(shape->size(), 0);
  for (const std::int64_t axis : *axes) {
    reduced[NormalAxis(axis, shape->size())] = 1;
  }
  value.shape.emplace();
  for (std::size_t i = 0; i < shape->size(); ++i) {
    if (reduced[i] == 0 || keep) {
      value.shape->push_back(reduced[i] != 0 ? 1 : (*shape)[i]);
    }
  }
  return {std::move(value)};
}

Outputs Resize(const NodeView& view) {
  const auto& image = view.shape(0);
  if (!image || image->size() != 4) {
    return {Like(view, std::nullopt)};
  }
  const auto& size = view.numbers(1);
  Dims shape = *image;
  for (std::size_t i = 0; i < 2; ++i) {
    shape[1 + i] = size && size->size() == 2 ? std::max(kOpen, (*size)[i]) : kOpen;
  }
  Value value = Like(view, std::move(shape));
  if (view.node.op() != "ResizeNearestNeighbor") {
    value.dtype = tf::DT_FLOAT;
  }
  return {std::move(value)};
}

Outputs Scalar(const NodeView& view) { return {Like(view, Dims{})}; }

const std::unordered_map<std::string_view, ShapeRule>& Rules() {
  static const auto kRules = [] {
    std::unordered_map<std::string_view, ShapeRule> rules;
    const auto add = [&rules](ShapeRule rule, std::initializer_list<std::string_view> ops) {
      for (const std::string_view op : ops) {
        rules.emplace(op, rule);
      }
    };
    add(Identity, {"Identity", "StopGradient", "PreventGradient", "CheckNumerics", "Snapshot",
                   "PlaceholderWithDefault", "Enter", "Exit", "RefEnter", "RefExit",
                   "ReadVariableOp", "Assign", "AssignAdd", "AssignSub"});
    add(EachSame, {"IdentityN"});
    add(SameAsFirst, {"Relu",          "Relu6",
                      "Elu",           "Selu",
                      "LeakyRelu",     "Sigmoid",
                      "Tanh",          "Softplus",
                      "Softsign",      "Exp",
                      "Expm1",         "Log",
                      "Log1p",         "Sqrt",
                      "Rsqrt",         "Square",
                      "Neg",           "Abs",
                      "Sign",          "Floor",
                      "Ceil",          "Round",
                      "Rint",          "Sin",
                      "Cos",           "Tan",
                      "Asin",          "Acos",
                      "Atan",          "Sinh",
                      "Cosh",          "Asinh",
                      "Acosh",         "Atanh",
                      "Erf",           "Erfc",
                      "Reciprocal",    "Inv",
                      "LogicalNot",    "ZerosLike",
                      "OnesLike",      "Softmax",
                      "LogSoftmax",    "BiasAdd",
                      "Prelu",         "LRN",
                      "ClipByValue",   "Cumsum",
                      "ReverseV2",     "AddN",
                      "ReluGrad",      "Relu6Grad",
                      "EluGrad",       "SigmoidGrad",
                      "TanhGrad",      "RsqrtGrad",
                      "SqrtGrad",      "InvGrad",
                      "SoftplusGrad",  "MaxPoolGrad",
                      "BiasAddV1",     "ApplyGradientDescent",
                      "ApplyMomentum", "ApplyAdam",
                      "ApplyRMSProp",  "ApplyAdagrad"});
    add(Cast, {"Cast", "Bitcast"});
    add(Elementwise, {"Add",     "AddV2",      "Sub",         "Mul",        "Div",
                      "RealDiv", "DivNoNan",   "TruncateDiv", "FloorDiv",   "FloorMod",
                      "Mod",     "Maximum",    "Minimum",     "Pow",        "SquaredDifference",
                      "Atan2",   "BitwiseAnd", "BitwiseOr",   "BitwiseXor", "Xdivy",
                      "Xlogy"});
    add(Comparison, {"Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual",
                     "LogicalAnd", "LogicalOr", "ApproximateEqual"});
    add(Select, {"Select", "SelectV2"});
    add(MatMul, {"MatMul", "_FusedMatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"});
    add(Convolution, {"Conv2D", "_FusedConv2D", "DepthwiseConv2dNative",
                      "FusedDepthwiseConv2dNative", "_FusedDepthwiseConv2dNative", "Conv3D"});
    add(ConvolutionBack,
        {"Conv2DBackpropInput", "DepthwiseConv2dNativeBackpropInput", "Conv3DBackpropInputV2",
         "Conv2DBackpropFilter", "DepthwiseConv2dNativeBackpropFilter", "Conv3DBackpropFilterV2"});
    add(Pool, {"MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D"});
    add(BatchNorm, {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"});
    add(Reduce,
        {"Mean", "Sum", "Max", "Min", "Prod", "All", "Any", "ArgMax", "ArgMin", "EuclideanNorm"});
    add(Resize, {"ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic"});
    add(Scalar, {"L2Loss"});
    for (const auto& rows : {MovementRules(), SelectionRules()}) {
      for (const ShapeRow& row : rows) {
        rules.emplace(row.op, row.rule);
      }
    }
    return rules;
  }();
  return kRules;
}

}  // namespace

const Value& NodeView::input(std::size_t index) const {
  static const Value kNothing;
  return index < inputs.size() ? inputs[index] : kNothing;
}

std::optional<std::size_t> NodeView::Axis(std::size_t index, std::size_t rank) const {
  const auto& axis = numbers(index);
  if (!axis || axis->size() != 1) {
    return std::nullopt;
  }
  return NormalAxis(axis->front(), rank);
}

std::size_t NormalAxis(std::int64_t axis, std::size_t rank) {
  const auto most = static_cast<std::int64_t>(rank);
  if (axis < -most || axis >= most) {
    throw InputError("has axis " + std::to_string(axis) + ", expected one of " +
                     std::to_string(rank) + " dims");
  }
  return static_cast<std::size_t>(axis < 0 ? axis + most : axis);
}

Value Like(const NodeView& view, std::optional<Dims> shape) {
  if (shape && shape->size() > kMaxRank) {
    throw InputError("makes a tensor of " + std::to_string(shape->size()) +
                     " dims, expected at most " + std::to_string(kMaxRank));
  }
  return {.dtype = view.input(0).dtype, .shape = std::move(shape), .numbers = {}};
}

bool HasShapeRule(std::string_view op) { return Rules().contains(op); }

Outputs InferOutputs(const NodeView& view) {
  const auto rule = Rules().find(view.node.op());
  return rule == Rules().end() ? Outputs{} : rule->second(view);
}

}  // namespace placer::graphdef
