#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "graphs/base/error.h"
#include "graphs/base/text.h"
#include "graphs/detail/onnx_infer.h"
#include "graphs/detail/onnx_types.h"

namespace placer::onnx_detail {
namespace {

constexpr std::int64_t kMaxExtent = std::numeric_limits<std::int32_t>::max();
/// No framework makes tensors of this rank.
constexpr std::int64_t kMaxRank = 64;

struct Limits {
  std::string_view attribute;
  std::int64_t least;
  std::int64_t most;
};

constexpr std::array kLimits{
    Limits{"kernel_shape", 1, kMaxExtent}, Limits{"strides", 1, kMaxExtent},
    Limits{"dilations", 1, kMaxExtent},    Limits{"output_padding", 0, kMaxExtent},
    Limits{"output_shape", 1, kMaxExtent}, Limits{"group", 1, kMaxExtent},
    Limits{"blocksize", 1, kMaxExtent},    Limits{"size", 1, kMaxExtent},
    Limits{"hidden_size", 1, kMaxExtent},  Limits{"split", 0, kMaxExtent},
    Limits{"axis", -kMaxRank, kMaxRank},   Limits{"axes", -kMaxRank, kMaxRank},
    Limits{"perm", 0, kMaxRank},           Limits{"pooled_shape", 1, kMaxExtent},
    Limits{"repeats", 0, kMaxExtent},      Limits{"batch_dims", 0, kMaxRank},
    Limits{"num_outputs", 1, kMaxExtent},  Limits{"output_height", 0, kMaxExtent},
    Limits{"output_width", 0, kMaxExtent}, Limits{"ceil_mode", 0, 1}};

bool HasWindow(std::string_view type) {
  return type == "Conv" || type == "ConvTranspose" || type == "ConvInteger" ||
         type == "QLinearConv" || type == "MaxPool" || type == "AveragePool" || type == "LpPool" ||
         type == "MaxUnpool";
}

void CheckValue(const Limits& limits, std::int64_t value) {
  if (value < limits.least || value > limits.most) {
    throw InputError("attribute '" + std::string(limits.attribute) + "' has " +
                     std::to_string(value) + ", expected " + std::to_string(limits.least) + " to " +
                     std::to_string(limits.most));
  }
}

void CheckSizes(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  if (inputs.empty() || inputs[0].type == nullptr || !Rank(*inputs[0].type)) {
    return;
  }
  const int spatial = *Rank(*inputs[0].type) - 2;
  if (spatial < 1) {
    throw InputError("input has rank " + std::to_string(spatial + 2) + ", expected at least 3");
  }
  for (const std::string_view name :
       {"kernel_shape", "strides", "dilations", "output_padding", "pads", "output_shape"}) {
    const onnx::AttributeProto* attribute = FindAttribute(node, name);
    const int expected = name == "pads" ? 2 * spatial : spatial;
    // ConvTranspose's output_shape may include batch and channels.
    if (attribute != nullptr && attribute->ints_size() != expected &&
        !(name == "output_shape" && attribute->ints_size() == spatial + 2)) {
      throw InputError("attribute '" + std::string(name) + "' has " +
                       std::to_string(attribute->ints_size()) + " values, expected " +
                       std::to_string(expected));
    }
  }
}

std::optional<std::vector<std::int64_t>> ShapeOf(const std::vector<NodeInput>& inputs,
                                                 std::size_t index) {
  return index < inputs.size() && inputs[index].type != nullptr ? StaticShape(*inputs[index].type)
                                                                : std::nullopt;
}

struct ListInput {
  std::string_view type;
  std::size_t first;
  std::size_t last;
  std::int64_t per_dim;  ///< values for each dim
};

/// Inputs that list dims. Where the list is not known libonnx makes an output of as many unknown
/// dims as it has values, however many.
constexpr std::array kListInputs{
    ListInput{"Reshape", 1, 1, 1},         ListInput{"Expand", 1, 1, 1},
    ListInput{"ConstantOfShape", 0, 0, 1}, ListInput{"Tile", 1, 1, 1},
    ListInput{"Upsample", 1, 1, 1},        ListInput{"Resize", 1, 1, 2},
    ListInput{"Resize", 2, 3, 1},          ListInput{"Pad", 1, 1, 2},
    ListInput{"Slice", 1, 4, 1},           ListInput{"Squeeze", 1, 1, 1},
    ListInput{"Unsqueeze", 1, 1, 1}};

void CheckListLengths(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  for (const ListInput& list : kListInputs) {
    for (std::size_t i = list.first; list.type == node.op_type() && i <= list.last; ++i) {
      const auto shape = ShapeOf(inputs, i);
      const std::int64_t most = kMaxRank * list.per_dim;
      if (shape && NumElements(*shape) > most) {
        throw InputError("input " + Quoted(node.input(static_cast<int>(i))) + " lists " +
                         std::to_string(NumElements(*shape)) + " values, expected at most " +
                         std::to_string(most));
      }
    }
  }
}

struct InputRank {
  std::string_view type;
  std::size_t input;
  int least;
  int most;
};

/// Inputs whose dims libonnx reads without looking whether they are there.
constexpr std::array kInputRanks{InputRank{"RNN", 0, 3, 3},
                                 InputRank{"GRU", 0, 3, 3},
                                 InputRank{"LSTM", 0, 3, 3},
                                 InputRank{"Gemm", 0, 2, 2},
                                 InputRank{"Gemm", 1, 2, 2},
                                 InputRank{"STFT", 0, 2, 3},
                                 InputRank{"LayerNormalization", 0, 1, kMaxRank}};

void CheckRanks(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  for (const InputRank& known : kInputRanks) {
    if (known.type != node.op_type() || known.input >= inputs.size() ||
        inputs[known.input].type == nullptr) {
      continue;
    }
    const auto rank = Rank(*inputs[known.input].type);
    if (rank && (*rank < known.least || *rank > known.most)) {
      throw InputError("input " + Quoted(node.input(static_cast<int>(known.input))) + " has rank " +
                       std::to_string(*rank) + ", expected " +
                       (known.most == kMaxRank ? "at least " : "") + std::to_string(known.least) +
                       (known.most != kMaxRank && known.most != known.least
                            ? " or " + std::to_string(known.most)
                            : ""));
    }
  }
}

/// The input that has a window's weights, or for MaxUnpool the places: of the first input's rank.
std::optional<std::size_t> WeightsInput(std::string_view type) {
  if (type == "QLinearConv") {
    return 3;
  }
  if (type == "Conv" || type == "ConvTranspose" || type == "ConvInteger" || type == "MaxUnpool") {
    return 1;
  }
  return std::nullopt;
}

void CheckWeightsRank(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  const auto weights = WeightsInput(node.op_type());
  if (!weights || *weights >= inputs.size() || inputs[0].type == nullptr ||
      inputs[*weights].type == nullptr) {
    return;
  }
  const auto expected = Rank(*inputs[0].type);
  const auto found = Rank(*inputs[*weights].type);
  if (expected && found && *expected != *found) {
    throw InputError((node.op_type() == "MaxUnpool" ? "indices have rank " : "weights have rank ") +
                     std::to_string(*found) + ", expected the input's rank " +
                     std::to_string(*expected));
  }
}

/// libonnx goes from `axis` on, wherever that is.
void CheckNormalizedAxis(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  const auto rank =
      !inputs.empty() && inputs[0].type != nullptr ? Rank(*inputs[0].type) : std::nullopt;
  if (rank) {
    CheckValue({"axis", -*rank, *rank - 1}, IntAttribute(node, "axis", -1));
  }
}

/// libonnx divides by a `split` that is one number.
void CheckSplit(const std::vector<NodeInput>& inputs) {
  if (inputs.size() < 2 || inputs[1].data == nullptr) {
    return;
  }
  const std::optional<ConstantData> split = ReadData(*inputs[1].data);
  for (const std::int64_t size : split ? split->ints : std::vector<std::int64_t>{}) {
    CheckValue({"split", 1, kMaxExtent}, size);
  }
}

/// Conv: X [N, C, ...], W [M, C / group, k...]. libonnx takes any channels.
void CheckConv(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  const auto data = ShapeOf(inputs, 0);
  const auto weights = ShapeOf(inputs, 1);
  if (!data || !weights || data->size() < 3) {
    return;
  }
  const std::int64_t group = IntAttribute(node, "group", 1);
  const std::int64_t channels = (*data)[1];
  if (channels % group != 0 || channels / group != (*weights)[1] || (*weights)[0] % group != 0) {
    throw InputError("input has " + std::to_string(channels) + " channels and weights are " +
                     ShapeText(*inputs[1].type) + " in " + std::to_string(group) +
                     " groups, expected the weights' second dimension times groups to be the "
                     "channels");
  }
}

/// Gemm: A [M, K] or [K, M], B [K, N] or [N, K]. libonnx takes any K.
void CheckGemm(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  const auto a = ShapeOf(inputs, 0);
  const auto b = ShapeOf(inputs, 1);
  if (!a || !b) {
    return;
  }
  const std::int64_t depth_a = (*a)[IntAttribute(node, "transA", 0) != 0 ? 0 : 1];
  const std::int64_t depth_b = (*b)[IntAttribute(node, "transB", 0) != 0 ? 1 : 0];
  if (depth_a != depth_b) {
    throw InputError("multiplies matrices of inner dimensions " + std::to_string(depth_a) +
                     " and " + std::to_string(depth_b) + ", expected equal ones");
  }
}

void CheckDuplicates(const onnx::NodeProto& node) {
  for (int i = 0; i < node.attribute_size(); ++i) {
    if (FindAttribute(node, node.attribute(i).name()) != &node.attribute(i)) {
      throw InputError("attribute '" + node.attribute(i).name() +
                       "' is given twice, expected once");
    }
  }
}

}  // namespace

const onnx::AttributeProto* FindAttribute(const onnx::NodeProto& node, std::string_view name) {
  const auto& attributes = node.attribute();
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [name](const auto& a) { return a.name() == name; });
  return found == attributes.end() ? nullptr : &*found;
}

std::int64_t IntAttribute(const onnx::NodeProto& node, std::string_view name,
                          std::int64_t otherwise) {
  const onnx::AttributeProto* attribute = FindAttribute(node, name);
  return attribute != nullptr && attribute->has_i() ? attribute->i() : otherwise;
}

void CheckAttributes(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  CheckDuplicates(node);
  for (const auto& attribute : node.attribute()) {
    const auto limits = std::find_if(kLimits.begin(), kLimits.end(), [&](const Limits& l) {
      return l.attribute == attribute.name();
    });
    if (limits != kLimits.end()) {
      if (attribute.has_i()) {
        CheckValue(*limits, attribute.i());
      }
      for (const std::int64_t value : attribute.ints()) {
        CheckValue(*limits, value);
      }
    }
    if (HasWindow(node.op_type()) && attribute.name() == "pads") {
      for (const std::int64_t value : attribute.ints()) {
        CheckValue({"pads", 0, kMaxExtent}, value);
      }
    }
    if (attribute.name() == "scales") {
      for (const float scale : attribute.floats()) {
        if (!std::isfinite(scale) || scale <= 0) {
          throw InputError("attribute 'scales' has " + std::to_string(scale) +
                           ", expected finite values > 0");
        }
      }
    }
  }
  CheckListLengths(node, inputs);
  CheckRanks(node, inputs);
  if (HasWindow(node.op_type())) {
    CheckSizes(node, inputs);
    CheckWeightsRank(node, inputs);
  }
  if (node.op_type() == "Conv") {
    CheckConv(node, inputs);
  } else if (node.op_type() == "Gemm") {
    CheckGemm(node, inputs);
  } else if (node.op_type() == "SplitToSequence") {
    CheckSplit(inputs);
  } else if (node.op_type() == "LayerNormalization") {
    CheckNormalizedAxis(node, inputs);
  }
}

}  // namespace placer::onnx_detail
