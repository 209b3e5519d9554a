#include "runner/message_pipe.h"

#include <google/protobuf/message_lite.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

namespace placer {
namespace {

constexpr std::size_t kHeader = 4;

std::size_t LengthOf(const std::string& bytes) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < kHeader; ++i) {
    length |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return length;
}

}  // namespace

bool SendMessage(int fd, const google::protobuf::MessageLite& message) {
  std::string bytes(kHeader, '\0');
  if (!message.AppendToString(&bytes) || bytes.size() - kHeader > kMaxMessageBytes) {
    return false;
  }
  const std::size_t length = bytes.size() - kHeader;
  for (std::size_t i = 0; i < kHeader; ++i) {
    bytes[i] = static_cast<char>((length >> (8 * i)) & 0xffU);
  }
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false;
    }
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

MessageBuffer::State MessageBuffer::Read(int fd) {
  std::array<char, 65536> part{};
  const std::size_t missing = bytes_.size() < kHeader ? kHeader - bytes_.size()
                                                      : kHeader + LengthOf(bytes_) - bytes_.size();
  const ssize_t count = recv(fd, part.data(), std::min(missing, part.size()), MSG_DONTWAIT);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
    return State::kPartial;
  }
  if (count <= 0) {
    return State::kClosed;
  }
  bytes_.append(part.data(), static_cast<std::size_t>(count));
  if (bytes_.size() < kHeader) {
    return State::kPartial;
  }
  if (LengthOf(bytes_) > kMaxMessageBytes) {
    return State::kClosed;
  }
  return bytes_.size() == kHeader + LengthOf(bytes_) ? State::kComplete : State::kPartial;
}

bool MessageBuffer::Parse(google::protobuf::MessageLite& message) const {
  return message.ParseFromArray(bytes_.data() + kHeader, static_cast<int>(bytes_.size() - kHeader));
}

bool ReceiveMessage(int fd, google::protobuf::MessageLite& message) {
  MessageBuffer buffer;
  for (;;) {
    pollfd ready{fd, POLLIN, 0};
    if (poll(&ready, 1, -1) < 0 && errno != EINTR) {
      return false;
    }
    switch (buffer.Read(fd)) {
      case MessageBuffer::State::kComplete:
        return buffer.Parse(message);
      case MessageBuffer::State::kClosed:
        return false;
      case MessageBuffer::State::kPartial:
        break;
    }
  }
}

}  // namespace placer
