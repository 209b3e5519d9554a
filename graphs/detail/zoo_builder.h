#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graphs/graph.h"

namespace placer {

/// Builds forward graphs of ONNX op types layer by layer: every call adds an op with its costs and
/// returns what it makes. Shapes are checked only as far as the layers here need it.
class ZooBuilder {
 public:
  using Shape = std::vector<std::int64_t>;

  explicit ZooBuilder(std::string graph_name) : builder_(std::move(graph_name)) {}

  [[nodiscard]] const Shape& shape(TensorId tensor) const { return builder_.tensor(tensor).shape; }

  TensorId Input(const std::string& name, Shape shape, DataType dtype = DataType::kFloat32);
  TensorId Parameter(const std::string& name, Shape shape);
  /// An op with one float output. Views alias their first input.
  /// @param kernel_elements  of a pooling op
  TensorId Op(const std::string& name, std::string_view type, const std::vector<TensorId>& inputs,
              Shape shape, std::int64_t kernel_elements = 1);
  /// An op whose output has the shape of its first input.
  TensorId Like(const std::string& name, std::string_view type,
                const std::vector<TensorId>& inputs) {
    return Op(name, type, inputs, shape(inputs.front()));
  }
  /// Equal parts along the last dimension.
  std::vector<TensorId> Split(const std::string& name, TensorId x, std::size_t parts);
  /// Along `axis`, the other dimensions agree.
  TensorId Concat(const std::string& name, const std::vector<TensorId>& parts, std::size_t axis);
  /// x [..., k] times w [k, n].
  TensorId MatMul(const std::string& name, TensorId x, TensorId w);
  /// As above, with new parameters `name/weight` [k, n] and `name/bias` [n].
  TensorId Linear(const std::string& name, TensorId x, std::int64_t outputs);

  /// A window over an image: kernel and padding in height and width, one stride.
  struct Window {
    std::int64_t height = 1, width = 1, stride = 1, pad_height = 0, pad_width = 0;
    static Window Square(std::int64_t kernel, std::int64_t stride = 1, std::int64_t pad = 0) {
      return {kernel, kernel, stride, pad, pad};
    }
    [[nodiscard]] Shape Slide(const Shape& image, std::int64_t channels) const;
  };
  /// Convolution without bias, batch normalisation and, if asked, a rectifier:
  /// `name/{conv,bn,relu}`.
  TensorId ConvBn(const std::string& name, TensorId x, std::int64_t channels, Window window,
                  bool relu = true);
  TensorId Pool(const std::string& name, std::string_view type, TensorId x, Window window);
  /// Global average pooling, flattening and a fully connected layer (`name` is the scope).
  TensorId Classifier(const std::string& name, TensorId x, std::int64_t classes);

  void MarkOutput(TensorId tensor) { builder_.MarkGraphOutput(tensor); }
  [[nodiscard]] Graph Build() && { return std::move(builder_).Build(); }

 private:
  OpId Add(const std::string& name, std::string_view type, const std::vector<TensorId>& inputs,
           std::vector<TensorSpec> outputs, std::int64_t kernel_elements, OpRole role);

  GraphBuilder builder_;
};

}  // namespace placer
