#include "graphs/detail/zoo_builder.h"

#include <stdexcept>

#include "graphs/base/error.h"
#include "graphs/op_rules.h"

namespace placer {

OpId ZooBuilder::Add(const std::string& name, std::string_view type,
                     const std::vector<TensorId>& inputs, std::vector<TensorSpec> outputs,
                     std::int64_t kernel_elements, OpRole role) {
  OpShapes shapes{.outputs = outputs, .kernel_elements = kernel_elements};
  for (const TensorId input : inputs) {
    shapes.inputs.push_back(builder_.tensor(input));
  }
  OpCosts costs;
  try {
    costs = CostOf(type, shapes);
  } catch (const InputError& error) {
    throw error.In("op '" + name + "'");
  }
  if (!costs.known) {
    throw std::logic_error("op '" + name + "': type '" + std::string(type) + "' has no cost rule");
  }
  if (IsView(type)) {
    outputs.front().aliases_input = 0;
  }
  return builder_.AddOp({.name = name,
                         .type = std::string(type),
                         .op_class = costs.op_class,
                         .role = role,
                         .flops = costs.flops,
                         .traffic_bytes = costs.traffic_bytes},
                        inputs, std::move(outputs));
}

TensorId ZooBuilder::Input(const std::string& name, Shape shape, DataType dtype) {
  return builder_.Output(
      Add(name, "Input", {}, {{.dtype = dtype, .shape = std::move(shape)}}, 1, OpRole::kInput));
}

TensorId ZooBuilder::Parameter(const std::string& name, Shape shape) {
  return builder_.Output(
      Add(name, "Parameter", {}, {{.shape = std::move(shape)}}, 1, OpRole::kParameter));
}

TensorId ZooBuilder::Op(const std::string& name, std::string_view type,
                        const std::vector<TensorId>& inputs, Shape shape,
                        std::int64_t kernel_elements) {
  return builder_.Output(
      Add(name, type, inputs, {{.shape = std::move(shape)}}, kernel_elements, OpRole::kForward));
}

std::vector<TensorId> ZooBuilder::Split(const std::string& name, TensorId x, std::size_t parts) {
  Shape part = shape(x);
  part.back() /= static_cast<std::int64_t>(parts);
  const OpId op =
      Add(name, "Split", {x}, std::vector<TensorSpec>(parts, {.shape = part}), 1, OpRole::kForward);
  std::vector<TensorId> outputs;
  for (std::size_t i = 0; i < parts; ++i) {
    outputs.push_back(builder_.Output(op, i));
  }
  return outputs;
}

TensorId ZooBuilder::Concat(const std::string& name, const std::vector<TensorId>& parts,
                            std::size_t axis) {
  Shape whole = shape(parts.front());
  whole[axis] = 0;
  for (const TensorId part : parts) {
    whole[axis] += shape(part)[axis];
  }
  return Op(name, "Concat", parts, std::move(whole));
}

TensorId ZooBuilder::MatMul(const std::string& name, TensorId x, TensorId w) {
  Shape product = shape(x);
  product.back() = shape(w).back();
  return Op(name, "MatMul", {x, w}, std::move(product));
}

TensorId ZooBuilder::Linear(const std::string& name, TensorId x, std::int64_t outputs) {
  const TensorId weight = Parameter(name + "/weight", {shape(x).back(), outputs});
  const TensorId bias = Parameter(name + "/bias", {outputs});
  return Like(name + "/add", "Add", {MatMul(name + "/matmul", x, weight), bias});
}

ZooBuilder::Shape ZooBuilder::Window::Slide(const Shape& image, std::int64_t channels) const {
  const std::int64_t rows = image[2] + 2 * pad_height - height;
  const std::int64_t columns = image[3] + 2 * pad_width - width;
  if (rows < 0 || columns < 0) {
    throw InputError("image of " + std::to_string(image[2]) + " x " + std::to_string(image[3]) +
                     " is smaller than a window of " + std::to_string(height) + " x " +
                     std::to_string(width) + ", expected larger images");
  }
  return {image[0], channels, rows / stride + 1, columns / stride + 1};
}

TensorId ZooBuilder::ConvBn(const std::string& name, TensorId x, std::int64_t channels,
                            Window window, bool relu) {
  const TensorId weight =
      Parameter(name + "/weight", {channels, shape(x)[1], window.height, window.width});
  const TensorId conv = Op(name + "/conv", "Conv", {x, weight}, window.Slide(shape(x), channels));
  const TensorId scale = Parameter(name + "/bn/scale", {channels});
  const TensorId bias = Parameter(name + "/bn/bias", {channels});
  const TensorId mean = Parameter(name + "/bn/mean", {channels});
  const TensorId variance = Parameter(name + "/bn/variance", {channels});
  const TensorId bn = Like(name + "/bn", "BatchNormalization", {conv, scale, bias, mean, variance});
  return relu ? Like(name + "/relu", "Relu", {bn}) : bn;
}

TensorId ZooBuilder::Pool(const std::string& name, std::string_view type, TensorId x,
                          Window window) {
  return Op(name, type, {x}, window.Slide(shape(x), shape(x)[1]), window.height * window.width);
}

TensorId ZooBuilder::Classifier(const std::string& name, TensorId x, std::int64_t classes) {
  const std::int64_t batch = shape(x)[0];
  const std::int64_t channels = shape(x)[1];
  const TensorId pooled = Op(name + "/avgpool", "GlobalAveragePool", {x}, {batch, channels, 1, 1});
  const TensorId flat = Op(name + "/flatten", "Flatten", {pooled}, {batch, channels});
  const TensorId weight = Parameter(name + "/weight", {classes, channels});
  const TensorId bias = Parameter(name + "/bias", {classes});
  return Op(name + "/gemm", "Gemm", {flat, weight, bias}, {batch, classes});
}

}  // namespace placer
