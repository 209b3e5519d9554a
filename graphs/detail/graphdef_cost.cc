#include "graphs/detail/graphdef_cost.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace placer::graphdef {
namespace {

/// The ONNX type that does the same, or "" for nodes that do nothing. Other types have the same
/// name in both, or no counterpart.
std::string_view OnnxType(std::string_view op) {
  static const std::unordered_map<std::string_view, std::string_view> kTypes = {
      // Elementwise.
      {"AddV2", "Add"},
      {"BiasAdd", "Add"},
      {"BiasAddV1", "Add"},
      {"RealDiv", "Div"},
      {"FloorDiv", "Div"},
      {"TruncateDiv", "Div"},
      {"DivNoNan", "Div"},
      {"FloorMod", "Mod"},
      {"Maximum", "Max"},
      {"Minimum", "Min"},
      {"SquaredDifference", "Sub"},
      {"Atan2", "Atan"},
      {"Square", "Mul"},
      {"Rsqrt", "Sqrt"},
      {"Log1p", "Log"},
      {"Expm1", "Exp"},
      {"Relu6", "Clip"},
      {"ClipByValue", "Clip"},
      {"Prelu", "PRelu"},
      {"AddN", "Sum"},
      {"Erfc", "Erf"},
      {"Rint", "Round"},
      {"Inv", "Reciprocal"},
      {"Xdivy", "Div"},
      {"Xlogy", "Log"},
      {"LogicalAnd", "And"},
      {"LogicalOr", "Or"},
      {"LogicalNot", "Not"},
      {"BitwiseAnd", "And"},
      {"BitwiseOr", "Or"},
      {"BitwiseXor", "Xor"},
      {"NotEqual", "Equal"},
      {"ApproximateEqual", "Equal"},
      {"LessEqual", "LessOrEqual"},
      {"GreaterEqual", "GreaterOrEqual"},
      {"Select", "Where"},
      {"SelectV2", "Where"},
      {"ReluGrad", "Mul"},
      {"Relu6Grad", "Mul"},
      {"EluGrad", "Elu"},
      {"SigmoidGrad", "Mul"},
      {"TanhGrad", "Mul"},
      {"RsqrtGrad", "Mul"},
      {"SqrtGrad", "Mul"},
      {"InvGrad", "Mul"},
      {"SoftplusGrad", "Softplus"},
      // Products.
      {"_FusedMatMul", "MatMul"},
      {"BatchMatMul", "MatMul"},
      {"BatchMatMulV2", "MatMul"},
      {"BatchMatMulV3", "MatMul"},
      {"Conv2D", "Conv"},
      {"_FusedConv2D", "Conv"},
      {"DepthwiseConv2dNative", "Conv"},
      {"FusedDepthwiseConv2dNative", "Conv"},
      {"_FusedDepthwiseConv2dNative", "Conv"},
      {"Conv3D", "Conv"},
      {"Conv2DBackpropInput", "ConvTranspose"},
      {"Conv3DBackpropInputV2", "ConvTranspose"},
      {"DepthwiseConv2dNativeBackpropInput", "ConvTranspose"},
      {"Conv2DBackpropFilter", "ConvGradWeight"},
      {"Conv3DBackpropFilterV2", "ConvGradWeight"},
      {"DepthwiseConv2dNativeBackpropFilter", "ConvGradWeight"},
      // Normalisation, pooling, reductions.
      {"FusedBatchNorm", "BatchNormalization"},
      {"FusedBatchNormV2", "BatchNormalization"},
      {"FusedBatchNormV3", "BatchNormalization"},
      {"AvgPool", "AveragePool"},
      {"MaxPool3D", "MaxPool"},
      {"AvgPool3D", "AveragePool"},
      {"MaxPoolGrad", "MaxUnpool"},
      {"ResizeBilinear", "Resize"},
      {"ResizeNearestNeighbor", "Resize"},
      {"ResizeBicubic", "Resize"},
      {"Mean", "ReduceMean"},
      {"Sum", "ReduceSum"},
      {"Max", "ReduceMax"},
      {"Min", "ReduceMin"},
      {"Prod", "ReduceProd"},
      {"All", "ReduceMin"},
      {"Any", "ReduceMax"},
      {"EuclideanNorm", "ReduceL2"},
      {"L2Loss", "ReduceSumSquare"},
      {"Cumsum", "CumSum"},
      {"TopKV2", "TopK"},
      // Data movement.
      {"ConcatV2", "Concat"},
      {"Pack", "Concat"},
      {"Unpack", "Split"},
      {"SplitV", "Split"},
      {"StridedSlice", "Slice"},
      {"PadV2", "Pad"},
      {"MirrorPad", "Pad"},
      {"ReverseV2", "Pad"},
      {"Fill", "ConstantOfShape"},
      {"ZerosLike", "ConstantOfShape"},
      {"OnesLike", "ConstantOfShape"},
      {"Const", "ConstantOfShape"},
      {"BroadcastTo", "Expand"},
      {"Rank", "Size"},
      {"GatherV2", "Gather"},
      {"ResourceGather", "Gather"},
      {"GatherNd", "GatherND"},
      {"RandomStandardNormal", "RandomNormal"},
      {"TruncatedNormal", "RandomNormal"},
      {"Assign", "Cast"},
      {"AssignVariableOp", "Cast"},
      {"AssignAdd", "Add"},
      {"AssignSub", "Sub"},
      {"AssignAddVariableOp", "Add"},
      {"AssignSubVariableOp", "Sub"},
      // Views.
      {"ExpandDims", "Unsqueeze"},
      {"StopGradient", "Identity"},
      {"PreventGradient", "Identity"},
      {"CheckNumerics", "Identity"},
      {"Snapshot", "Identity"},
      {"Bitcast", "Identity"},
      {"PlaceholderWithDefault", "Identity"},
      {"Enter", "Identity"},
      {"Exit", "Identity"},
      {"RefEnter", "Identity"},
      {"RefExit", "Identity"},
      {"ReadVariableOp", "Identity"},
      // Updates.
      {"ApplyGradientDescent", "SgdUpdate"},
      {"ResourceApplyGradientDescent", "SgdUpdate"},
      {"ApplyMomentum", "MomentumUpdate"},
      {"ResourceApplyMomentum", "MomentumUpdate"},
      {"ResourceApplyKerasMomentum", "MomentumUpdate"},
      {"ApplyAdam", "AdamUpdate"},
      {"ResourceApplyAdam", "AdamUpdate"},
      {"ApplyRMSProp", "MomentumUpdate"},
      {"ResourceApplyRMSProp", "MomentumUpdate"},
      {"ApplyAdagrad", "MomentumUpdate"},
      {"ResourceApplyAdagrad", "MomentumUpdate"},
      {"ResourceApplyAdagradV2", "MomentumUpdate"},
      // Nothing moves and nothing is computed.
      {"NoOp", ""},
      {"Switch", ""},
      {"Merge", ""},
      {"RefSwitch", ""},
      {"RefMerge", ""},
      {"LoopCond", ""},
      {"NextIteration", ""},
      {"ControlTrigger", ""},
      {"Assert", ""},
      {"IdentityN", ""}};
  const auto found = kTypes.find(op);
  return found == kTypes.end() ? op : found->second;
}

/// [N, spatial..., C] -> [N, C, spatial...].
void ChannelsSecond(TensorSpec& image) {
  if (image.shape.size() > 2) {
    std::rotate(image.shape.begin() + 1, image.shape.end() - 1, image.shape.end());
  }
}

/// [spatial..., in, out] -> [out, in, spatial...]; depthwise: -> [in x out, 1, spatial...].
void OutputsFirst(TensorSpec& filter, bool depthwise) {
  if (filter.shape.size() < 3) {
    return;
  }
  std::rotate(filter.shape.begin(), filter.shape.end() - 2, filter.shape.end());
  std::swap(filter.shape[0], filter.shape[1]);
  if (depthwise) {
    // No more than the filter's elements, which fit, unless another dim is 0: then there are none.
    if (__builtin_mul_overflow(filter.shape[0], filter.shape[1], &filter.shape[0])) {
      filter.shape[0] = 0;
    }
    filter.shape[1] = 1;
  }
}

OpCosts ConvolutionCost(const NodeView& view, std::string_view type,
                        std::vector<TensorSpec>& inputs, std::vector<TensorSpec>& outputs) {
  const bool depthwise = view.node.op().find("epthwise") != std::string::npos;
  const auto image = [&](TensorSpec& spec) {
    if (!view.channels_first()) {
      ChannelsSecond(spec);
    }
  };
  if (type == "ConvGradWeight" && inputs.size() > 2) {  // X, sizes, dY -> dY, X
    inputs = {std::move(inputs[2]), std::move(inputs[0])};
    image(inputs[0]);
    image(inputs[1]);
    OutputsFirst(outputs.at(0), depthwise);
  } else if (type == "ConvTranspose" && inputs.size() > 2) {  // sizes, W, dY -> dY, W
    inputs = {std::move(inputs[2]), std::move(inputs[1])};
    image(inputs[0]);
    OutputsFirst(inputs[1], depthwise);
    image(outputs.at(0));
  } else if (inputs.size() > 1) {
    image(inputs[0]);
    OutputsFirst(inputs[1], depthwise);
    image(outputs.at(0));
  }
  return CostOf(type, {.inputs = std::move(inputs), .outputs = std::move(outputs)});
}

std::int64_t Window(const NodeView& view) {
  std::int64_t elements = 1;
  for (const std::int64_t size : IntsAttr(view.node, "ksize")) {
    if (__builtin_mul_overflow(elements, size, &elements)) {
      return 1;
    }
  }
  return std::max<std::int64_t>(1, elements);
}

}  // namespace

OpCosts CostOfNode(const NodeView& view, std::vector<TensorSpec> inputs,
                   std::vector<TensorSpec> outputs) {
  const std::string_view type = OnnxType(view.node.op());
  if (type.empty()) {
    return {};
  }
  if (outputs.empty() && !IsUpdateNode(view.node.op())) {
    outputs.push_back({.shape = {}, .bytes = 0});  // a node of which nothing is read
  }
  if (type == "Conv" || type == "ConvTranspose" || type == "ConvGradWeight") {
    return ConvolutionCost(view, type, inputs, outputs);
  }
  if (type == "MatMul" && !inputs.empty() && inputs[0].shape.size() > 1 &&
      (BoolAttr(view.node, "transpose_a") || BoolAttr(view.node, "adj_x"))) {
    std::swap(inputs[0].shape.back(), inputs[0].shape[inputs[0].shape.size() - 2]);
  }
  if (type == "BatchNormalization" && !BoolAttr(view.node, "is_training")) {
    outputs.resize(1);  // the statistics are those given
  }
  return CostOf(type, {.inputs = std::move(inputs),
                       .outputs = std::move(outputs),
                       .kernel_elements = Window(view)});
}

bool IsViewNode(std::string_view op) {
  const std::string_view type = OnnxType(op);
  return !type.empty() && IsView(type);
}

bool IsUpdateNode(std::string_view op) {
  return op.starts_with("Apply") || op.starts_with("ResourceApply") ||
         op.starts_with("SparseApply") || op.starts_with("ResourceSparseApply");
}

}  // namespace placer::graphdef
