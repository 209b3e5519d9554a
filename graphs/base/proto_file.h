#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace placer {

/// A kind of file that holds one protobuf message. The message's field 1 is `string format`.
struct ProtoFormat {
  std::string_view what;    ///< "a Placer graph", for error messages
  std::string_view format;  ///< "placer.graph/1", the content of `format`
};

/// True if the content is a binary message of that format: binary files start with it.
[[nodiscard]] bool IsBinary(std::string_view content, const ProtoFormat& format);

/// Reads binary, text or JSON, told apart by content. Unknown fields are errors in text and JSON.
/// @throws InputError in one line: `file:line:column: fault, expected ...`
void ReadProtoFile(const std::filesystem::path& path, const ProtoFormat& format,
                   google::protobuf::Message& message);
/// @param where  put in front of faults, the file's name
void ParseProto(std::string_view content, const std::string& where, const ProtoFormat& format,
                google::protobuf::Message& message);

/// One encoding each, for messages of others, which have no `format`. `what` names the kind of
/// file.
/// @throws InputError in one line
void ParseProtoBinary(std::string_view content, const std::string& where, std::string_view what,
                      google::protobuf::Message& message);
void ParseProtoText(std::string_view content, const std::string& where, std::string_view what,
                    google::protobuf::Message& message);
/// @param ignore_unknown  leave out fields that the message has not, instead of refusing them
void ParseProtoJson(std::string_view content, const std::string& where, std::string_view what,
                    google::protobuf::Message& message, bool ignore_unknown = false);

/// True if there are no control characters but white space; a binary message has some within its
/// first fields.
[[nodiscard]] bool LooksLikeText(std::string_view content);

/// Writes .pb, .txtpb or .json by suffix; the file appears by rename. Sets `format`.
/// @throws InputError for an unknown suffix or a bad path
void WriteProtoFile(const std::filesystem::path& path, const ProtoFormat& format,
                    google::protobuf::Message& message);

}  // namespace placer
