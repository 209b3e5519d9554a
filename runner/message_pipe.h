#pragma once

#include <cstdint>
#include <string>

namespace google::protobuf {
class MessageLite;
}  // namespace google::protobuf

namespace placer {

/// A message is a 4-byte little-endian length and as many bytes.
inline constexpr std::uint32_t kMaxMessageBytes = 1U << 30U;

/// Writes one message. @return false if the other end is gone
[[nodiscard]] bool SendMessage(int fd, const google::protobuf::MessageLite& message);
/// Reads one message, waiting for it. @return false if the other end is gone or what came is no
/// such message
[[nodiscard]] bool ReceiveMessage(int fd, google::protobuf::MessageLite& message);

/// One message that arrives in parts, for a reader that must not wait for the rest.
class MessageBuffer {
 public:
  enum class State : std::uint8_t { kPartial, kComplete, kClosed };
  /// Takes what is there to be read now.
  [[nodiscard]] State Read(int fd);
  /// Of a complete message. @return false if the bytes are no such message
  [[nodiscard]] bool Parse(google::protobuf::MessageLite& message) const;

 private:
  std::string bytes_;  ///< length and content, as far as they came
};

}  // namespace placer
