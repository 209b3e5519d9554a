#include "graphs/detail/graphdef_types.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "graphs/base/error.h"

namespace placer::graphdef {
namespace {

constexpr int kReference = 100;

template <typename T>
Dims FromContent(const std::string& content, std::int64_t count) {
  Dims numbers;
  for (std::int64_t i = 0; i < count; ++i) {
    T value = 0;
    std::memcpy(&value, content.data() + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
    numbers.push_back(value);
  }
  return numbers;
}

/// The last value fills up the shape.
template <typename Repeated>
std::optional<Dims> FromList(const Repeated& list, std::int64_t count) {
  if (list.empty() || list.size() > count) {
    return std::nullopt;
  }
  Dims numbers(list.begin(), list.end());
  numbers.resize(static_cast<std::size_t>(count), numbers.back());
  return numbers;
}

std::optional<Dims> NumbersOf(const tf::TensorProto& tensor, std::int64_t count) {
  const bool wide = tensor.dtype() == tf::DT_INT64;
  if ((!wide && tensor.dtype() != tf::DT_INT32) || count < 0 || count > kMaxNumbers) {
    return std::nullopt;
  }
  if (count == 0) {
    return Dims{};
  }
  const std::size_t size = wide ? sizeof(std::int64_t) : sizeof(std::int32_t);
  if (tensor.tensor_content().size() == static_cast<std::size_t>(count) * size) {
    return wide ? FromContent<std::int64_t>(tensor.tensor_content(), count)
                : FromContent<std::int32_t>(tensor.tensor_content(), count);
  }
  return wide ? FromList(tensor.int64_val(), count) : FromList(tensor.int_val(), count);
}

}  // namespace

bool Value::known() const {
  return shape && std::find(shape->begin(), shape->end(), kOpen) == shape->end();
}

InputRef ParseInput(const std::string& input) {
  InputRef ref;
  ref.control = input.starts_with('^');
  const std::size_t begin = ref.control ? 1 : 0;
  const std::size_t colon = ref.control ? std::string::npos : input.rfind(':');
  ref.node = input.substr(begin, colon == std::string::npos ? colon : colon - begin);
  if (colon != std::string::npos) {
    const char* const end = input.data() + input.size();
    const auto [stop, error] = std::from_chars(input.data() + colon + 1, end, ref.output);
    if (error != std::errc() || stop != end || ref.output >= kMaxOutputs) {
      throw InputError("input '" + input + "' has output '" + input.substr(colon + 1) +
                       "', expected a number below " + std::to_string(kMaxOutputs));
    }
  }
  if (ref.node.empty()) {
    throw InputError("input '" + input + "' names no node, expected 'node', 'node:1' or '^node'");
  }
  return ref;
}

DataType FromTensorFlow(tf::DataType dtype) {
  const int number = dtype > kReference ? dtype - kReference : dtype;
  switch (static_cast<tf::DataType>(number)) {
    case tf::DT_FLOAT:
      return DataType::kFloat32;
    case tf::DT_DOUBLE:
      return DataType::kFloat64;
    case tf::DT_HALF:
      return DataType::kFloat16;
    case tf::DT_BFLOAT16:
      return DataType::kBFloat16;
    case tf::DT_INT8:
    case tf::DT_QINT8:
    case tf::DT_FLOAT8_E5M2:
    case tf::DT_FLOAT8_E4M3FN:
      return DataType::kInt8;
    case tf::DT_UINT8:
    case tf::DT_QUINT8:
      return DataType::kUInt8;
    case tf::DT_INT16:
    case tf::DT_QINT16:
      return DataType::kInt16;
    case tf::DT_UINT16:
    case tf::DT_QUINT16:
      return DataType::kUInt16;
    case tf::DT_INT32:
    case tf::DT_QINT32:
      return DataType::kInt32;
    case tf::DT_UINT32:
      return DataType::kUInt32;
    case tf::DT_INT64:
      return DataType::kInt64;
    case tf::DT_UINT64:
      return DataType::kUInt64;
    case tf::DT_BOOL:
      return DataType::kBool;
    case tf::DT_COMPLEX64:
      return DataType::kComplex64;
    case tf::DT_COMPLEX128:
      return DataType::kComplex128;
    case tf::DT_STRING:
      return DataType::kString;
    default:
      return DataType::kUnknown;
  }
}

std::optional<Dims> ShapeFrom(const tf::TensorShapeProto& shape) {
  if (shape.unknown_rank()) {
    return std::nullopt;
  }
  if (static_cast<std::size_t>(shape.dim_size()) > kMaxRank) {
    throw InputError("has a shape of " + std::to_string(shape.dim_size()) +
                     " dims, expected at most " + std::to_string(kMaxRank));
  }
  Dims dims;
  for (const auto& dim : shape.dim()) {
    if (dim.size() < kOpen) {
      throw InputError("has dim " + std::to_string(dim.size()) + ", expected -1 or more");
    }
    dims.push_back(dim.size());
  }
  (void)Elements(dims);
  return dims;
}

Value ConstantFrom(const tf::TensorProto& tensor) {
  Value value{.dtype = tensor.dtype(), .shape = ShapeFrom(tensor.tensor_shape()), .numbers = {}};
  if (value.known()) {
    value.numbers = NumbersOf(tensor, Elements(*value.shape));
  }
  return value;
}

const tf::AttrValue* FindAttr(const tf::NodeDef& node, const std::string& name) {
  const auto found = node.attr().find(name);
  return found == node.attr().end() ? nullptr : &found->second;
}

std::int64_t IntAttr(const tf::NodeDef& node, const std::string& name, std::int64_t otherwise) {
  const tf::AttrValue* attr = FindAttr(node, name);
  return attr != nullptr && attr->value_case() == tf::AttrValue::kI ? attr->i() : otherwise;
}

bool BoolAttr(const tf::NodeDef& node, const std::string& name) {
  const tf::AttrValue* attr = FindAttr(node, name);
  return attr != nullptr && attr->b();
}

std::string_view TextAttr(const tf::NodeDef& node, const std::string& name) {
  const tf::AttrValue* attr = FindAttr(node, name);
  return attr != nullptr ? std::string_view(attr->s()) : std::string_view();
}

tf::DataType TypeAttr(const tf::NodeDef& node, const std::string& name, tf::DataType otherwise) {
  const tf::AttrValue* attr = FindAttr(node, name);
  return attr != nullptr && attr->value_case() == tf::AttrValue::kType ? attr->type() : otherwise;
}

Dims IntsAttr(const tf::NodeDef& node, const std::string& name) {
  const tf::AttrValue* attr = FindAttr(node, name);
  return attr == nullptr ? Dims{} : Dims(attr->list().i().begin(), attr->list().i().end());
}

std::string ShapeText(const std::optional<Dims>& shape) {
  if (!shape) {
    return "?";
  }
  std::string text;
  for (const std::int64_t dim : *shape) {
    text += (text.empty() ? "" : ", ") + (dim == kOpen ? "?" : std::to_string(dim));
  }
  return "[" + text + "]";
}

std::int64_t Elements(const Dims& shape) {
  if (std::find(shape.begin(), shape.end(), kOpen) != shape.end()) {
    return kOpen;
  }
  return NumElements(shape);
}

}  // namespace placer::graphdef
