#include "experiments/event_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <boost/crc.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <optional>

#include "experiments/tensorboard.pb.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "records are little-endian");

constexpr std::size_t kLengthBytes = 8, kChecksumBytes = 4;
constexpr int kStrings = 7, kTensorClass = 2;  // DT_STRING, DATA_CLASS_TENSOR

/// CRC-32C (RFC 3720, appendix B.4), rotated and shifted so that a checksum of bytes that hold
/// checksums is no trivial one.
std::uint32_t Checksum(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return std::rotr(static_cast<std::uint32_t>(crc.checksum()), 15) + 0xA282EAD8U;
}

template <typename T>
void Put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename T>
T Take(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::string RecordOf(const tensorboard::Event& event) {
  const std::string message = event.SerializeAsString();
  std::string record;
  Put(record, static_cast<std::uint64_t>(message.size()));
  Put(record, Checksum(record));
  record += message;
  Put(record, Checksum(message));
  return record;
}

/// The message of the record that `bytes` begin with; nullopt if it is torn or damaged.
std::optional<std::string_view> FirstMessage(std::string_view bytes) {
  constexpr std::size_t kBefore = kLengthBytes + kChecksumBytes;
  if (bytes.size() < kBefore ||
      Take<std::uint32_t>(bytes.substr(kLengthBytes)) != Checksum(bytes.substr(0, kLengthBytes))) {
    return std::nullopt;
  }
  const auto length = Take<std::uint64_t>(bytes);
  bytes.remove_prefix(kBefore);
  if (bytes.size() < kChecksumBytes || length > bytes.size() - kChecksumBytes) {
    return std::nullopt;
  }
  const std::string_view message = bytes.substr(0, length);
  if (Take<std::uint32_t>(bytes.substr(length)) != Checksum(message)) {
    return std::nullopt;
  }
  return message;
}

/// Size of the whole records before the first one of `first_step` or later.
std::size_t SizeBefore(std::string_view bytes, std::int64_t first_step) {
  std::size_t size = 0;
  while (const std::optional<std::string_view> message = FirstMessage(bytes.substr(size))) {
    tensorboard::Event event;
    if (!event.ParseFromArray(message->data(), static_cast<int>(message->size())) ||
        event.step() >= first_step) {
      break;
    }
    size += kLengthBytes + 2 * kChecksumBytes + message->size();
  }
  return size;
}

tensorboard::Event EventAt(std::int64_t step) {
  tensorboard::Event event;
  event.set_wall_time(
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
  event.set_step(step);
  return event;
}

/// Strings are shown as Markdown.
tensorboard::Event TextEvent(std::string_view tag, const std::string& text) {
  tensorboard::Event event = EventAt(0);
  tensorboard::Summary::Value& value = *event.mutable_summary()->add_value();
  value.set_tag(std::string(tag));
  value.mutable_metadata()->mutable_plugin_data()->set_plugin_name("text");
  value.mutable_metadata()->set_data_class(kTensorClass);
  value.mutable_tensor()->set_dtype(kStrings);
  value.mutable_tensor()->mutable_shape()->add_dim()->set_size(1);
  value.mutable_tensor()->add_string_val("```\n" + text + "```\n");
  return event;
}

void AppendBytes(const fs::path& path, const std::string& bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const bool whole =
      file >= 0 && ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  const int error = errno;
  if (file >= 0) {
    ::close(file);
  }
  if (!whole) {
    throw InputError(path.string() + ": cannot be written: " + std::strerror(error));
  }
}

}  // namespace

void EventFile::Open(std::string_view tag, const std::string& text) const {
  std::error_code ignored;
  if (fs::exists(path_, ignored)) {
    Trim(std::numeric_limits<std::int64_t>::max());
    if (fs::file_size(path_, ignored) > 0) {
      return;
    }
  }
  tensorboard::Event version = EventAt(0);
  version.set_file_version("brain.Event:2");
  AppendBytes(path_, RecordOf(version) + RecordOf(TextEvent(tag, text)));
}

void EventFile::Trim(std::int64_t first_step) const {
  const std::string bytes = ReadWholeFile(path_);
  const std::size_t kept = SizeBefore(bytes, first_step);
  if (kept == bytes.size()) {
    return;
  }
  std::error_code error;
  fs::resize_file(path_, kept, error);
  if (error) {
    throw InputError(path_.string() + ": cannot be cut: " + error.message());
  }
}

void EventFile::Append(std::int64_t step, std::span<const EventScalar> scalars) const {
  tensorboard::Event event = EventAt(step);
  for (const EventScalar& scalar : scalars) {
    tensorboard::Summary::Value& value = *event.mutable_summary()->add_value();
    value.set_tag(std::string(scalar.tag));
    value.set_simple_value(static_cast<float>(scalar.value));
  }
  AppendBytes(path_, RecordOf(event));
}

}  // namespace placer
