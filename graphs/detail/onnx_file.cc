#include "graphs/detail/onnx_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/wire_format_lite.h>

#include <fstream>
#include <limits>
#include <system_error>

#include "graphs/base/error.h"
#include "graphs/onnx_importer.h"

namespace placer {
namespace {

namespace io = google::protobuf::io;
using google::protobuf::internal::WireFormatLite;

std::ifstream Open(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw InputError("is a directory, expected a file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw InputError("cannot be opened, expected a readable file");
  }
  return file;
}

/// What the outermost fields of a file look like, up to its end or the first oddity.
struct Outline {
  bool ir_version = false;
  bool graph = false;
  bool opset_import = false;
  bool odd = false;
};

constexpr int kIrVersion = onnx::ModelProto::kIrVersionFieldNumber;
constexpr int kGraph = onnx::ModelProto::kGraphFieldNumber;
constexpr int kOpsetImport = onnx::ModelProto::kOpsetImportFieldNumber;

Outline ReadOutline(io::CodedInputStream& input) {
  Outline outline;
  while (const std::uint32_t tag = input.ReadTag()) {
    const int field = WireFormatLite::GetTagFieldNumber(tag);
    const bool varint = WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_VARINT;
    const bool of_model =
        field == kIrVersion || field == onnx::ModelProto::kModelVersionFieldNumber
            ? varint
            : WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
    if (!of_model) {
      outline.odd = true;
      return outline;
    }
    outline.ir_version = outline.ir_version || field == kIrVersion;
    outline.graph = outline.graph || field == kGraph;
    outline.opset_import = outline.opset_import || field == kOpsetImport;
    if (!WireFormatLite::SkipField(&input, tag)) {
      return outline;  // truncated
    }
  }
  return outline;
}

}  // namespace

bool IsOnnxFile(const std::filesystem::path& path) { return IsOnnxFile(ModelFile(path)); }

bool IsOnnxFile(const ModelFile& model) {
  const auto file = model.Open();
  io::IstreamInputStream stream(file.get());
  io::CodedInputStream input(&stream);
  input.SetTotalBytesLimit(std::numeric_limits<int>::max());
  const Outline outline = ReadOutline(input);
  return !outline.odd && outline.graph && (outline.ir_version || outline.opset_import);
}

onnx::ModelProto onnx_detail::ReadModel(const std::filesystem::path& path) {
  std::ifstream file = Open(path);
  return ReadModel(file);
}

onnx::ModelProto onnx_detail::ReadModel(std::istream& file) {
  const auto size = file.seekg(0, std::ios::end).tellg();  // -1 for what cannot seek
  file.clear();
  file.seekg(0);
  file.clear();
  if (size > std::numeric_limits<int>::max()) {
    throw InputError("has " + std::to_string(size) +
                     " bytes, expected less than 2 GiB (store the weights as external data)");
  }
  onnx::ModelProto model;
  io::IstreamInputStream stream(&file);
  io::CodedInputStream input(&stream);
  input.SetTotalBytesLimit(std::numeric_limits<int>::max());
  if (!model.ParseFromCodedStream(&input) || !input.ConsumedEntireMessage()) {
    throw InputError("is truncated or no ONNX model, expected a protobuf ModelProto");
  }
  if (!model.has_graph()) {
    throw InputError("has no graph, expected an ONNX model");
  }
  if (model.graph().node_size() == 0) {
    throw InputError("has a graph without nodes, expected at least one");
  }
  return model;
}

}  // namespace placer
