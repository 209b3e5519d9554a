#include "graphs/detail/onnx_external.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/text.h"
#include "graphs/detail/onnx_types.h"

namespace placer::onnx_detail {
namespace {

namespace fs = std::filesystem;

struct Location {
  std::string file;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
};

std::uint64_t ParseNumber(const std::string& text, const std::string& key) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw InputError("external data: " + key + " is " + Quoted(text) + ", expected a number");
  }
  return value;
}

Location LocationOf(const onnx::TensorProto& tensor) {
  Location location;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") {
      location.file = entry.value();
    } else if (entry.key() == "offset") {
      location.offset = ParseNumber(entry.value(), entry.key());
    } else if (entry.key() == "length") {
      location.length = ParseNumber(entry.value(), entry.key());
    }
  }
  const fs::path path(location.file);
  if (path.empty() || path.is_absolute() ||
      std::find(path.begin(), path.end(), "..") != path.end()) {
    throw InputError("external data: location is " + Quoted(location.file) +
                     ", expected a file in the model's folder");
  }
  return location;
}

void AddEntry(onnx::TensorProto& tensor, const char* key, std::string value) {
  auto& entry = *tensor.add_external_data();
  entry.set_key(key);
  entry.set_value(std::move(value));
}

}  // namespace

ExternalData::ExternalData(const fs::path& model, fs::path file)
    : folder_(model.parent_path()), file_(std::move(file)) {}

void ExternalData::Copy(onnx::TensorProto& tensor) {
  if (tensor.data_location() != onnx::TensorProto::EXTERNAL) {
    return;
  }
  const Location location = LocationOf(tensor);
  std::ifstream source(folder_ / location.file, std::ios::binary | std::ios::ate);
  if (!source) {
    ++num_missing_;
    return;
  }
  const auto size = static_cast<std::uint64_t>(source.tellg());
  const std::uint64_t length = location.length.value_or(size - std::min(size, location.offset));
  if (location.offset > size || length > size - location.offset) {
    throw InputError("initializer " + Quoted(tensor.name()) + ": " +
                     (folder_ / location.file).string() + " has " + std::to_string(size) +
                     " bytes, expected " + std::to_string(length) + " from " +
                     std::to_string(location.offset) + " on");
  }
  source.seekg(static_cast<std::streamoff>(location.offset));
  const std::size_t begin = bytes_.size();
  bytes_.resize(begin + length);
  source.read(bytes_.data() + begin, static_cast<std::streamsize>(length));
  tensor.clear_external_data();
  AddEntry(tensor, "location", file_.filename().string());
  AddEntry(tensor, "offset", std::to_string(begin));
  AddEntry(tensor, "length", std::to_string(length));
}

void ExternalData::Write() const {
  if (!bytes_.empty()) {
    ReplaceFile(file_, bytes_);
  }
}

}  // namespace placer::onnx_detail
