// The costs of backward and update op types; docs/training.md says which inputs they have.

#include <array>

#include "graphs/detail/op_rule.h"

namespace placer {
namespace {

namespace fl = flops;
using enum OpClass;
constexpr std::int64_t kHard = fl::kTranscendental;

/// ConvGradInput: dY, W [M, C / groups, k...] -> dX: as many products as the convolution.
std::int64_t ConvGradInput(const OpShapes& shapes, std::int64_t weight) {
  if (shapes.inputs.size() < 2 || shapes.inputs[1].shape.empty() ||
      shapes.inputs[1].shape[0] == 0) {
    return 0;
  }
  const std::int64_t products = fl::InputElements(shapes, 1) / shapes.inputs[1].shape[0];
  return fl::Multiply(weight, fl::Multiply(fl::InputElements(shapes, 0), products));
}

/// ConvGradWeight: dY, X -> dW [M, C / groups, k...].
std::int64_t ConvGradWeight(const OpShapes& shapes, std::int64_t weight) {
  if (shapes.outputs.empty() || shapes.outputs[0].shape.empty() ||
      shapes.outputs[0].shape[0] == 0) {
    return 0;
  }
  const std::int64_t products = fl::OutputElements(shapes, 0) / shapes.outputs[0].shape[0];
  return fl::Multiply(weight, fl::Multiply(fl::InputElements(shapes, 0), products));
}

/// The transposed convolution runs a convolution backward: as many products as X has elements,
/// times the filter's. GradInput: dY, W [C, M / groups, k...] -> dX.
std::int64_t ConvTransposeGradInput(const OpShapes& shapes, std::int64_t weight) {
  if (shapes.inputs.size() < 2 || shapes.inputs[1].shape.empty() ||
      shapes.inputs[1].shape[0] == 0) {
    return 0;
  }
  const std::int64_t products = fl::InputElements(shapes, 1) / shapes.inputs[1].shape[0];
  return fl::Multiply(weight, fl::Multiply(fl::OutputElements(shapes, 0), products));
}

/// GradWeight: dY, X -> dW [C, M / groups, k...].
std::int64_t ConvTransposeGradWeight(const OpShapes& shapes, std::int64_t weight) {
  if (shapes.outputs.empty() || shapes.outputs[0].shape.empty() ||
      shapes.outputs[0].shape[0] == 0) {
    return 0;
  }
  const std::int64_t products = fl::OutputElements(shapes, 0) / shapes.outputs[0].shape[0];
  return fl::Multiply(weight, fl::Multiply(fl::InputElements(shapes, 1), products));
}

// Weights count floating-point operations per element of dY (input 0) unless a row says otherwise.
constexpr std::array kRules{
    // Products.
    OpRule{"ConvGradInput", kConvolution, ConvGradInput, 2},
    OpRule{"ConvGradWeight", kConvolution, ConvGradWeight, 2},
    OpRule{"ConvTransposeGradInput", kConvolution, ConvTransposeGradInput, 2},
    OpRule{"ConvTransposeGradWeight", kConvolution, ConvTransposeGradWeight, 2},
    OpRule{"MatMulGradA", kMatMul, fl::Contraction, 2},
    OpRule{"MatMulGradB", kMatMul, fl::Contraction, 2},
    OpRule{"GemmGradA", kMatMul, fl::Contraction, 2},
    OpRule{"GemmGradB", kMatMul, fl::Contraction, 2},

    // Elementwise.
    OpRule{"DivGradB", kElementwise, fl::PerInput, 3},
    OpRule{"PowGradBase", kElementwise, fl::PerInput, kHard + 2},
    OpRule{"PowGradExponent", kElementwise, fl::PerInput, kHard + 2},
    OpRule{"MeanGrad", kElementwise, fl::PerInput},
    OpRule{"MaxGrad", kElementwise, fl::PerInput, 2},
    OpRule{"MinGrad", kElementwise, fl::PerInput, 2},
    OpRule{"WhereGrad", kElementwise, fl::PerInput},
    OpRule{"PReluGrad", kElementwise, fl::PerInput, 4},
    OpRule{"ReluGrad", kElementwise, fl::PerInput},
    OpRule{"LeakyReluGrad", kElementwise, fl::PerInput, 2},
    OpRule{"ThresholdedReluGrad", kElementwise, fl::PerInput},
    OpRule{"SigmoidGrad", kElementwise, fl::PerInput, 3},
    OpRule{"TanhGrad", kElementwise, fl::PerInput, 3},
    OpRule{"HardSigmoidGrad", kElementwise, fl::PerInput, 3},
    OpRule{"EluGrad", kElementwise, fl::PerInput, 3},
    OpRule{"CeluGrad", kElementwise, fl::PerInput, 4},
    OpRule{"SeluGrad", kElementwise, fl::PerInput, 4},
    OpRule{"SoftplusGrad", kElementwise, fl::PerInput, kHard + 2},
    OpRule{"SqrtGrad", kElementwise, fl::PerInput, 2},
    OpRule{"ReciprocalGrad", kElementwise, fl::PerInput, 3},
    OpRule{"TanGrad", kElementwise, fl::PerInput, 3},
    OpRule{"AbsGrad", kElementwise, fl::PerInput, 2},
    OpRule{"ErfGrad", kElementwise, fl::PerInput, kHard + 3},
    OpRule{"ClipGrad", kElementwise, fl::PerInput, 3},
    OpRule{"HardSwishGrad", kElementwise, fl::PerInput, 5},
    OpRule{"GeluGrad", kElementwise, fl::PerInput, 2 * kHard + 7},
    OpRule{"MishGrad", kElementwise, fl::PerInput, 3 * kHard + 8},
    OpRule{"SoftsignGrad", kElementwise, fl::PerInput, 4},
    OpRule{"ShrinkGrad", kElementwise, fl::PerInput, 3},
    OpRule{"SinGrad", kElementwise, fl::PerInput, kHard + 1},
    OpRule{"CosGrad", kElementwise, fl::PerInput, kHard + 2},
    OpRule{"DropoutGrad", kElementwise, fl::PerInput, 2},

    // Softmax: y (dy - sum(y dy)). The loss is the softmax cross-entropy: it makes dY as well.
    OpRule{"SoftmaxGrad", kSoftmax, fl::PerInput, 4},
    OpRule{"LogSoftmaxGrad", kSoftmax, fl::PerInput, kHard + 3},
    OpRule{"SoftmaxCrossEntropyLossGrad", kSoftmax, fl::PerOutput, fl::kSoftmax + 2},
    OpRule{"NegativeLogLikelihoodLossGrad", kDataMovement, nullptr, 0, TrafficRule::kOutputsOnly},
    OpRule{"Loss", kSoftmax, fl::PerInput, fl::kSoftmax + 2},

    // Normalisation: x-hat 2, the sums of dy and dy x-hat 3, then dx 5.
    OpRule{"BatchNormalizationGrad", kNormalization, fl::PerInput, 10},
    OpRule{"LayerNormalizationGrad", kNormalization, fl::PerInput, 12},
    OpRule{"InstanceNormalizationGrad", kNormalization, fl::PerInput, 10},
    OpRule{"GroupNormalizationGrad", kNormalization, fl::PerInput, 10},
    OpRule{"MeanVarianceNormalizationGrad", kNormalization, fl::PerInput, 8},
    OpRule{"LpNormalizationGrad", kNormalization, fl::PerInput, 6},
    OpRule{"LRNGrad", kNormalization, fl::PerInput, 2 * (3 + kHard)},

    // Pooling: every element of dY goes back to its window. Resampling as forward.
    OpRule{"MaxPoolGrad", kPooling, fl::PerInputWindow},
    OpRule{"AveragePoolGrad", kPooling, fl::PerInputWindow},
    OpRule{"LpPoolGrad", kPooling, fl::PerInputWindow, 3},
    OpRule{"GlobalMaxPoolGrad", kPooling, fl::PerOutput},
    OpRule{"GlobalAveragePoolGrad", kPooling, fl::PerOutput},
    OpRule{"ResizeGrad", kPooling, fl::PerInput, 8},

    // Reductions: dY is spread over dX.
    OpRule{"ReduceMeanGrad", kElementwise, fl::PerOutput},
    OpRule{"ReduceMaxGrad", kElementwise, fl::PerOutput, 2},
    OpRule{"ReduceMinGrad", kElementwise, fl::PerOutput, 2},
    OpRule{"ReduceProdGrad", kElementwise, fl::PerOutput, 2},
    OpRule{"ReduceL1Grad", kElementwise, fl::PerOutput, 2},
    OpRule{"ReduceL2Grad", kElementwise, fl::PerOutput, 2},
    OpRule{"ReduceSumSquareGrad", kElementwise, fl::PerOutput, 2},
    OpRule{"ReduceLogSumGrad", kElementwise, fl::PerOutput, 2},
    OpRule{"ReduceLogSumExpGrad", kElementwise, fl::PerOutput, kHard + 2},

    // Data movement.
    OpRule{"SliceGrad", kDataMovement},
    OpRule{"TopKGrad", kDataMovement},
    OpRule{"GatherElementsGrad", kDataMovement},
    OpRule{"GatherNDGrad", kDataMovement},
    OpRule{"ScatterElementsGrad", kDataMovement},
    OpRule{"ScatterNDGrad", kDataMovement},
    OpRule{"GatherGrad", kEmbedding},

    // Updates, per element of the parameter (input 0). The optimizer's state counts as further
    // inputs and outputs. w -= r g; m = b m + g, w -= r m; Adam: m 3, v 4, root, quotient, step 5.
    OpRule{"SgdUpdate", kUpdate, fl::PerInput, 2},
    OpRule{"MomentumUpdate", kUpdate, fl::PerInput, 4},
    OpRule{"AdamUpdate", kUpdate, fl::PerInput, 12},
};

}  // namespace

std::span<const OpRule> BackwardRules() { return kRules; }

}  // namespace placer
