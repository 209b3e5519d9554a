// Which backward ops an op has. The same table, in words, is in docs/training.md; a test compares
// the two.
#include "graphs/detail/gradient_table.h"

#include <algorithm>
#include <array>
#include <map>

namespace placer {
namespace {

using enum GradientKind;
constexpr GradientCost kForwardCost = GradientCost::kForward;
constexpr GradientCost kTwice = GradientCost::kTwiceForward;

constexpr std::array kRows = std::to_array<GradientRow>({
    // Products.
    {"Conv", "ConvGradInput", "grad_input", "dY X1", "X0"},
    {"Conv", "ConvGradWeight", "grad_weight", "dY X0", "X1"},
    {"Conv", "-", "grad_bias", "dY", "X2", kPass},
    {"ConvTranspose", "ConvTransposeGradInput", "grad_input", "dY X1", "X0"},
    {"ConvTranspose", "ConvTransposeGradWeight", "grad_weight", "dY X0", "X1"},
    {"ConvTranspose", "-", "grad_bias", "dY", "X2", kPass},
    {"MatMul", "MatMulGradA", "grad_a", "dY X1", "X0"},
    {"MatMul", "MatMulGradB", "grad_b", "dY X0", "X1"},
    {"Gemm", "GemmGradA", "grad_a", "dY X1", "X0"},
    {"Gemm", "GemmGradB", "grad_b", "dY X0", "X1"},
    {"Gemm", "-", "grad_bias", "dY", "X2", kPass},
    {"Einsum", "EinsumGrad", "grad", "dY X*", "Xi", kOp, kForwardCost},
    {"LSTM", "LSTMGrad", "grad", "dY X* Y*", "X*", kOp, kTwice},
    {"GRU", "GRUGrad", "grad", "dY X* Y*", "X*", kOp, kTwice},
    {"RNN", "RNNGrad", "grad", "dY X* Y*", "X*", kOp, kTwice},

    // Elementwise, several inputs.
    {"Add", "-", "grad_a", "dY", "X0", kPass},
    {"Add", "-", "grad_b", "dY", "X1", kPass},
    {"Sub", "-", "grad_a", "dY", "X0", kPass},
    {"Sub", "Neg", "grad_b", "dY", "X1", kElementwise},
    {"Mul", "Mul", "grad_a", "dY X1", "X0", kElementwise},
    {"Mul", "Mul", "grad_b", "dY X0", "X1", kElementwise},
    {"Div", "Div", "grad_a", "dY X1", "X0", kElementwise},
    {"Div", "DivGradB", "grad_b", "dY X1 Y0", "X1", kElementwise},
    {"Pow", "PowGradBase", "grad_a", "dY X0 X1", "X0", kElementwise},
    {"Pow", "PowGradExponent", "grad_b", "dY X0 Y0", "X1", kElementwise},
    {"Sum", "-", "grad", "dY", "Xi", kPass},
    {"Mean", "MeanGrad", "grad", "dY", "Xi", kElementwise},
    {"Max", "MaxGrad", "grad", "dY Xi Y0", "Xi", kElementwise},
    {"Min", "MinGrad", "grad", "dY Xi Y0", "Xi", kElementwise},
    {"Where", "WhereGrad", "grad_a", "dY X0", "X1", kElementwise},
    {"Where", "WhereGrad", "grad_b", "dY X0", "X2", kElementwise},
    {"PRelu", "PReluGrad", "grad", "dY X0 X1", "X0 X1"},

    // Elementwise, one input: from Y where that suffices, so that X need not be kept.
    {"Relu", "ReluGrad", "grad", "dY Y0", "X0"},
    {"LeakyRelu", "LeakyReluGrad", "grad", "dY Y0", "X0"},
    {"ThresholdedRelu", "ThresholdedReluGrad", "grad", "dY Y0", "X0"},
    {"Sigmoid", "SigmoidGrad", "grad", "dY Y0", "X0"},
    {"Tanh", "TanhGrad", "grad", "dY Y0", "X0"},
    {"HardSigmoid", "HardSigmoidGrad", "grad", "dY Y0", "X0"},
    {"Elu", "EluGrad", "grad", "dY Y0", "X0"},
    {"Celu", "CeluGrad", "grad", "dY Y0", "X0"},
    {"Selu", "SeluGrad", "grad", "dY Y0", "X0"},
    {"Softplus", "SoftplusGrad", "grad", "dY Y0", "X0"},
    {"Exp", "Mul", "grad", "dY Y0", "X0"},
    {"Sqrt", "SqrtGrad", "grad", "dY Y0", "X0"},
    {"Reciprocal", "ReciprocalGrad", "grad", "dY Y0", "X0"},
    {"Tan", "TanGrad", "grad", "dY Y0", "X0"},
    {"Log", "Div", "grad", "dY X0", "X0"},
    {"Abs", "AbsGrad", "grad", "dY X0", "X0"},
    {"Erf", "ErfGrad", "grad", "dY X0", "X0"},
    {"Clip", "ClipGrad", "grad", "dY X0", "X0"},
    {"HardSwish", "HardSwishGrad", "grad", "dY X0", "X0"},
    {"Gelu", "GeluGrad", "grad", "dY X0", "X0"},
    {"Mish", "MishGrad", "grad", "dY X0", "X0"},
    {"Softsign", "SoftsignGrad", "grad", "dY X0", "X0"},
    {"Shrink", "ShrinkGrad", "grad", "dY X0", "X0"},
    {"Sin", "SinGrad", "grad", "dY X0", "X0"},
    {"Cos", "CosGrad", "grad", "dY X0", "X0"},
    {"Neg", "Neg", "grad", "dY", "X0"},
    {"Cast", "Cast", "grad", "dY", "X0"},
    {"Dropout", "-", "grad", "dY", "X0", kView},
    {"DropoutTraining", "DropoutGrad", "grad", "dY Y1", "X0"},

    // Normalisation and softmax.
    {"Softmax", "SoftmaxGrad", "grad", "dY Y0", "X0"},
    {"LogSoftmax", "LogSoftmaxGrad", "grad", "dY Y0", "X0"},
    {"SoftmaxCrossEntropyLoss", "SoftmaxCrossEntropyLossGrad", "grad", "dY X0 X1", "X0"},
    {"NegativeLogLikelihoodLoss", "NegativeLogLikelihoodLossGrad", "grad", "dY X0 X1", "X0"},
    {"BatchNormalization", "BatchNormalizationGrad", "grad", "dY X0 X1", "X0 X1 X2"},
    {"LayerNormalization", "LayerNormalizationGrad", "grad", "dY X0 X1 Y1 Y2", "X0 X1 X2"},
    {"InstanceNormalization", "InstanceNormalizationGrad", "grad", "dY X0 X1", "X0 X1 X2"},
    {"GroupNormalization", "GroupNormalizationGrad", "grad", "dY X0 X1", "X0 X1 X2"},
    {"MeanVarianceNormalization", "MeanVarianceNormalizationGrad", "grad", "dY X0", "X0"},
    {"LpNormalization", "LpNormalizationGrad", "grad", "dY X0 Y0", "X0"},
    {"LRN", "LRNGrad", "grad", "dY X0 Y0", "X0"},

    // Pooling and resampling.
    {"MaxPool", "MaxPoolGrad", "grad", "dY X0 Y0", "X0"},
    {"AveragePool", "AveragePoolGrad", "grad", "dY", "X0"},
    {"LpPool", "LpPoolGrad", "grad", "dY X0 Y0", "X0"},
    {"GlobalMaxPool", "GlobalMaxPoolGrad", "grad", "dY X0 Y0", "X0"},
    {"GlobalAveragePool", "GlobalAveragePoolGrad", "grad", "dY", "X0"},
    {"Resize", "ResizeGrad", "grad", "dY", "X0"},
    {"Upsample", "ResizeGrad", "grad", "dY", "X0"},

    // Reductions.
    {"ReduceSum", "Expand", "grad", "dY", "X0"},
    {"ReduceMean", "ReduceMeanGrad", "grad", "dY", "X0"},
    {"ReduceMax", "ReduceMaxGrad", "grad", "dY X0 Y0", "X0"},
    {"ReduceMin", "ReduceMinGrad", "grad", "dY X0 Y0", "X0"},
    {"ReduceProd", "ReduceProdGrad", "grad", "dY X0 Y0", "X0"},
    {"ReduceL1", "ReduceL1Grad", "grad", "dY X0", "X0"},
    {"ReduceL2", "ReduceL2Grad", "grad", "dY X0 Y0", "X0"},
    {"ReduceSumSquare", "ReduceSumSquareGrad", "grad", "dY X0", "X0"},
    {"ReduceLogSum", "ReduceLogSumGrad", "grad", "dY X0 Y0", "X0"},
    {"ReduceLogSumExp", "ReduceLogSumExpGrad", "grad", "dY X0 Y0", "X0"},
    {"CumSum", "CumSum", "grad", "dY X1", "X0"},
    {"TopK", "TopKGrad", "grad", "dY Y1", "X0"},

    // Data movement: the way back.
    {"Transpose", "Transpose", "grad", "dY", "X0"},
    {"Concat", "Split", "grad", "dY", "X*"},
    {"Split", "Concat", "grad", "dY", "X0"},
    {"Slice", "SliceGrad", "grad", "dY", "X0"},
    {"Pad", "Slice", "grad", "dY", "X0"},
    {"Expand", "-", "grad", "dY", "X0", kPass},
    {"Tile", "ReduceSum", "grad", "dY", "X0"},
    {"DepthToSpace", "SpaceToDepth", "grad", "dY", "X0"},
    {"SpaceToDepth", "DepthToSpace", "grad", "dY", "X0"},
    {"Trilu", "Trilu", "grad", "dY", "X0"},
    {"Gather", "GatherGrad", "grad", "dY X1", "X0", kLookUp},
    {"GatherElements", "GatherElementsGrad", "grad", "dY X1", "X0"},
    {"GatherND", "GatherNDGrad", "grad", "dY X1", "X0"},
    {"ScatterElements", "ScatterElementsGrad", "grad", "dY X1", "X0 X2"},
    {"ScatterND", "ScatterNDGrad", "grad", "dY X1", "X0 X2"},

    // Views.
    {"Reshape", "-", "grad", "dY", "X0", kView},
    {"Flatten", "-", "grad", "dY", "X0", kView},
    {"Squeeze", "-", "grad", "dY", "X0", kView},
    {"Unsqueeze", "-", "grad", "dY", "X0", kView},
    {"Identity", "-", "grad", "dY", "X0", kView},
});

constexpr auto kWithoutGradient = std::to_array<std::string_view>({
    "And",
    "ArgMax",
    "ArgMin",
    "Bernoulli",
    "BitShift",
    "Ceil",
    "Constant",
    "ConstantOfShape",
    "Equal",
    "EyeLike",
    "Floor",
    "Greater",
    "GreaterOrEqual",
    "Hardmax",
    "IsInf",
    "IsNaN",
    "Less",
    "LessOrEqual",
    "NonMaxSuppression",
    "NonZero",
    "Not",
    "OneHot",
    "Or",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
    "Range",
    "Round",
    "Shape",
    "Sign",
    "Size",
    "Xor",
});

using Index = std::map<std::string_view, std::span<const GradientRow>>;

Index MakeIndex() {
  Index index;
  for (const std::string_view type : kWithoutGradient) {
    index.emplace(type, std::span<const GradientRow>{});
  }
  for (auto it = kRows.begin(); it != kRows.end();) {
    const auto end = std::find_if(it, kRows.end(), [&it](const GradientRow& row) {
      return row.forward_type != it->forward_type;
    });
    index.emplace(it->forward_type, std::span<const GradientRow>(it, end));
    it = end;
  }
  return index;
}

GradientTerm ParseTerm(std::string_view word) {
  if (word == "dY") {
    return {};
  }
  GradientTerm term;
  term.of = word.front() == 'X' ? GradientTerm::Of::kInput : GradientTerm::Of::kOutput;
  const char which = word.back();
  term.index = which == '*' ? GradientTerm::kAll : which == 'i' ? GradientTerm::kEach : which - '0';
  return term;
}

}  // namespace

std::span<const GradientRow> GradientTable() { return kRows; }

std::span<const std::string_view> TypesWithoutGradient() { return kWithoutGradient; }

std::optional<std::span<const GradientRow>> GradientRowsOf(std::string_view type) {
  static const Index index = MakeIndex();
  const auto it = index.find(type);
  return it == index.end() ? std::nullopt : std::optional(it->second);
}

std::vector<GradientTerm> ParseGradientTerms(std::string_view text) {
  std::vector<GradientTerm> terms;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    terms.push_back(ParseTerm(text.substr(0, space)));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return terms;
}

}  // namespace placer
