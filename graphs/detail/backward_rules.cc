// The costs of backward and update op types; docs/training.md says which inputs they have.

#include <array>

#include "graphs/detail/op_rule.h"

namespace placer {
namespace {

namespace fl = flops;
using enum OpClass;

/// ConvGradInput: dY, W [M, C / groups, k...] -> dX: as many products as the convolution.
std::int64_t ConvGradInput(const OpShapes& shapes, std::int64_t weight) {
  if (shapes.inputs.size() < 2 || shapes.inputs[1].shape.empty() ||
      shapes.inputs[1].shape[0] == 0) {
    return 0;
  }
  const std::int64_t products = fl::InputElements(shapes, 1) / shapes.inputs[1].shape[0];
  return fl::Multiply(weight, fl::Multiply(fl::InputElements(shapes, 0), products));
}

/// ConvGradWeight: X, dY -> dW [M, C / groups, k...].
std::int64_t ConvGradWeight(const OpShapes& shapes, std::int64_t weight) {
  if (shapes.outputs.empty() || shapes.outputs[0].shape.empty() ||
      shapes.outputs[0].shape[0] == 0) {
    return 0;
  }
  const std::int64_t products = fl::OutputElements(shapes, 0) / shapes.outputs[0].shape[0];
  return fl::Multiply(weight, fl::Multiply(fl::InputElements(shapes, 1), products));
}

constexpr std::array kRules{
    OpRule{"ConvGradInput", kConvolution, ConvGradInput, 2},
    OpRule{"ConvGradWeight", kConvolution, ConvGradWeight, 2},
    OpRule{"MatMulGradA", kMatMul, fl::Contraction, 2},
    OpRule{"MatMulGradB", kMatMul, fl::Contraction, 2},
    OpRule{"GemmGradA", kMatMul, fl::Contraction, 2},
    OpRule{"GemmGradB", kMatMul, fl::Contraction, 2},
};

}  // namespace

std::span<const OpRule> BackwardRules() { return kRules; }

}  // namespace placer
