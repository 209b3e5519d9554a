#include <algorithm>
#include <cmath>

#include "graphs/base/error.h"
#include "graphs/detail/op_rule.h"

namespace placer::flops {
namespace {

__extension__ using Wide = unsigned __int128;

/// a / b for counts where b divides a in well-formed shapes; 0 for b = 0.
std::int64_t Divide(std::int64_t a, std::int64_t b) { return b == 0 ? 0 : a / b; }

std::int64_t Dim(std::span<const TensorSpec> tensors, std::size_t tensor, std::size_t dim) {
  return tensor < tensors.size() && dim < tensors[tensor].shape.size() ? tensors[tensor].shape[dim]
                                                                       : 0;
}

/// Elements of the last two dims.
std::int64_t MatrixElements(const TensorSpec& tensor) {
  const std::span<const std::int64_t> shape = tensor.shape;
  return NumElements(shape.last(std::min<std::size_t>(2, shape.size())));
}

std::int64_t SquareRoot(Wide value) {
  auto root = static_cast<Wide>(std::sqrt(static_cast<long double>(value)));
  while (root * root > value) {
    --root;
  }
  while ((root + 1) * (root + 1) <= value) {
    ++root;
  }
  return static_cast<std::int64_t>(root);
}

}  // namespace

std::int64_t Multiply(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) {
    throw InputError("found a count beyond 64 bits, expected smaller tensors");
  }
  return result;
}

std::int64_t Add(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) {
    throw InputError("found a count beyond 64 bits, expected smaller tensors");
  }
  return result;
}

std::int64_t InputElements(const OpShapes& shapes, std::size_t index) {
  return index < shapes.inputs.size() ? NumElements(shapes.inputs[index].shape) : 0;
}

std::int64_t OutputElements(const OpShapes& shapes, std::size_t index) {
  return index < shapes.outputs.size() ? NumElements(shapes.outputs[index].shape) : 0;
}

std::int64_t PerOutput(const OpShapes& shapes, std::int64_t weight) {
  return Multiply(weight, OutputElements(shapes, 0));
}

std::int64_t PerInput(const OpShapes& shapes, std::int64_t weight) {
  return Multiply(weight, InputElements(shapes, 0));
}

std::int64_t PerOutputAndInput(const OpShapes& shapes, std::int64_t weight) {
  const auto others = std::max<std::size_t>(1, shapes.inputs.size()) - 1;
  return Multiply(PerOutput(shapes, weight), static_cast<std::int64_t>(others));
}

std::int64_t PerWindow(const OpShapes& shapes, std::int64_t weight) {
  return Multiply(PerOutput(shapes, weight), shapes.kernel_elements);
}

std::int64_t PerInputWindow(const OpShapes& shapes, std::int64_t weight) {
  return Multiply(PerInput(shapes, weight), shapes.kernel_elements);
}

std::int64_t Conv(const OpShapes& shapes, std::int64_t weight) {
  const std::int64_t outputs = OutputElements(shapes, 0);
  const std::int64_t products = Divide(InputElements(shapes, 1), Dim(shapes.inputs, 1, 0));
  const std::int64_t bias = shapes.inputs.size() > 2 ? outputs : 0;
  return Add(Multiply(weight, Multiply(outputs, products)), bias);
}

std::int64_t ConvTranspose(const OpShapes& shapes, std::int64_t weight) {
  const std::int64_t products = Divide(InputElements(shapes, 1), Dim(shapes.inputs, 1, 0));
  const std::int64_t bias = shapes.inputs.size() > 2 ? OutputElements(shapes, 0) : 0;
  return Add(Multiply(weight, Multiply(InputElements(shapes, 0), products)), bias);
}

std::int64_t MatMul(const OpShapes& shapes, std::int64_t weight) {
  if (shapes.inputs.empty() || shapes.inputs[0].shape.empty()) {
    return 0;
  }
  return Multiply(weight, Multiply(OutputElements(shapes, 0), shapes.inputs[0].shape.back()));
}

std::int64_t Gemm(const OpShapes& shapes, std::int64_t weight) {
  const std::int64_t outputs = OutputElements(shapes, 0);
  const std::int64_t depth = Divide(InputElements(shapes, 0), Dim(shapes.outputs, 0, 0));
  const std::int64_t bias = shapes.inputs.size() > 2 ? outputs : 0;
  return Add(Multiply(weight, Multiply(outputs, depth)), bias);
}

std::int64_t Contraction(const OpShapes& shapes, std::int64_t weight) {
  if (shapes.inputs.size() < 2 || shapes.outputs.empty()) {
    return 0;
  }
  const std::int64_t a = MatrixElements(shapes.inputs[0]);
  const std::int64_t b = MatrixElements(shapes.inputs[1]);
  const std::int64_t out = MatrixElements(shapes.outputs[0]);
  if (a == 0 || b == 0 || out == 0) {
    return 0;
  }
  // With matrices M x K, K x N -> M x N in any order of dims: (MK)(KN) / (MN) = K^2.
  const std::int64_t depth =
      SquareRoot(static_cast<Wide>(a) * static_cast<Wide>(b) / static_cast<Wide>(out));
  const std::int64_t batch = std::max({InputElements(shapes, 0) / a, InputElements(shapes, 1) / b,
                                       OutputElements(shapes, 0) / out});
  return Multiply(Multiply(weight, batch), Multiply(out, depth));
}

}  // namespace placer::flops
