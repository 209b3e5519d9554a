#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace placer {

/// The state of a search as named byte strings. Equal states are equal files.
using Checkpoint = std::map<std::string, std::string>;

/// Writes to a file beside `path`, flushes it to disk and renames: after a crash at any moment
/// `path` holds the old state or the new one. @throws InputError if the file cannot be written
void WriteCheckpoint(const Checkpoint& checkpoint, const std::filesystem::path& path);

/// @throws InputError for a file that is missing, no checkpoint, or damaged (its checksum does not
/// match)
[[nodiscard]] Checkpoint ReadCheckpoint(const std::filesystem::path& path);

/// Fixed-size values of a state, appended to or taken from a byte string.
class ByteWriter {
 public:
  void Put(std::uint64_t value);
  void Put(double value);
  void Put(const std::string& bytes);
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};
class ByteReader {
 public:
  /// Borrows. Every call @throws InputError if the bytes end early
  explicit ByteReader(const std::string& bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t TakeInteger();
  [[nodiscard]] double TakeReal();
  [[nodiscard]] std::string TakeBytes();
  [[nodiscard]] bool at_end() const noexcept { return at_ == bytes_.size(); }

 private:
  [[nodiscard]] const char* Advance(std::size_t size);
  const std::string& bytes_;
  std::size_t at_ = 0;
};

}  // namespace placer
