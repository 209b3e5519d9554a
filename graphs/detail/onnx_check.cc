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

/// Conv: X [N, C, ...], W [M, C / group, k...]. libonnx takes any channels.
void CheckConv(const onnx::NodeProto& node, const std::vector<NodeInput>& inputs) {
  const auto data = ShapeOf(inputs, 0);
  const auto weights = ShapeOf(inputs, 1);
  if (!data || !weights || data->size() < 3) {
    return;
  }
  if (weights->size() != data->size()) {
    throw InputError("weights have rank " + std::to_string(weights->size()) +
                     ", expected the input's rank " + std::to_string(data->size()));
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
  if (!a || !b || a->size() != 2 || b->size() != 2) {
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
  if (HasWindow(node.op_type())) {
    CheckSizes(node, inputs);
  }
  if (node.op_type() == "Conv") {
    CheckConv(node, inputs);
  } else if (node.op_type() == "Gemm") {
    CheckGemm(node, inputs);
  }
}

}  // namespace placer::onnx_detail
