#include "placer/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "graphs/base/error.h"
#include "graphs/base/fingerprint.h"

namespace placer {
namespace {

constexpr std::string_view kMagic = "placer checkpoint 1\n";

std::uint64_t Checksum(std::string_view bytes) { return Fingerprint().Add(bytes).value(); }

[[noreturn]] void FailToWrite(const std::filesystem::path& path, int error) {
  throw InputError(path.string() + ": cannot write the checkpoint: " + std::strerror(error));
}

/// write() until all is written, then to disk. @return 0, or the number of the error
int WriteAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return errno;
    }
    bytes.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
  }
  return ::fsync(file) == 0 ? 0 : errno;
}

}  // namespace

void ByteWriter::Put(std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8) {
    bytes_.push_back(static_cast<char>((value >> shift) & 0xffU));
  }
}
void ByteWriter::Put(double value) { Put(std::bit_cast<std::uint64_t>(value)); }
void ByteWriter::Put(const std::string& bytes) {
  Put(static_cast<std::uint64_t>(bytes.size()));
  bytes_ += bytes;
}

const char* ByteReader::Advance(std::size_t size) {
  if (size > bytes_.size() - at_) {
    throw InputError("checkpoint: ends after " + std::to_string(bytes_.size()) +
                     " bytes, expected more");
  }
  const char* at = bytes_.data() + at_;
  at_ += size;
  return at;
}
std::uint64_t ByteReader::TakeInteger() {
  const char* at = Advance(8);
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8U * i);
  }
  return value;
}
double ByteReader::TakeReal() { return std::bit_cast<double>(TakeInteger()); }
std::string ByteReader::TakeBytes() {
  const std::size_t size = TakeInteger();
  const char* at = Advance(size);
  return {at, size};
}

void WriteCheckpoint(const Checkpoint& checkpoint, const std::filesystem::path& path) {
  ByteWriter body;
  body.Put(static_cast<std::uint64_t>(checkpoint.size()));
  for (const auto& [name, bytes] : checkpoint) {
    body.Put(name);
    body.Put(bytes);
  }
  ByteWriter file;
  file.Put(Checksum(body.bytes()));
  const std::filesystem::path temporary = path.string() + ".tmp";
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    FailToWrite(path, errno);
  }
  int fault = WriteAll(descriptor, std::string(kMagic) + file.bytes() + body.bytes());
  if (::close(descriptor) != 0 && fault == 0) {
    fault = errno;
  }
  if (fault == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) {
    fault = errno;
  }
  if (fault != 0) {
    ::unlink(temporary.c_str());
    FailToWrite(path, fault);
  }
}

Checkpoint ReadCheckpoint(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    throw InputError(path.string() + ": cannot read the checkpoint: " + std::strerror(errno));
  }
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (bytes.size() < kMagic.size() + 8 || bytes.compare(0, kMagic.size(), kMagic) != 0) {
    throw InputError(path.string() +
                     ": is no checkpoint, expected a file that begins with 'placer checkpoint 1'");
  }
  const std::string sum = bytes.substr(kMagic.size(), 8);
  const std::string body = bytes.substr(kMagic.size() + 8);
  if (ByteReader(sum).TakeInteger() != Checksum(body)) {
    throw InputError(path.string() + ": the checkpoint is damaged, its checksum does not match");
  }
  ByteReader reader(body);
  Checkpoint checkpoint;
  const std::uint64_t count = reader.TakeInteger();
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string name = reader.TakeBytes();
    checkpoint[std::move(name)] = reader.TakeBytes();
  }
  return checkpoint;
}

}  // namespace placer
