#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "placer/placer.h"

namespace placer {

/// A placement that a constructive method suggests, and how it came about.
struct Candidate {
  GroupPlacement groups;
  std::string note;
};

/// A method that computes a short list of placements and has the runner choose. The list is in the
/// order of promise: a small budget takes the front.
class CandidatePlacer : public Placer {
 private:
  [[nodiscard]] PlaceResult DoPlace(const PlaceRequest& request) const final;
  [[nodiscard]] virtual std::vector<Candidate> Candidates(const Problem& problem,
                                                          Seed seed) const = 0;
};

/// The devices that are no CPUs, ascending; all devices if there are no others.
[[nodiscard]] std::vector<DeviceId> Accelerators(const Cluster& cluster);
[[nodiscard]] std::vector<DeviceId> AllDevices(const Cluster& cluster);

/// `preferred`, or where the group may not run there its first allowed device.
[[nodiscard]] DeviceId Permitted(const Problem& problem, GroupId group, DeviceId preferred);

/// What the group would hold if nothing were freed before the step ends: its outputs and what is
/// persistent.
[[nodiscard]] std::int64_t HeldBytes(const Problem& problem, GroupId group);

/// Every group on `device` as far as allowed; one candidate per device. Devices that hold all
/// resident bytes come first, then by the time of all groups.
[[nodiscard]] std::vector<Candidate> SingleDeviceCandidates(const Problem& problem);

}  // namespace placer
