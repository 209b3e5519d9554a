#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cost_model/placement.h"
#include "graphs/grouping.h"

namespace placer {

/// No op of `a` ever shares a device with an op of `b`.
struct ApartRule {
  std::string text;  ///< as the user wrote it, for messages
  std::vector<OpId> a, b;
  bool operator==(const ApartRule&) const = default;
};

/// Things that are placed one by one (groups, or ops that must share a device), some of which must
/// not share a device with others. Immutable; const access is thread-safe.
class Separation {
 public:
  /// One bit per device.
  using DeviceSet = std::uint64_t;
  static_assert(Cluster::kMaxDevices <= 64);

  Separation() = default;
  /// @param item_of_op  [num_ops]: what each op is placed with
  /// @param allowed     [num_items]: where each may be; none is empty
  /// @throws InputError naming the rules, if an item is on both sides of one, or no placement keeps
  /// to all of them, or none was found in so many steps that the search gave up
  Separation(std::span<const ApartRule> rules, std::span<const std::uint32_t> item_of_op,
             std::span<const DeviceSet> allowed);

  /// No rules: everything holds.
  [[nodiscard]] bool empty() const noexcept { return classes_.empty(); }
  /// Identifies the rules; the same on every machine.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept;
  /// @param devices  [num_items], each allowed
  [[nodiscard]] bool Holds(std::span<const DeviceId> devices) const;
  /// Moves what breaks a rule to a device where it breaks none. What holds is left as it is; of two
  /// that share a device the one with more items there stays. Deterministic.
  void Repair(std::span<DeviceId> devices) const;

 private:
  /// Items on the same sides of the same rules that may be on the same devices: if one of them can
  /// be on a device, all can.
  struct Class {
    DeviceSet allowed = 0;
    std::vector<std::uint32_t> conflicts;  ///< classes it shares no device with
    std::uint32_t size = 0;
  };
  using Sides = std::vector<std::uint32_t>;  ///< 2 x rule (+ 1 for b), ascending

  enum class Outcome : std::uint8_t { kFound, kImpossible, kGaveUp };

  void MakeClasses(const std::vector<Sides>& sides, std::span<const DeviceSet> allowed);
  /// A device for every class, preferring devices with larger `count` [num_classes, 64].
  [[nodiscard]] Outcome ChooseHomes(std::span<const std::uint32_t> count,
                                    std::vector<std::uint32_t>& homes) const;
  [[nodiscard]] DeviceSet Taken(std::uint32_t of, const std::vector<DeviceSet>& used) const;

  std::vector<std::uint32_t> class_of_item_;  ///< kFree: on no side of any rule
  std::vector<Class> classes_;
  std::vector<Sides> sides_of_class_;
  std::vector<std::uint32_t> order_;  ///< classes with fewest devices first
  std::vector<std::uint32_t> homes_;  ///< a solution
};

/// One line for each op of a rule's second side that shares a device with one of the first.
[[nodiscard]] std::vector<std::string> FindApartFaults(const KnownDevices& devices,
                                                       std::span<const ApartRule> rules,
                                                       const Graph& graph, const Cluster& cluster);

}  // namespace placer
