#include "graphs/detail/onnx_cost.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>

#include "graphs/detail/onnx_infer.h"
#include "graphs/detail/op_rule.h"

namespace placer::onnx_detail {
namespace {

using Shapes = std::vector<std::vector<std::int64_t>>;

/// "bij,bjk->bik" sums over j. Letters behind an ellipsis count from the last dim.
std::int64_t SummedElements(const std::string& equation, const Shapes& shapes) {
  const std::size_t arrow = equation.find("->");
  const std::string output = arrow == std::string::npos ? "" : equation.substr(arrow + 2);
  const std::string terms = equation.substr(0, arrow) + ",";
  std::map<char, std::int64_t> sizes;
  std::map<char, int> uses;
  std::size_t operand = 0;
  for (std::size_t begin = 0; begin < terms.size() && operand < shapes.size(); ++operand) {
    const std::size_t end = terms.find(',', begin);
    std::string term = terms.substr(begin, end - begin);
    std::erase(term, ' ');
    const auto& shape = shapes[operand];
    for (std::size_t i = 0; i < term.size(); ++i) {
      const bool behind = term.rfind('.', i) != std::string::npos;
      const std::size_t dim = behind ? shape.size() - (term.size() - i) : i;
      if (term[i] != '.' && dim < shape.size()) {
        sizes[term[i]] = shape[dim];
        ++uses[term[i]];
      }
    }
    begin = end + 1;
  }
  std::int64_t elements = 1;
  for (const auto& [letter, size] : sizes) {
    // Without "->" the letters that occur once are the output.
    const bool kept =
        arrow == std::string::npos ? uses[letter] == 1 : output.find(letter) != std::string::npos;
    elements = kept ? elements : flops::Multiply(elements, size);
  }
  return elements;
}

struct Settings {
  std::string_view type;
  std::size_t first;
  std::size_t last;
};

constexpr std::size_t kAll = 99;
constexpr std::array kSettings{Settings{"Reshape", 1, 1},
                               Settings{"Expand", 1, 1},
                               Settings{"Tile", 1, 2},
                               Settings{"Slice", 1, 4},
                               Settings{"Pad", 1, 3},
                               Settings{"Clip", 1, 2},
                               Settings{"Resize", 1, 3},
                               Settings{"Upsample", 1, 1},
                               Settings{"Squeeze", 1, 1},
                               Settings{"Unsqueeze", 1, 1},
                               Settings{"Split", 1, 1},
                               Settings{"TopK", 1, 1},
                               Settings{"OneHot", 1, 2},
                               Settings{"Range", 0, kAll},
                               Settings{"ConstantOfShape", 0, 0},
                               Settings{"CumSum", 1, 1},
                               Settings{"Pow", 1, 1},
                               Settings{"Dropout", 1, 2},
                               Settings{"Trilu", 1, 1},
                               Settings{"MaxUnpool", 2, 2},
                               Settings{"NonMaxSuppression", 2, 4},
                               Settings{"DFT", 1, 1},
                               Settings{"CenterCropPad", 1, 1}};

}  // namespace

std::int64_t KernelElements(const onnx::NodeProto& node, const Shapes& input_shapes) {
  if (const auto* kernel = FindAttribute(node, "kernel_shape")) {
    std::int64_t elements = 1;
    for (const std::int64_t extent : kernel->ints()) {
      elements = flops::Multiply(elements, extent);
    }
    return elements;
  }
  if (node.op_type() == "LRN") {
    return IntAttribute(node, "size", 1);
  }
  if (const auto* equation = FindAttribute(node, "equation");
      equation != nullptr && node.op_type() == "Einsum") {
    return SummedElements(equation->s(), input_shapes);
  }
  return 1;
}

bool IsSetting(const onnx::NodeProto& node, std::size_t input) {
  if (node.op_type().starts_with("Reduce")) {
    return input == 1;
  }
  return std::any_of(kSettings.begin(), kSettings.end(), [&](const Settings& s) {
    return s.type == node.op_type() && input >= s.first && input <= s.last;
  });
}

}  // namespace placer::onnx_detail
