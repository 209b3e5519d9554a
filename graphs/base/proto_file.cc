#include "graphs/base/proto_file.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/text.h"

namespace placer {
namespace {

namespace pb = google::protobuf;

/// protobuf's own limit for binary messages.
constexpr int kMaxDepth = 100;

std::string OneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, ' ');
  constexpr std::size_t kLongest = 300;
  text = ValidUtf8(std::move(text));
  if (text.size() > kLongest) {
    text = Shortened(text, kLongest) + "...";
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '.')) {
    text.pop_back();
  }
  return text;
}

/// Calls `visit` for the type and all types of its fields, each once, until one returns true.
template <typename Visit>
bool VisitTypes(const pb::Descriptor& type, std::set<const pb::Descriptor*>& seen,
                const Visit& visit) {
  if (!seen.insert(&type).second) {
    return false;
  }
  if (visit(type)) {
    return true;
  }
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->message_type() != nullptr &&
        VisitTypes(*type.field(i)->message_type(), seen, visit)) {
      return true;
    }
  }
  return false;
}

/// What would have been right at the place of a parser's complaint, if it names a type or an
/// enumeration.
std::string Expected(const pb::Descriptor& root, const std::string& fault) {
  std::string names;
  const auto add = [&names](const std::string& name) {
    names += (names.empty() ? ", expected one of " : ", ") + name;
  };
  std::set<const pb::Descriptor*> seen;
  VisitTypes(root, seen, [&](const pb::Descriptor& type) {
    if (fault.find("type \"" + type.full_name() + "\" has no field") != std::string::npos) {
      for (int i = 0; i < type.field_count(); ++i) {
        add(type.field(i)->name());
      }
    }
    for (int i = 0; i < type.field_count() && names.empty(); ++i) {
      const pb::EnumDescriptor* values = type.field(i)->enum_type();
      if (values != nullptr &&
          fault.find("for field \"" + type.field(i)->name() + "\"") != std::string::npos) {
        for (int v = 0; v < values->value_count(); ++v) {
          add(values->value(v)->name());
        }
      }
    }
    return !names.empty();
  });
  return names;
}

class FirstError final : public pb::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!fault_) {
      fault_ = message;
      line_ = line;
      column_ = column;
    }
  }
  void AddWarning(int /*line*/, int /*column*/, const std::string& /*message*/) override {}
  [[nodiscard]] std::string Located(const std::string& where, const pb::Descriptor& root) const {
    if (!fault_) {
      return where;
    }
    return where + ":" + std::to_string(line_ + 1) + ":" + std::to_string(column_ + 1) + ": " +
           OneLine(*fault_) + Expected(root, *fault_);
  }

 private:
  std::optional<std::string> fault_;
  int line_ = 0, column_ = 0;
};

const pb::FieldDescriptor* FormatField(const pb::Message& message) {
  return message.GetDescriptor()->FindFieldByNumber(1);
}

void CheckFormat(const std::string& where, const ProtoFormat& format, const pb::Message& message) {
  const std::string found = message.GetReflection()->GetString(message, FormatField(message));
  if (!found.empty() && found != format.format) {
    throw InputError(where + ": format is '" + OneLine(found) + "', expected '" +
                     std::string(format.format) + "'");
  }
}

}  // namespace

bool LooksLikeText(std::string_view content) {
  return std::ranges::none_of(content, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\v';
  });
}

void ParseProtoBinary(std::string_view content, const std::string& where, std::string_view what,
                      pb::Message& message) {
  const pb::LogSilencer faults_are_thrown_not_printed;
  pb::io::ArrayInputStream stream(content.data(), static_cast<int>(content.size()));
  pb::io::CodedInputStream coded(&stream);
  if (!message.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage()) {
    throw InputError(where + ": starts as " + std::string(what) +
                     " but is damaged or cut off, expected a whole protobuf message");
  }
}

void ParseProtoText(std::string_view content, const std::string& where, std::string_view what,
                    pb::Message& message) {
  const pb::LogSilencer faults_are_thrown_not_printed;
  FirstError errors;
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxDepth);
  pb::io::ArrayInputStream stream(content.data(), static_cast<int>(content.size()));
  if (!parser.Parse(&stream, &message)) {
    throw InputError(errors.Located(where, *message.GetDescriptor()) + " (read as " +
                     std::string(what) + " in protobuf text format)");
  }
}

void ParseProtoJson(std::string_view content, const std::string& where, std::string_view what,
                    pb::Message& message, bool ignore_unknown) {
  const pb::LogSilencer faults_are_thrown_not_printed;
  pb::util::JsonParseOptions options;
  options.ignore_unknown_fields = ignore_unknown;
  const auto status =
      pb::util::JsonStringToMessage({content.data(), content.size()}, &message, options);
  if (!status.ok()) {
    throw InputError(where + ": " + OneLine(std::string(status.message())) + " (read as " +
                     std::string(what) + " in JSON)");
  }
}

bool IsBinary(std::string_view content, const ProtoFormat& format) {
  constexpr char kField1String = 0x0a;  // tag: field 1, length-delimited
  return content.size() >= 2 && content[0] == kField1String &&
         content[1] == static_cast<char>(format.format.size()) &&
         content.substr(2, format.format.size()) == format.format;
}

void ParseProto(std::string_view content, const std::string& where, const ProtoFormat& format,
                pb::Message& message) {
  if (content.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw InputError(where + ": has " + std::to_string(content.size()) +
                     " bytes, expected less than 2^31");
  }
  const std::size_t start = content.find_first_not_of(" \t\r\n\f\v");
  if (start == std::string_view::npos) {
    throw InputError(where + ": is empty, expected " + std::string(format.what));
  }
  if (IsBinary(content, format)) {
    ParseProtoBinary(content, where, format.what, message);
  } else if (!LooksLikeText(content)) {
    throw InputError(where + ": is not " + std::string(format.what) + ", expected '" +
                     std::string(format.format) +
                     "' at the start of a binary file, or text, or JSON");
  } else if (content[start] == '{') {
    ParseProtoJson(content, where, format.what, message);
  } else {
    ParseProtoText(content, where, format.what, message);
  }
  CheckFormat(where, format, message);
}

void ReadProtoFile(const std::filesystem::path& path, const ProtoFormat& format,
                   pb::Message& message) {
  ParseProto(ReadWholeFile(path), path.string(), format, message);
}

void WriteProtoFile(const std::filesystem::path& path, const ProtoFormat& format,
                    pb::Message& message) {
  message.GetReflection()->SetString(&message, FormatField(message), std::string(format.format));
  const std::string suffix = path.extension().string();
  std::string content;
  if (suffix == ".pb") {
    content = message.SerializeAsString();
  } else if (suffix == ".txtpb") {
    pb::TextFormat::PrintToString(message, &content);
  } else if (suffix == ".json") {
    pb::util::JsonPrintOptions options;
    options.add_whitespace = true;
    options.preserve_proto_field_names = true;
    const auto status = pb::util::MessageToJsonString(message, &content, options);
    if (!status.ok()) {
      throw InputError(path.string() +
                       ": cannot be written as JSON: " + OneLine(std::string(status.message())));
    }
  } else {
    throw InputError(path.string() + ": unknown suffix '" + suffix +
                     "', expected .pb, .txtpb or .json");
  }
  ReplaceFile(path, content);
}

}  // namespace placer
