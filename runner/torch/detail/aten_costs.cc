#include "runner/torch/detail/aten_costs.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

namespace placer::detail {
namespace {

/// LibTorch operators whose costs follow a rule of graphs/op_rules.h under another name. Operators
/// that are not here and whose name in CamelCase is no rule either count one operation per element.
const std::map<std::string_view, std::string_view>& RuleNames() {
  static const std::map<std::string_view, std::string_view> kNames{
      {"mm", "MatMul"},
      {"bmm", "MatMul"},
      {"mv", "MatMul"},
      {"dot", "MatMul"},
      {"add", "Add"},
      {"sub", "Sub"},
      {"rsub", "Sub"},
      {"mul", "Mul"},
      {"div", "Div"},
      {"neg", "Neg"},
      {"abs", "Abs"},
      {"sqrt", "Sqrt"},
      {"exp", "Exp"},
      {"log", "Log"},
      {"pow", "Pow"},
      {"sigmoid", "Sigmoid"},
      {"tanh", "Tanh"},
      {"erf", "Erf"},
      {"gelu", "Gelu"},
      {"elu", "Elu"},
      {"silu", "Sigmoid"},
      {"mish", "Mish"},
      {"softplus", "Softplus"},
      {"relu", "Relu"},
      {"leaky_relu", "LeakyRelu"},
      {"threshold", "ThresholdedRelu"},
      {"hardtanh", "Clip"},
      {"clamp", "Clip"},
      {"clamp_min", "Clip"},
      {"hardswish", "HardSwish"},
      {"hardsigmoid", "HardSigmoid"},
      {"where", "Where"},
      {"eq", "Equal"},
      {"ne", "Equal"},
      {"lt", "Less"},
      {"le", "LessOrEqual"},
      {"gt", "Greater"},
      {"ge", "GreaterOrEqual"},
      {"sin", "Sin"},
      {"cos", "Cos"},
      {"reciprocal", "Reciprocal"},
      {"rsqrt", "Sqrt"},
      {"native_batch_norm", "BatchNormalization"},
      {"_native_batch_norm_legit", "BatchNormalization"},
      {"_native_batch_norm_legit_functional", "BatchNormalization"},
      {"_native_batch_norm_legit_no_training", "BatchNormalization"},
      {"_batch_norm_with_update", "BatchNormalization"},
      {"native_layer_norm", "LayerNormalization"},
      {"native_group_norm", "GroupNormalization"},
      {"native_batch_norm_backward", "BatchNormalizationGrad"},
      {"batch_norm_backward", "BatchNormalizationGrad"},
      {"native_layer_norm_backward", "LayerNormalizationGrad"},
      {"native_group_norm_backward", "GroupNormalizationGrad"},
      {"_softmax", "Softmax"},
      {"_log_softmax", "LogSoftmax"},
      {"_softmax_backward_data", "SoftmaxGrad"},
      {"_log_softmax_backward_data", "LogSoftmaxGrad"},
      {"threshold_backward", "ReluGrad"},
      {"sigmoid_backward", "SigmoidGrad"},
      {"tanh_backward", "TanhGrad"},
      {"gelu_backward", "GeluGrad"},
      {"elu_backward", "EluGrad"},
      {"hardtanh_backward", "ClipGrad"},
      {"hardswish_backward", "HardSwishGrad"},
      {"hardsigmoid_backward", "HardSigmoidGrad"},
      {"leaky_relu_backward", "LeakyReluGrad"},
      {"silu_backward", "SigmoidGrad"},
      {"softplus_backward", "SoftplusGrad"},
      {"max_pool2d_with_indices", "MaxPool"},
      {"avg_pool2d", "AveragePool"},
      {"max_pool2d_with_indices_backward", "MaxPoolGrad"},
      {"avg_pool2d_backward", "AveragePoolGrad"},
      {"_adaptive_avg_pool2d", "GlobalAveragePool"},
      {"_adaptive_avg_pool2d_backward", "GlobalAveragePoolGrad"},
      {"mean", "ReduceMean"},
      {"sum", "ReduceSum"},
      {"amax", "ReduceMax"},
      {"amin", "ReduceMin"},
      {"argmax", "ArgMax"},
      {"cumsum", "CumSum"},
      {"topk", "TopK"},
      {"cat", "Concat"},
      {"clone", "Identity"},
      {"copy", "Cast"},
      {"_to_copy", "Cast"},
      {"embedding", "Gather"},
      {"index_select", "Gather"},
      {"index", "GatherND"},
      {"gather", "GatherElements"},
      {"constant_pad_nd", "Pad"},
      {"nll_loss_forward", "NegativeLogLikelihoodLoss"},
      {"nll_loss_backward", "NegativeLogLikelihoodLossGrad"},
      {"bernoulli", "Bernoulli"},
      {"zeros_like", "ConstantOfShape"},
      {"ones_like", "ConstantOfShape"},
      {"zeros", "ConstantOfShape"},
      {"zero", "ConstantOfShape"},
      {"fill", "ConstantOfShape"},
      {"new_zeros", "ConstantOfShape"},
      {"upsample_bilinear2d", "Resize"},
  };
  return kNames;
}

TensorSpec SpecOf(const Program& program, Slot slot) {
  const SlotInfo& info = program.slots[slot];
  return {.dtype = info.dtype, .shape = info.shape, .bytes = info.bytes};
}

struct Operands {
  std::map<std::uint32_t, TensorSpec> inputs, outputs;  ///< by position
};

Operands OperandsOf(const ProgramOp& op, const Program& program) {
  Operands operands;
  for (const TensorRef& read : op.reads) {
    operands.inputs.emplace(read.position, SpecOf(program, read.slot));
  }
  for (const TensorRef& result : op.results) {
    operands.outputs.emplace(result.position, SpecOf(program, result.slot));
  }
  return operands;
}

bool IsTransposed(const ProgramOp& op) {
  const auto& arguments = op.handle.schema().arguments();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].name() == "transposed") {
      return op.arguments[i].isBool() && op.arguments[i].toBool();
    }
  }
  return false;
}

std::int64_t KernelElements(const ProgramOp& op) {
  const auto& arguments = op.handle.schema().arguments();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].name() == "kernel_size" && op.arguments[i].isIntList()) {
      std::int64_t elements = 1;
      for (const std::int64_t size : op.arguments[i].toIntVector()) {
        elements *= size;
      }
      return elements;
    }
  }
  return 1;
}

OpCosts Convolution(const ProgramOp& op, const Operands& operands) {
  OpShapes shapes{.inputs = {operands.inputs.at(0), operands.inputs.at(1)},
                  .outputs = {operands.outputs.at(0)}};
  return placer::CostOf(IsTransposed(op) ? "ConvTranspose" : "Conv", shapes);
}

/// One operator makes both gradients: inputs dY, X, W; results dX, dW, db.
OpCosts ConvolutionBackward(const ProgramOp& op, const Operands& operands) {
  const std::string prefix = IsTransposed(op) ? "ConvTranspose" : "Conv";
  const TensorSpec& gradient = operands.inputs.at(0);
  OpCosts costs;
  costs.op_class = OpClass::kConvolution;
  const auto add = [&](const char* suffix, std::uint32_t input, std::uint32_t output) {
    if (operands.outputs.contains(output)) {
      const OpCosts part =
          placer::CostOf(prefix + suffix, {.inputs = {gradient, operands.inputs.at(input)},
                                           .outputs = {operands.outputs.at(output)}});
      costs.op_class = part.op_class;
      costs.flops += part.flops;
      costs.traffic_bytes += part.traffic_bytes;
    }
  };
  add("GradInput", 2, 0);
  add("GradWeight", 1, 1);
  return costs;
}

/// Of query [.., L, E], key [.., S, E], value [.., S, D]: two products with a softmax of [.., L, S]
/// between them. The way back has five: the first is made again, and each has two gradients.
std::optional<std::int64_t> AttentionFlops(const Operands& operands, bool backward) {
  const std::uint32_t first = backward ? 1 : 0;  // the result's gradient stands in front
  for (std::uint32_t i = first; i < first + 3; ++i) {
    const auto found = operands.inputs.find(i);
    if (found == operands.inputs.end() || found->second.shape.size() < 2) {
      return std::nullopt;
    }
  }
  const TensorSpec& query = operands.inputs.at(first);
  const TensorSpec& key = operands.inputs.at(first + 1);
  const TensorSpec& value = operands.inputs.at(first + 2);
  TensorSpec scores{.dtype = query.dtype, .shape = query.shape};
  scores.shape.back() = key.shape[key.shape.size() - 2];
  TensorSpec result{.dtype = query.dtype, .shape = query.shape};
  result.shape.back() = value.shape.back();
  const auto flops = [](std::string_view type, const TensorSpec& from, const TensorSpec& to) {
    return placer::CostOf(type, {.inputs = {from}, .outputs = {to}}).flops;
  };
  const std::int64_t with_keys = flops("MatMul", query, scores);
  const std::int64_t with_values = flops("MatMul", scores, result);
  return backward ? 3 * with_keys + 2 * with_values + flops("SoftmaxGrad", scores, scores)
                  : with_keys + with_values + flops("Softmax", scores, scores);
}

bool OnlyLooks(const ProgramOp& op, const Program& program) {
  return op.writes.empty() && !op.results.empty() &&
         std::ranges::all_of(op.results, [&](const TensorRef& result) {
           return program.slots[result.slot].base != result.slot;
         });
}

}  // namespace

OpCosts CostOf(const ProgramOp& op, const Program& program) {
  if (OnlyLooks(op, program)) {
    return {.op_class = OpClass::kView};
  }
  if (op.uninitialized) {
    return {.op_class = OpClass::kDataMovement};
  }
  const Operands operands = OperandsOf(op, program);
  std::string_view type = op.handle.schema().name();
  type.remove_prefix(type.find("::") == std::string_view::npos ? 0 : type.find("::") + 2);
  if (type == "convolution") {
    return Convolution(op, operands);
  }
  if (type == "convolution_backward") {
    return ConvolutionBackward(op, operands);
  }
  if (type.ends_with('_') && !type.starts_with('_')) {
    type.remove_suffix(1);  // in place
  }
  OpShapes shapes{.kernel_elements = KernelElements(op)};
  for (const TensorRef& read : op.reads) {
    shapes.inputs.push_back(SpecOf(program, read.slot));
  }
  for (const TensorRef& result : op.results) {
    shapes.outputs.push_back(SpecOf(program, result.slot));
  }
  if ((type == "addmm" || type == "baddbmm" || type == "addmv") && shapes.inputs.size() == 3) {
    std::ranges::rotate(shapes.inputs, shapes.inputs.begin() + 1);  // the sum's addend comes first
    return placer::CostOf(type == "addmm" ? "Gemm" : "MatMul", shapes);
  }
  if (type == "scaled_dot_product_attention" || type.starts_with("_scaled_dot_product_")) {
    if (const auto flops = AttentionFlops(operands, type.ends_with("_backward"))) {
      OpCosts costs = placer::CostOf("MatMul", shapes);  // its class, and every tensor moves once
      costs.flops = *flops;
      return costs;
    }
  }
  const auto rule = RuleNames().find(type);
  OpCosts costs =
      placer::CostOf(rule == RuleNames().end() ? std::string_view("aten") : rule->second, shapes);
  if (op.role == OpRole::kUpdate) {
    costs.op_class = OpClass::kUpdate;
  }
  return costs;
}

}  // namespace placer::detail
