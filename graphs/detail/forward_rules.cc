// The costs of ONNX op types. Weights count floating-point operations per element.

#include <array>

#include "graphs/detail/op_rule.h"

namespace placer {
namespace {

namespace fl = flops;
using enum OpClass;
using enum TrafficRule;
constexpr std::int64_t kHard = fl::kTranscendental;

/// LSTM, GRU, RNN: X [steps, batch, in], W [dirs, gates x H, in], R [dirs, gates x H, H]. Every
/// step multiplies by every weight; `weight` operations follow per gate value.
std::int64_t Recurrent(const OpShapes& shapes, std::int64_t weight) {
  if (shapes.inputs.size() < 3 || shapes.inputs[0].shape.empty() ||
      shapes.inputs[2].shape.empty() || shapes.inputs[0].shape.back() == 0 ||
      shapes.inputs[2].shape.back() == 0) {
    return 0;
  }
  const std::int64_t rows = fl::InputElements(shapes, 0) / shapes.inputs[0].shape.back();
  const std::int64_t weights = fl::Add(fl::InputElements(shapes, 1), fl::InputElements(shapes, 2));
  const std::int64_t gates = fl::InputElements(shapes, 2) / shapes.inputs[2].shape.back();
  return fl::Multiply(rows, fl::Add(fl::Multiply(2, weights), fl::Multiply(weight, gates)));
}

/// Normalisation by stored statistics is one scale and one shift; with its own statistics (the
/// running ones are further outputs) it costs `weight`.
std::int64_t BatchNormalization(const OpShapes& shapes, std::int64_t weight) {
  return fl::PerOutput(shapes, shapes.outputs.size() > 1 ? weight : 2);
}

/// LRN: a square and a sum over the window, then a power and a product.
std::int64_t LocalResponse(const OpShapes& shapes, std::int64_t weight) {
  return fl::Multiply(fl::OutputElements(shapes, 0), fl::Add(weight, shapes.kernel_elements));
}

/// QLinearConv: x, scale, zero point, w, ...
std::int64_t QuantizedConv(const OpShapes& shapes, std::int64_t weight) {
  if (shapes.inputs.size() < 4) {
    return 0;
  }
  return fl::Conv({.inputs = {shapes.inputs[0], shapes.inputs[3]}, .outputs = shapes.outputs},
                  weight);
}

std::int64_t IntegerConv(const OpShapes& shapes, std::int64_t weight) {
  if (shapes.inputs.size() < 2) {
    return 0;
  }
  return fl::Conv({.inputs = {shapes.inputs[0], shapes.inputs[1]}, .outputs = shapes.outputs},
                  weight);
}

constexpr std::array kRules{
    // Matrix products.
    OpRule{"MatMul", kMatMul, fl::MatMul, 2},
    OpRule{"MatMulInteger", kMatMul, fl::MatMul, 2},
    OpRule{"QLinearMatMul", kMatMul, fl::MatMul, 2},
    OpRule{"Gemm", kMatMul, fl::Gemm, 2},
    OpRule{"Einsum", kMatMul, fl::PerWindow, 2},  // kernel_elements: the indices summed over
    OpRule{"LSTM", kMatMul, Recurrent, kHard},
    OpRule{"GRU", kMatMul, Recurrent, kHard},
    OpRule{"RNN", kMatMul, Recurrent, kHard},

    // Convolutions.
    OpRule{"Conv", kConvolution, fl::Conv, 2},
    OpRule{"ConvInteger", kConvolution, IntegerConv, 2},
    OpRule{"QLinearConv", kConvolution, QuantizedConv, 2},
    OpRule{"ConvTranspose", kConvolution, fl::ConvTranspose, 2},

    // Elementwise.
    OpRule{"Add", kElementwise, fl::PerOutput},
    OpRule{"Sub", kElementwise, fl::PerOutput},
    OpRule{"Mul", kElementwise, fl::PerOutput},
    OpRule{"Div", kElementwise, fl::PerOutput},
    OpRule{"Mod", kElementwise, fl::PerOutput},
    OpRule{"Neg", kElementwise, fl::PerOutput},
    OpRule{"Abs", kElementwise, fl::PerOutput},
    OpRule{"Sign", kElementwise, fl::PerOutput},
    OpRule{"Ceil", kElementwise, fl::PerOutput},
    OpRule{"Floor", kElementwise, fl::PerOutput},
    OpRule{"Round", kElementwise, fl::PerOutput},
    OpRule{"Reciprocal", kElementwise, fl::PerOutput},
    OpRule{"Sqrt", kElementwise, fl::PerOutput},
    OpRule{"Relu", kElementwise, fl::PerOutput},
    OpRule{"LeakyRelu", kElementwise, fl::PerOutput, 2},
    OpRule{"PRelu", kElementwise, fl::PerOutput, 2},
    OpRule{"ThresholdedRelu", kElementwise, fl::PerOutput},
    OpRule{"Clip", kElementwise, fl::PerOutput, 2},
    OpRule{"HardSigmoid", kElementwise, fl::PerOutput, 4},
    OpRule{"HardSwish", kElementwise, fl::PerOutput, 5},
    OpRule{"Shrink", kElementwise, fl::PerOutput, 3},
    OpRule{"Softsign", kElementwise, fl::PerOutput, 3},
    OpRule{"Exp", kElementwise, fl::PerOutput, kHard},
    OpRule{"Log", kElementwise, fl::PerOutput, kHard},
    OpRule{"Pow", kElementwise, fl::PerOutput, kHard},
    OpRule{"Sigmoid", kElementwise, fl::PerOutput, kHard + 2},
    OpRule{"Tanh", kElementwise, fl::PerOutput, kHard},
    OpRule{"Erf", kElementwise, fl::PerOutput, kHard},
    OpRule{"Gelu", kElementwise, fl::PerOutput, kHard + 4},
    OpRule{"Elu", kElementwise, fl::PerOutput, kHard + 2},
    OpRule{"Celu", kElementwise, fl::PerOutput, kHard + 3},
    OpRule{"Selu", kElementwise, fl::PerOutput, kHard + 3},
    OpRule{"Softplus", kElementwise, fl::PerOutput, 2 * kHard},
    OpRule{"Mish", kElementwise, fl::PerOutput, 3 * kHard},
    OpRule{"Sin", kElementwise, fl::PerOutput, kHard},
    OpRule{"Cos", kElementwise, fl::PerOutput, kHard},
    OpRule{"Tan", kElementwise, fl::PerOutput, kHard},
    OpRule{"Asin", kElementwise, fl::PerOutput, kHard},
    OpRule{"Acos", kElementwise, fl::PerOutput, kHard},
    OpRule{"Atan", kElementwise, fl::PerOutput, kHard},
    OpRule{"Sinh", kElementwise, fl::PerOutput, kHard},
    OpRule{"Cosh", kElementwise, fl::PerOutput, kHard},
    OpRule{"Asinh", kElementwise, fl::PerOutput, kHard},
    OpRule{"Acosh", kElementwise, fl::PerOutput, kHard},
    OpRule{"Atanh", kElementwise, fl::PerOutput, kHard},
    OpRule{"Sum", kElementwise, fl::PerOutputAndInput},
    OpRule{"Mean", kElementwise, fl::PerOutputAndInput},
    OpRule{"Max", kElementwise, fl::PerOutputAndInput},
    OpRule{"Min", kElementwise, fl::PerOutputAndInput},
    OpRule{"Equal", kElementwise, fl::PerOutput},
    OpRule{"Greater", kElementwise, fl::PerOutput},
    OpRule{"GreaterOrEqual", kElementwise, fl::PerOutput},
    OpRule{"Less", kElementwise, fl::PerOutput},
    OpRule{"LessOrEqual", kElementwise, fl::PerOutput},
    OpRule{"And", kElementwise, fl::PerOutput},
    OpRule{"Or", kElementwise, fl::PerOutput},
    OpRule{"Xor", kElementwise, fl::PerOutput},
    OpRule{"Not", kElementwise, fl::PerOutput},
    OpRule{"BitShift", kElementwise, fl::PerOutput},
    OpRule{"IsInf", kElementwise, fl::PerOutput},
    OpRule{"IsNaN", kElementwise, fl::PerOutput},
    OpRule{"Where", kElementwise, fl::PerOutput},
    OpRule{"DropoutTraining", kElementwise, fl::PerOutput, 2},
    OpRule{"QuantizeLinear", kElementwise, fl::PerOutput, 3},
    OpRule{"DequantizeLinear", kElementwise, fl::PerOutput, 2},
    OpRule{"DynamicQuantizeLinear", kElementwise, fl::PerOutput, 5},
    OpRule{"Bernoulli", kElementwise, fl::PerOutput, 2},

    // Normalisation.
    OpRule{"BatchNormalization", kNormalization, BatchNormalization, fl::kNormalize},
    OpRule{"InstanceNormalization", kNormalization, fl::PerOutput, fl::kNormalize},
    OpRule{"LayerNormalization", kNormalization, fl::PerOutput, fl::kNormalize},
    OpRule{"GroupNormalization", kNormalization, fl::PerOutput, fl::kNormalize},
    OpRule{"MeanVarianceNormalization", kNormalization, fl::PerOutput, 6},
    OpRule{"LpNormalization", kNormalization, fl::PerOutput, 3},
    OpRule{"LRN", kNormalization, LocalResponse, 3 + kHard},

    // Pooling. Resampling counts its interpolation like a window.
    OpRule{"MaxPool", kPooling, fl::PerWindow},
    OpRule{"AveragePool", kPooling, fl::PerWindow},
    OpRule{"LpPool", kPooling, fl::PerWindow, 2},
    OpRule{"GlobalAveragePool", kPooling, fl::PerInput},
    OpRule{"GlobalMaxPool", kPooling, fl::PerInput},
    OpRule{"GlobalLpPool", kPooling, fl::PerInput, 2},
    OpRule{"MaxRoiPool", kPooling, fl::PerInput},
    OpRule{"RoiAlign", kPooling, fl::PerOutput, 8},
    OpRule{"MaxUnpool", kPooling},
    OpRule{"Resize", kPooling, fl::PerOutput, 8},
    OpRule{"Upsample", kPooling, fl::PerOutput, 8},
    OpRule{"GridSample", kPooling, fl::PerOutput, 8},

    // Reductions.
    OpRule{"ReduceSum", kReduction, fl::PerInput},
    OpRule{"ReduceMean", kReduction, fl::PerInput},
    OpRule{"ReduceMax", kReduction, fl::PerInput},
    OpRule{"ReduceMin", kReduction, fl::PerInput},
    OpRule{"ReduceProd", kReduction, fl::PerInput},
    OpRule{"ReduceL1", kReduction, fl::PerInput, 2},
    OpRule{"ReduceL2", kReduction, fl::PerInput, 2},
    OpRule{"ReduceSumSquare", kReduction, fl::PerInput, 2},
    OpRule{"ReduceLogSum", kReduction, fl::PerInput},
    OpRule{"ReduceLogSumExp", kReduction, fl::PerInput, 2 + kHard},
    OpRule{"ArgMax", kReduction, fl::PerInput},
    OpRule{"ArgMin", kReduction, fl::PerInput},
    OpRule{"CumSum", kReduction, fl::PerInput},
    OpRule{"TopK", kReduction, fl::PerInput, kHard},  // a sort of a row is about ten passes
    OpRule{"NonMaxSuppression", kReduction, fl::PerInput, kHard},

    // Softmax and the losses built on it.
    OpRule{"Softmax", kSoftmax, fl::PerOutput, fl::kSoftmax},
    OpRule{"LogSoftmax", kSoftmax, fl::PerOutput, fl::kSoftmax},
    OpRule{"Hardmax", kSoftmax, fl::PerOutput, 2},
    OpRule{"SoftmaxCrossEntropyLoss", kSoftmax, fl::PerInput, fl::kSoftmax},
    OpRule{"NegativeLogLikelihoodLoss", kReduction, fl::PerOutput, 1, kGathered},

    // Data movement.
    OpRule{"Transpose", kDataMovement},
    OpRule{"Concat", kDataMovement},
    OpRule{"Pad", kDataMovement},
    OpRule{"Expand", kDataMovement},
    OpRule{"Tile", kDataMovement},
    OpRule{"Cast", kDataMovement},
    OpRule{"CastLike", kDataMovement},
    OpRule{"DepthToSpace", kDataMovement},
    OpRule{"SpaceToDepth", kDataMovement},
    OpRule{"ReverseSequence", kDataMovement},
    OpRule{"Compress", kDataMovement},
    OpRule{"NonZero", kDataMovement},
    OpRule{"Unique", kDataMovement},
    OpRule{"Trilu", kDataMovement},
    OpRule{"OneHot", kDataMovement},
    OpRule{"Scatter", kDataMovement},
    OpRule{"ScatterElements", kDataMovement},
    OpRule{"ScatterND", kDataMovement},
    OpRule{"Split", kDataMovement, nullptr, 0, kGathered},
    OpRule{"Slice", kDataMovement, nullptr, 0, kGathered},
    OpRule{"GatherElements", kDataMovement, nullptr, 0, kGathered},
    OpRule{"GatherND", kDataMovement, nullptr, 0, kGathered},
    OpRule{"Constant", kDataMovement, nullptr, 0, kOutputsOnly},
    OpRule{"ConstantOfShape", kDataMovement, nullptr, 0, kOutputsOnly},
    OpRule{"EyeLike", kDataMovement, nullptr, 0, kOutputsOnly},
    OpRule{"Range", kDataMovement, nullptr, 0, kOutputsOnly},
    OpRule{"Shape", kDataMovement, nullptr, 0, kOutputsOnly},
    OpRule{"Size", kDataMovement, nullptr, 0, kOutputsOnly},
    OpRule{"RandomNormal", kElementwise, fl::PerOutput, kHard, kOutputsOnly},
    OpRule{"RandomNormalLike", kElementwise, fl::PerOutput, kHard, kOutputsOnly},
    OpRule{"RandomUniform", kElementwise, fl::PerOutput, 2, kOutputsOnly},
    OpRule{"RandomUniformLike", kElementwise, fl::PerOutput, 2, kOutputsOnly},
    OpRule{"Gather", kEmbedding, nullptr, 0, kGathered},

    // Views of input 0.
    OpRule{"Reshape", kView, nullptr, 0, kNone},
    OpRule{"Flatten", kView, nullptr, 0, kNone},
    OpRule{"Squeeze", kView, nullptr, 0, kNone},
    OpRule{"Unsqueeze", kView, nullptr, 0, kNone},
    OpRule{"Identity", kView, nullptr, 0, kNone},
    OpRule{"Dropout", kView, nullptr, 0, kNone},  // in inference

    // Resident.
    OpRule{"Input", kOther, nullptr, 0, kNone},
    OpRule{"Parameter", kOther, nullptr, 0, kNone},
};

}  // namespace

std::span<const OpRule> ForwardRules() { return kRules; }

}  // namespace placer
