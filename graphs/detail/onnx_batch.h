#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace placer::onnx_detail {

/// Makes the dims of a model's inputs static: puts in another batch, and a number for every symbol.
class DimResolver {
 public:
  /// @param inputs  the model's inputs that are no initializers
  /// @throws InputError for a batch below one, or none of the inputs having a batch dimension
  DimResolver(const std::vector<const onnx::ValueInfoProto*>& inputs,
              std::optional<std::int64_t> batch);

  /// The type of an input with every dim known. Fills warnings().
  [[nodiscard]] onnx::TypeProto ResolveInput(const onnx::ValueInfoProto& input);
  /// What the model says about another value, with the batch and the symbols put in; dims with
  /// other symbols stay unknown.
  [[nodiscard]] onnx::TypeProto ResolveDeclared(const onnx::TypeProto& declared) const;

  /// True if the batch differs from the one in the file.
  [[nodiscard]] bool overrides() const noexcept { return batch_ && old_batch_ != batch_; }
  [[nodiscard]] std::optional<std::int64_t> batch() const noexcept { return batch_; }
  /// The batch in the file, unless it is a symbol.
  [[nodiscard]] std::optional<std::int64_t> old_batch() const noexcept { return old_batch_; }
  [[nodiscard]] std::vector<std::string> warnings() const;

 private:
  [[nodiscard]] bool IsBatch(const onnx::TensorShapeProto::Dimension& dim) const;

  std::optional<std::int64_t> batch_;
  std::optional<std::int64_t> old_batch_;
  std::string batch_symbol_;
  std::map<std::string, std::int64_t> symbols_;
  std::vector<std::string> guessed_;  // symbols taken as 1
  std::vector<std::string> kept_;     // inputs whose first dim is not the batch
};

/// A constant target of Reshape that has the old batch in it does not fit the new one.
/// @return the target with the new batch in front, if that is what it takes
[[nodiscard]] std::optional<std::vector<std::int64_t>> RebatchTarget(
    const std::vector<std::int64_t>& target, const std::vector<std::int64_t>& input_shape,
    const DimResolver& dims);

}  // namespace placer::onnx_detail
