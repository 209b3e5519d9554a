#include "tests/fuzz/mutate_input.h"

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>
#include <onnx/onnx_pb.h>

#include <memory>

#include "graphs/detail/graphdef_file.h"
#include "graphs/graph.pb.h"
#include "tests/fuzz/mutate_message.h"
#include "tests/fuzz/mutate_text.h"

namespace placer::fuzz {
namespace {

std::unique_ptr<google::protobuf::Message> MessageOf(std::string_view importer) {
  if (importer == "onnx") {
    return std::make_unique<onnx::ModelProto>();
  }
  if (importer == "graphdef") {
    return std::make_unique<tf::GraphDef>();
  }
  if (importer == "placer") {
    return std::make_unique<proto::Graph>();
  }
  return nullptr;
}

}  // namespace

std::string MutateInput(std::string_view importer, const std::string& content, Rng& rng) {
  const google::protobuf::LogSilencer broken_ones_are_expected;
  std::size_t changes = 1 + rng.Below(3);
  if (content.starts_with('{')) {
    std::string text = content;
    for (; changes > 0; --changes) {
      text = MutateJson(text, rng);
    }
    return text;
  }
  const std::unique_ptr<google::protobuf::Message> message = MessageOf(importer);
  if (message == nullptr) {
    std::string text = content;
    for (; changes > 0; --changes) {
      text = MutateLines(text, rng);
    }
    return text;
  }
  if (!message->ParseFromString(content)) {
    return content;
  }
  for (; changes > 0; --changes) {
    MutateMessage(*message, rng);
  }
  return message->SerializePartialAsString();
}

std::string ToBinary(std::string_view importer, const std::string& text) {
  if (importer == "graphdef") {  // may be JSON, with the message as a part of it
    graphdef::GraphDefFile file = graphdef::ParseGraphDef(text, "seed");
    file.encoding = graphdef::Encoding::kBinary;
    return graphdef::SerializeGraphDef(file);
  }
  const google::protobuf::LogSilencer other_files_are_expected;
  const std::unique_ptr<google::protobuf::Message> message = MessageOf(importer);
  if (message == nullptr || !google::protobuf::TextFormat::ParseFromString(text, message.get())) {
    return text;
  }
  return message->SerializeAsString();
}

}  // namespace placer::fuzz
