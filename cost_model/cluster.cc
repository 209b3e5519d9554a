#include "cost_model/cluster.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <queue>
#include <set>
#include <tuple>

#include "graphs/base/error.h"
#include "graphs/base/fingerprint.h"
#include "graphs/base/text.h"

namespace placer {
namespace {

std::string Number(double value) {
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

void CheckPositive(const std::string& where, std::string_view field, double value) {
  if (!std::isfinite(value) || value <= 0) {
    throw InputError(where + ": " + std::string(field) + " is " + Number(value) +
                     ", expected a finite number > 0");
  }
}

void CheckNotNegative(const std::string& where, std::string_view field, double value) {
  if (!std::isfinite(value) || value < 0) {
    throw InputError(where + ": " + std::string(field) + " is " + Number(value) +
                     ", expected a finite number >= 0");
  }
}

void CheckEfficiencies(const std::string& where, std::span<const ClassEfficiency> efficiencies) {
  std::set<OpClass> seen;
  for (const ClassEfficiency& own : efficiencies) {
    const std::string field = "efficiency of " + std::string(Name(own.op_class));
    if (!seen.insert(own.op_class).second) {
      throw InputError(where + ": " + field + " is given twice");
    }
    for (const double share : {own.efficiency.compute, own.efficiency.memory}) {
      if (!(share > 0 && share <= 1)) {
        throw InputError(where + ": " + field + " is " + Number(share) +
                         ", expected a number > 0 and <= 1");
      }
    }
  }
}

void CheckDevice(const Device& device, std::size_t index) {
  if (device.name.empty()) {
    throw InputError("device #" + std::to_string(index) + ": has no name");
  }
  const std::string where = "device " + Quoted(device.name);
  if (device.kind.empty()) {
    throw InputError(where + ": has no kind, expected \"cpu\", \"gpu\" or the like");
  }
  for (std::size_t dtype = 0; dtype < kNumDataTypes; ++dtype) {
    const std::string field =
        "peak_flops_per_s of " + std::string(Name(static_cast<DataType>(dtype)));
    const double peak = device.peak_flops_per_s[dtype];
    if (static_cast<DataType>(dtype) == DataType::kFloat32) {
      CheckPositive(where, field, peak);  // the others fall back to it
    } else {
      CheckNotNegative(where, field, peak);
    }
  }
  CheckPositive(where, "memory_bytes_per_s", device.memory_bytes_per_s);
  if (device.memory_bytes <= 0) {
    throw InputError(where + ": memory_bytes is " + std::to_string(device.memory_bytes) +
                     ", expected > 0");
  }
  CheckNotNegative(where, "launch_overhead_s", device.launch_overhead.count());
  CheckEfficiencies(where, device.efficiencies);
}

/// Nodes are numbered: devices first, then switches.
using NodeIndex = std::map<std::string_view, std::size_t>;

NodeIndex CheckNodes(const ClusterSpec& spec) {
  if (spec.devices.empty()) {
    throw InputError("there are no devices, expected at least one");
  }
  if (spec.devices.size() > Cluster::kMaxDevices) {
    throw InputError("there are " + std::to_string(spec.devices.size()) +
                     " devices, expected at most " + std::to_string(Cluster::kMaxDevices));
  }
  NodeIndex nodes;
  for (std::size_t i = 0; i < spec.devices.size(); ++i) {
    CheckDevice(spec.devices[i], i);
    if (!nodes.emplace(spec.devices[i].name, i).second) {
      throw InputError("device " + Quoted(spec.devices[i].name) +
                       ": the name is used twice, expected unique names");
    }
  }
  for (std::size_t i = 0; i < spec.switches.size(); ++i) {
    if (spec.switches[i].empty()) {
      throw InputError("switch #" + std::to_string(i) + ": has no name");
    }
    if (!nodes.emplace(spec.switches[i], spec.devices.size() + i).second) {
      throw InputError("switch " + Quoted(spec.switches[i]) +
                       ": the name is used twice, expected unique names");
    }
  }
  return nodes;
}

void CheckLinks(const ClusterSpec& spec, const NodeIndex& nodes) {
  std::set<std::string_view> names;
  for (const Link& link : spec.links) {
    const std::string where = "link " + Quoted(link.name);
    if (!names.insert(link.name).second) {
      throw InputError(where + ": the name is used twice, expected unique names");
    }
    for (const std::string& end : {link.a, link.b}) {
      if (!nodes.contains(end)) {
        throw InputError(where + ": end point " + Quoted(end) + " is no device and no switch");
      }
    }
    if (link.a == link.b) {
      throw InputError(where + ": both end points are " + Quoted(link.a) +
                       ", expected different ones");
    }
    CheckPositive(where, "bytes_per_s", link.bytes_per_s);
    CheckNotNegative(where, "latency_s", link.latency.count());
  }
}

/// One link of a route, walked in one direction.
struct Leg {
  std::size_t link = 0;
  bool forward = true;  ///< from a to b
  std::size_t to = 0;   ///< node it arrives at
};

/// Finds the default routes and checks the explicit ones.
class Router {
 public:
  Router(const ClusterSpec& spec, const NodeIndex& nodes)
      : spec_(spec), nodes_(nodes), legs_from_(nodes.size()) {
    for (std::size_t i = 0; i < spec.links.size(); ++i) {
      const std::size_t a = nodes.at(spec.links[i].a);
      const std::size_t b = nodes.at(spec.links[i].b);
      legs_from_[a].push_back({i, true, b});
      legs_from_[b].push_back({i, false, a});
    }
  }

  /// Links from every node to `to`; kUnreachable where there is no way.
  [[nodiscard]] std::vector<std::size_t> Distances(std::size_t to) const {
    std::vector<std::size_t> distance(legs_from_.size(), kUnreachable);
    std::queue<std::size_t> open;
    distance[to] = 0;
    open.push(to);
    while (!open.empty()) {
      const std::size_t node = open.front();
      open.pop();
      for (const Leg& leg : legs_from_[node]) {
        if (distance[leg.to] == kUnreachable) {
          distance[leg.to] = distance[node] + 1;
          open.push(leg.to);
        }
      }
    }
    return distance;
  }

  /// The shortest route with the lexicographically lowest links: legs are in link order, so the
  /// first one that comes closer is the lowest.
  [[nodiscard]] std::vector<Leg> DefaultRoute(std::size_t from, std::size_t to,
                                              const std::vector<std::size_t>& distance) const {
    if (distance[from] == kUnreachable) {
      throw InputError("devices " + Quoted(spec_.devices[from].name) + " and " +
                       Quoted(spec_.devices[to].name) +
                       ": there is no route between them, expected links that join all devices");
    }
    std::vector<Leg> route;
    for (std::size_t at = from; at != to; at = route.back().to) {
      route.push_back(
          *std::find_if(legs_from_[at].begin(), legs_from_[at].end(),
                        [&](const Leg& leg) { return distance[leg.to] + 1 == distance[at]; }));
    }
    return route;
  }

  [[nodiscard]] std::size_t Device(const std::string& where, const std::string& name) const {
    const auto it = nodes_.find(name);
    if (it == nodes_.end() || it->second >= spec_.devices.size()) {
      throw InputError(where + ": " + Quoted(name) + " is no device");
    }
    return it->second;
  }

  [[nodiscard]] std::vector<Leg> Explicit(const ExplicitRoute& route, const std::string& where,
                                          std::size_t from, std::size_t to) const {
    std::vector<Leg> legs;
    std::set<std::size_t> visited{from};
    std::size_t at = from;
    for (const std::string& name : route.links) {
      const auto leg = std::find_if(legs_from_[at].begin(), legs_from_[at].end(),
                                    [&](const Leg& l) { return spec_.links[l.link].name == name; });
      if (leg == legs_from_[at].end()) {
        throw InputError(where + ": no link " + Quoted(name) + " leaves " + Quoted(NodeName(at)));
      }
      if (!visited.insert(leg->to).second) {
        throw InputError(where + ": passes " + Quoted(NodeName(leg->to)) + " twice");
      }
      legs.push_back(*leg);
      at = leg->to;
    }
    if (at != to) {
      throw InputError(where + ": ends at " + Quoted(NodeName(at)) + ", expected " +
                       Quoted(route.to));
    }
    return legs;
  }

 private:
  static constexpr std::size_t kUnreachable = std::numeric_limits<std::size_t>::max() / 2;
  [[nodiscard]] const std::string& NodeName(std::size_t node) const {
    const std::size_t devices = spec_.devices.size();
    return node < devices ? spec_.devices[node].name : spec_.switches[node - devices];
  }
  const ClusterSpec& spec_;
  const NodeIndex& nodes_;
  std::vector<std::vector<Leg>> legs_from_;
};

/// Cuts routes into hops and keeps each distinct hop once.
class HopTable {
 public:
  HopTable(const ClusterSpec& spec, std::vector<Hop>& hops) : spec_(spec), hops_(hops) {}

  /// @param staged  a hop ends at every device on the way, else only at the last
  std::vector<std::uint32_t> Cut(std::size_t from, const std::vector<Leg>& legs, bool staged) {
    std::vector<std::uint32_t> route;
    Hop hop = Start(from);
    for (std::size_t i = 0; i < legs.size(); ++i) {
      const Leg& leg = legs[i];
      const Link& link = spec_.links[leg.link];
      const bool backward = !leg.forward && !link.shared;
      hop.channels.push_back(static_cast<Channel>(2 * leg.link + (backward ? 1 : 0)));
      hop.latency += link.latency;
      hop.bytes_per_s = std::min(hop.bytes_per_s, link.bytes_per_s);
      const bool stop = staged && leg.to < spec_.devices.size();
      if (stop || i + 1 == legs.size()) {
        hop.to = DeviceId(leg.to);
        route.push_back(Intern(hop));
        hop = Start(leg.to);
      }
    }
    return route;
  }

 private:
  static Hop Start(std::size_t from) {
    Hop hop;
    hop.from = DeviceId(from);
    hop.bytes_per_s = std::numeric_limits<double>::infinity();
    return hop;
  }
  std::uint32_t Intern(const Hop& hop) {
    const auto [it, first] = index_.try_emplace(std::tuple(hop.from, hop.to, hop.channels),
                                                static_cast<std::uint32_t>(hops_.size()));
    if (first) {
      hops_.push_back(hop);
    }
    return it->second;
  }
  const ClusterSpec& spec_;
  std::vector<Hop>& hops_;
  std::map<std::tuple<DeviceId, DeviceId, std::vector<Channel>>, std::uint32_t> index_;
};

bool PassesDevice(const std::vector<Leg>& legs, std::size_t num_devices) {
  return std::any_of(legs.begin(), legs.end() - 1,
                     [&](const Leg& leg) { return leg.to < num_devices; });
}

using ExplicitLegs =
    std::map<std::pair<std::size_t, std::size_t>, std::pair<std::vector<Leg>, bool>>;

ExplicitLegs CheckRoutes(const ClusterSpec& spec, const Router& router) {
  ExplicitLegs result;
  for (const ExplicitRoute& route : spec.routes) {
    const std::string where = "route from " + Quoted(route.from) + " to " + Quoted(route.to);
    const std::size_t from = router.Device(where, route.from);
    const std::size_t to = router.Device(where, route.to);
    if (from == to) {
      throw InputError(where + ": starts where it ends, expected two devices");
    }
    std::vector<Leg> legs = router.Explicit(route, where, from, to);
    if (route.staged && !PassesDevice(legs, spec.devices.size())) {
      throw InputError(where + ": is staged but passes no device that could hold the bytes");
    }
    if (!result.try_emplace({from, to}, std::move(legs), route.staged).second) {
      throw InputError(where + ": is given twice");
    }
  }
  return result;
}

std::int64_t Bits(double value) { return std::bit_cast<std::int64_t>(value); }

std::uint64_t FingerprintOf(const ClusterSpec& spec) {
  Fingerprint print;
  for (const Device& device : spec.devices) {
    print.Add(device.name).Add(device.kind);
    for (const double peak : device.peak_flops_per_s) {
      print.Add(Bits(peak));
    }
    print.Add(Bits(device.memory_bytes_per_s))
        .Add(device.memory_bytes)
        .Add(Bits(device.launch_overhead.count()))
        .Add(static_cast<std::int64_t>(device.copied_by));
    for (const ClassEfficiency& own : device.efficiencies) {
      print.Add(Name(own.op_class))
          .Add(Bits(own.efficiency.compute))
          .Add(Bits(own.efficiency.memory));
    }
  }
  for (const std::string& name : spec.switches) {
    print.Add(name);
  }
  for (const Link& link : spec.links) {
    print.Add(link.name).Add(link.a).Add(link.b).Add(Bits(link.bytes_per_s));
    print.Add(Bits(link.latency.count())).Add(static_cast<std::int64_t>(link.shared));
  }
  for (const ExplicitRoute& route : spec.routes) {
    print.Add(route.from).Add(route.to).Add(static_cast<std::int64_t>(route.staged));
    for (const std::string& link : route.links) {
      print.Add(link);
    }
  }
  return print.value();
}

}  // namespace

Cluster::Cluster(ClusterSpec spec) : spec_(std::move(spec)) {
  for (Link& link : spec_.links) {
    if (link.name.empty()) {
      link.name = link.a + "--" + link.b;
    }
  }
  const NodeIndex nodes = CheckNodes(spec_);
  CheckLinks(spec_, nodes);
  const Router router(spec_, nodes);
  const ExplicitLegs explicit_legs = CheckRoutes(spec_, router);
  const std::size_t n = num_devices();
  std::vector<std::vector<std::size_t>> distance_to(n);
  for (std::size_t to = 0; to < n; ++to) {
    distance_to[to] = router.Distances(to);
  }
  HopTable table(spec_, hops_);
  routes_.resize(n * n);
  for (std::size_t from = 0; from < n; ++from) {
    for (std::size_t to = 0; to < n; ++to) {
      if (from == to) {
        continue;
      }
      const auto it = explicit_legs.find({from, to});
      if (it != explicit_legs.end()) {
        routes_[from * n + to] = table.Cut(from, it->second.first, it->second.second);
      } else {
        const std::vector<Leg> legs = router.DefaultRoute(from, to, distance_to[to]);
        routes_[from * n + to] = table.Cut(from, legs, /*staged=*/true);
      }
    }
  }
  fingerprint_ = FingerprintOf(spec_);
}

std::optional<DeviceId> Cluster::FindDevice(std::string_view name) const {
  for (std::size_t i = 0; i < num_devices(); ++i) {
    if (spec_.devices[i].name == name) {
      return DeviceId(i);
    }
  }
  return std::nullopt;
}

std::string FormatBytes(std::int64_t bytes) {
  constexpr std::array<const char*, 6> kUnits = {"kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes > -1000 && bytes < 1000) {
    return std::to_string(bytes) + " B";
  }
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (std::abs(value) >= 999.995 && unit + 1 < kUnits.size()) {  // would print as 1000.00
    value /= 1000;
    ++unit;
  }
  std::array<char, 48> text{};
  (void)std::snprintf(text.data(), text.size(), "%.2f %s", value, kUnits[unit]);
  return text.data();
}

}  // namespace placer
