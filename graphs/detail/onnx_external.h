#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <string>

namespace placer::onnx_detail {

/// Copies weights that a model keeps in files of their own into the file of one part.
class ExternalData {
 public:
  /// @param model  the model's file; its weights are named relative to its folder
  /// @param file   what the part's weights are written to, if there are any
  ExternalData(const std::filesystem::path& model, std::filesystem::path file);

  /// Points the tensor to its copy; a tensor whose data is not there is left as it is.
  /// @throws InputError for names that lead out of the model's folder, or a file that is too short
  void Copy(onnx::TensorProto& tensor);
  /// Tensors without data.
  [[nodiscard]] int num_missing() const noexcept { return num_missing_; }
  /// Writes what was copied.
  void Write() const;

 private:
  std::filesystem::path folder_, file_;
  std::string bytes_;
  int num_missing_ = 0;
};

}  // namespace placer::onnx_detail
