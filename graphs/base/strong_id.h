#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace placer {

/// An index into one kind of thing; ids of different kinds do not mix, and convert to and from
/// numbers only explicitly.
template <typename Tag>
class StrongId {
 public:
  constexpr StrongId() noexcept = default;
  constexpr explicit StrongId(std::size_t index) noexcept
      : value_(static_cast<std::uint32_t>(index)) {}
  [[nodiscard]] constexpr std::size_t index() const noexcept { return value_; }
  friend constexpr auto operator<=>(StrongId, StrongId) noexcept = default;

 private:
  std::uint32_t value_ = 0;
};

using OpId = StrongId<struct OpTag>;
using TensorId = StrongId<struct TensorTag>;
using GroupId = StrongId<struct GroupTag>;
using DeviceId = StrongId<struct DeviceTag>;
using LinkId = StrongId<struct LinkTag>;

}  // namespace placer

template <typename Tag>
struct std::hash<placer::StrongId<Tag>> {
  std::size_t operator()(placer::StrongId<Tag> id) const noexcept { return id.index(); }
};
