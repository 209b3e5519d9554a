#include "graphs/op_rules.h"

#include <string>
#include <unordered_map>

#include "graphs/base/error.h"
#include "graphs/detail/op_rule.h"

namespace placer {
namespace {

using RuleTable = std::unordered_map<std::string_view, OpRule>;

const RuleTable& Rules() {
  static const RuleTable kRules = [] {
    RuleTable rules;
    for (const auto rows : {ForwardRules(), BackwardRules()}) {
      for (const OpRule& row : rows) {
        rules.emplace(row.type, row);
      }
    }
    return rules;
  }();
  return kRules;
}

std::int64_t BytesOf(const TensorSpec& tensor) {
  return tensor.bytes ? *tensor.bytes
                      : flops::Multiply(NumElements(tensor.shape), SizeOf(tensor.dtype));
}

std::int64_t TrafficOf(TrafficRule rule, const OpShapes& shapes) {
  if (rule == TrafficRule::kNone) {
    return 0;
  }
  std::int64_t written = 0;
  for (const TensorSpec& output : shapes.outputs) {
    written = flops::Add(written, BytesOf(output));
  }
  if (rule == TrafficRule::kOutputsOnly) {
    return written;
  }
  std::int64_t total = rule == TrafficRule::kGathered ? flops::Multiply(2, written) : written;
  for (std::size_t i = rule == TrafficRule::kGathered ? 1 : 0; i < shapes.inputs.size(); ++i) {
    total = flops::Add(total, BytesOf(shapes.inputs[i]));
  }
  return total;
}

/// A convolution whose every filter sees one of several channels.
bool IsDepthwise(const OpShapes& shapes) {
  return shapes.inputs.size() >= 2 && shapes.inputs[0].shape.size() >= 3 &&
         shapes.inputs[1].shape.size() >= 3 && shapes.inputs[1].shape[1] == 1 &&
         shapes.inputs[0].shape[1] > 1;
}

/// The filter of a convolution's gradient is input 1 (ConvGradInput: dY, W) or output 0
/// (ConvGradWeight: dY, X).
bool IsDepthwiseGradient(std::string_view type, const OpShapes& shapes) {
  if (shapes.inputs.size() < 2 || shapes.outputs.empty()) {
    return false;
  }
  const bool of_weight = type.ends_with("GradWeight");
  const auto& filter = of_weight ? shapes.outputs[0].shape : shapes.inputs[1].shape;
  const auto& data = of_weight ? shapes.inputs[1].shape : shapes.outputs[0].shape;
  return filter.size() >= 3 && data.size() >= 3 && filter[1] == 1 && data[1] > 1;
}

OpClass ClassOf(const OpRule& rule, const OpShapes& shapes) {
  if (rule.op_class != OpClass::kConvolution) {
    return rule.op_class;
  }
  const bool gradient = rule.type.find("Grad") != std::string_view::npos;
  const bool depthwise = gradient ? IsDepthwiseGradient(rule.type, shapes) : IsDepthwise(shapes);
  return depthwise ? OpClass::kDepthwiseConvolution : OpClass::kConvolution;
}

}  // namespace

OpCosts CostOf(std::string_view op_type, const OpShapes& shapes) {
  // Without a rule: one operation per output element, and all tensors move once.
  static constexpr OpRule kDefault{"", OpClass::kOther, flops::PerOutput};
  const auto found = Rules().find(op_type);
  const OpRule& rule = found == Rules().end() ? kDefault : found->second;
  try {
    return {.op_class = ClassOf(rule, shapes),
            .flops = rule.flops == nullptr ? 0 : rule.flops(shapes, rule.weight),
            .traffic_bytes = TrafficOf(rule.traffic, shapes),
            .known = found != Rules().end()};
  } catch (const InputError& error) {
    throw error.In("cost of op type '" + std::string(op_type) + "'");
  }
}

bool IsView(std::string_view op_type) {
  const auto found = Rules().find(op_type);
  return found != Rules().end() && found->second.op_class == OpClass::kView;
}

}  // namespace placer
