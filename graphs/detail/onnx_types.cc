#include "graphs/detail/onnx_types.h"

#include <bit>
#include <cstring>

#include "graphs/base/error.h"

namespace placer::onnx_detail {
namespace {

static_assert(std::endian::native == std::endian::little, "ONNX raw data is little-endian");

using onnx::TensorProto;

template <typename T, typename Out>
std::vector<Out> FromRaw(const std::string& raw) {
  std::vector<Out> values(raw.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value{};
    std::memcpy(&value, raw.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<Out>(value);
  }
  return values;
}

/// Bytes are small numbers here, not characters.
std::vector<std::int64_t> SignedBytes(const std::string& raw) {
  std::vector<std::int64_t> values;
  values.reserve(raw.size());
  for (const char byte : raw) {
    const int bits = static_cast<unsigned char>(byte);
    values.push_back(bits < 128 ? bits : bits - 256);
  }
  return values;
}

ConstantData ReadRaw(const TensorProto& tensor) {
  const std::string& raw = tensor.raw_data();
  switch (tensor.data_type()) {
    case TensorProto::FLOAT:
      return {.real = true, .reals = FromRaw<float, double>(raw)};
    case TensorProto::DOUBLE:
      return {.real = true, .reals = FromRaw<double, double>(raw)};
    case TensorProto::INT64:
      return {.ints = FromRaw<std::int64_t, std::int64_t>(raw)};
    case TensorProto::INT32:
      return {.ints = FromRaw<std::int32_t, std::int64_t>(raw)};
    case TensorProto::INT8:
      return {.ints = SignedBytes(raw)};
    default:
      return {.ints = FromRaw<std::uint8_t, std::int64_t>(raw)};
  }
}

ConstantData ReadFields(const TensorProto& tensor) {
  switch (tensor.data_type()) {
    case TensorProto::FLOAT:
      return {.real = true, .reals = {tensor.float_data().begin(), tensor.float_data().end()}};
    case TensorProto::DOUBLE:
      return {.real = true, .reals = {tensor.double_data().begin(), tensor.double_data().end()}};
    case TensorProto::INT64:
      return {.ints = {tensor.int64_data().begin(), tensor.int64_data().end()}};
    default:
      return {.ints = {tensor.int32_data().begin(), tensor.int32_data().end()}};
  }
}

}  // namespace

bool IsReal(std::int32_t elem_type) {
  return elem_type == TensorProto::FLOAT || elem_type == TensorProto::DOUBLE;
}

bool IsInteger(std::int32_t elem_type) {
  switch (elem_type) {
    case TensorProto::BOOL:
    case TensorProto::INT8:
    case TensorProto::UINT8:
    case TensorProto::INT32:
    case TensorProto::INT64:
      return true;
    default:
      return false;
  }
}

DataType FromOnnx(std::int32_t elem_type) {
  switch (elem_type) {
    case TensorProto::FLOAT:
      return DataType::kFloat32;
    case TensorProto::DOUBLE:
      return DataType::kFloat64;
    case TensorProto::FLOAT16:
      return DataType::kFloat16;
    case TensorProto::BFLOAT16:
      return DataType::kBFloat16;
    case TensorProto::INT8:
      return DataType::kInt8;
    case TensorProto::UINT8:
      return DataType::kUInt8;
    case TensorProto::INT16:
      return DataType::kInt16;
    case TensorProto::UINT16:
      return DataType::kUInt16;
    case TensorProto::INT32:
      return DataType::kInt32;
    case TensorProto::UINT32:
      return DataType::kUInt32;
    case TensorProto::INT64:
      return DataType::kInt64;
    case TensorProto::UINT64:
      return DataType::kUInt64;
    case TensorProto::BOOL:
      return DataType::kBool;
    case TensorProto::COMPLEX64:
      return DataType::kComplex64;
    case TensorProto::COMPLEX128:
      return DataType::kComplex128;
    case TensorProto::STRING:
      return DataType::kString;
    default:
      return DataType::kUnknown;
  }
}

onnx::TypeProto MakeType(std::int32_t elem_type, const std::vector<std::int64_t>& shape) {
  onnx::TypeProto type;
  type.mutable_tensor_type()->set_elem_type(elem_type);
  auto* dims = type.mutable_tensor_type()->mutable_shape();
  for (const std::int64_t dim : shape) {
    dims->add_dim()->set_dim_value(dim);
  }
  return type;
}

std::optional<std::vector<std::int64_t>> StaticShape(const onnx::TypeProto& type) {
  if (!type.has_tensor_type() || !type.tensor_type().has_shape()) {
    return std::nullopt;
  }
  std::vector<std::int64_t> shape;
  for (const auto& dim : type.tensor_type().shape().dim()) {
    if (!dim.has_dim_value()) {
      return std::nullopt;
    }
    shape.push_back(dim.dim_value());
  }
  return shape;
}

std::optional<int> Rank(const onnx::TypeProto& type) {
  if (!type.has_tensor_type() || !type.tensor_type().has_shape()) {
    return std::nullopt;
  }
  return type.tensor_type().shape().dim_size();
}

std::int32_t ElementType(const onnx::TypeProto& type) {
  return type.has_tensor_type() ? type.tensor_type().elem_type() : 0;
}

void CheckDims(const onnx::TypeProto& type) {
  if (!type.has_tensor_type()) {
    return;
  }
  std::vector<std::int64_t> known;
  for (const auto& dim : type.tensor_type().shape().dim()) {
    if (dim.has_dim_value()) {
      known.push_back(dim.dim_value());
    }
  }
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(NumElements(known), SizeOf(FromOnnx(ElementType(type))), &bytes)) {
    throw InputError("tensor size overflows 64 bits");
  }
}

bool Refine(onnx::TypeProto& type, const onnx::TypeProto& declared) {
  if (type.value_case() == onnx::TypeProto::VALUE_NOT_SET) {
    type = declared;
    return true;
  }
  if (!type.has_tensor_type() || !declared.has_tensor_type()) {
    return type.value_case() == declared.value_case() ||
           declared.value_case() == onnx::TypeProto::VALUE_NOT_SET;
  }
  auto* tensor = type.mutable_tensor_type();
  const auto& wanted = declared.tensor_type();
  if (tensor->elem_type() == 0) {
    tensor->set_elem_type(wanted.elem_type());
  }
  if (!wanted.has_shape()) {
    return true;
  }
  if (!tensor->has_shape()) {
    *tensor->mutable_shape() = wanted.shape();
    return true;
  }
  if (tensor->shape().dim_size() != wanted.shape().dim_size()) {
    return false;
  }
  bool agrees = true;
  for (int i = 0; i < wanted.shape().dim_size(); ++i) {
    auto* dim = tensor->mutable_shape()->mutable_dim(i);
    if (!dim->has_dim_value()) {
      *dim = wanted.shape().dim(i);
    } else if (wanted.shape().dim(i).has_dim_value()) {
      agrees = agrees && dim->dim_value() == wanted.shape().dim(i).dim_value();
    }
  }
  return agrees;
}

std::optional<ConstantData> ReadData(const TensorProto& tensor) {
  const std::int64_t elements =
      NumElements(std::span(tensor.dims().data(), static_cast<std::size_t>(tensor.dims_size())));
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    return std::nullopt;
  }
  const std::int64_t size = SizeOf(FromOnnx(tensor.data_type()));
  if (!tensor.raw_data().empty() && size > 0 &&
      static_cast<std::int64_t>(tensor.raw_data().size()) / size != elements) {
    throw InputError("has " + std::to_string(tensor.raw_data().size()) +
                     " bytes of data, expected " + std::to_string(elements) + " elements of " +
                     std::to_string(size) + " bytes");
  }
  if (elements > kMaxConstantElements ||
      !(IsReal(tensor.data_type()) || IsInteger(tensor.data_type()))) {
    return std::nullopt;
  }
  ConstantData data = !tensor.raw_data().empty() ? ReadRaw(tensor) : ReadFields(tensor);
  if (data.size() == 0 && elements > 0) {
    return std::nullopt;  // left out without saying so
  }
  if (static_cast<std::int64_t>(data.size()) != elements) {
    throw InputError("has " + std::to_string(data.size()) + " elements of data, expected " +
                     std::to_string(elements));
  }
  return data;
}

TensorProto MakeTensor(const ConstantData& data, std::int32_t elem_type,
                       const std::vector<std::int64_t>& shape) {
  TensorProto tensor;
  tensor.set_data_type(elem_type);
  for (const std::int64_t dim : shape) {
    tensor.add_dims(dim);
  }
  for (const std::int64_t value : data.ints) {
    if (elem_type == TensorProto::INT64) {
      tensor.add_int64_data(value);
    } else {
      tensor.add_int32_data(static_cast<std::int32_t>(value));
    }
  }
  for (const double value : data.reals) {
    if (elem_type == TensorProto::DOUBLE) {
      tensor.add_double_data(value);
    } else {
      tensor.add_float_data(static_cast<float>(value));
    }
  }
  return tensor;
}

std::string ShapeText(const onnx::TypeProto& type) {
  if (!Rank(type)) {
    return "unknown";
  }
  std::string text;
  for (const auto& dim : type.tensor_type().shape().dim()) {
    text +=
        (text.empty() ? "" : "x") + (dim.has_dim_value() ? std::to_string(dim.dim_value()) : "?");
  }
  return text.empty() ? "scalar" : text;
}

}  // namespace placer::onnx_detail
