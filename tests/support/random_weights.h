#pragma once

#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "graphs/base/rng.h"

namespace placer::testing_support {

/// Gives every float weight whose data is elsewhere seeded random data, spread so that values keep
/// their size from layer to layer.
inline void FillWeights(onnx::ModelProto& model, Seed seed) {
  Rng rng(seed);
  for (auto& tensor : *model.mutable_graph()->mutable_initializer()) {
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL ||
        tensor.data_type() != onnx::TensorProto::FLOAT) {
      continue;
    }
    std::size_t size = 1;
    double fan_in = 1;
    for (int d = 0; d < tensor.dims_size(); ++d) {
      size *= static_cast<std::size_t>(tensor.dims(d));
      fan_in *= d > 0 ? static_cast<double>(tensor.dims(d)) : 1;
    }
    const double spread = tensor.dims_size() > 1 ? std::sqrt(6 / fan_in) : 0.1;
    std::string raw(size * sizeof(float), '\0');
    for (std::size_t i = 0; i < size; ++i) {
      const auto value = static_cast<float>(spread * (2 * rng.Uniform() - 1));
      std::memcpy(raw.data() + i * sizeof(float), &value, sizeof(float));
    }
    tensor.clear_external_data();
    tensor.clear_data_location();
    tensor.set_raw_data(std::move(raw));
  }
}

inline onnx::ModelProto ReadOnnx(const std::filesystem::path& path) {
  onnx::ModelProto model;
  std::ifstream file(path, std::ios::binary);
  model.ParseFromIstream(&file);
  return model;
}

}  // namespace placer::testing_support
