#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace placer {

/// 64-bit FNV-1a over the bytes of values, in the order they are added; the same on every machine.
/// Identifies content, it does not protect against an attacker.
class Fingerprint {
 public:
  Fingerprint& Add(std::string_view text) noexcept {
    Add(static_cast<std::int64_t>(text.size()));
    for (const char c : text) {
      AddByte(static_cast<unsigned char>(c));
    }
    return *this;
  }
  Fingerprint& Add(std::int64_t value) noexcept {
    const auto bits = static_cast<std::uint64_t>(value);
    for (unsigned shift = 0; shift < 64; shift += 8) {
      AddByte(static_cast<unsigned char>((bits >> shift) & 0xffU));
    }
    return *this;
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return hash_; }

 private:
  void AddByte(unsigned char byte) noexcept { hash_ = (hash_ ^ byte) * 0x100000001b3ULL; }
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

}  // namespace placer
