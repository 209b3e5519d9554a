#include "cost_model/cluster_variation.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graphs/base/error.h"
#include "graphs/base/text.h"

namespace placer {
namespace {

constexpr std::string_view kDevices = "devices";
constexpr std::string_view kLinks = "links";

using Units = std::map<std::string_view, double>;
const Units kByteUnits = {{"", 1},         {"B", 1},       {"kB", 1e3},     {"MB", 1e6},
                          {"GB", 1e9},     {"TB", 1e12},   {"KiB", 0x1p10}, {"MiB", 0x1p20},
                          {"GiB", 0x1p30}, {"TiB", 0x1p40}};
const Units kRateUnits = {{"", 1}, {"B/s", 1}, {"MB/s", 1e6}, {"GB/s", 1e9}, {"TB/s", 1e12}};
const Units kTimeUnits = {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};
const Units kFlopUnits = {{"", 1}, {"FLOP/s", 1}, {"GFLOP/s", 1e9}, {"TFLOP/s", 1e12}};

/// `before` times a factor, or what the text says.
double NewValue(double before, std::string_view text, const Units& units, std::string_view key) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  const auto known = units.find(unit);
  if (error != std::errc() || !std::isfinite(value) || value < 0 ||
      (unit != "x" && known == units.end())) {
    std::string names;
    for (const auto& [name, factor] : units) {
      names += name.empty() ? "" : ", " + std::string(name);
    }
    throw InputError(std::string(key) + ": found " + Quoted(text) +
                     ", expected a factor such as 2x, or a number with one of" + names.substr(1));
  }
  return unit == "x" ? before * value : value * known->second;
}

void VaryDevice(Device& device, std::string_view property, std::string_view value,
                std::string_view key) {
  if (property == "memory") {
    device.memory_bytes =
        std::llround(NewValue(static_cast<double>(device.memory_bytes), value, kByteUnits, key));
  } else if (property == "memory_bandwidth") {
    device.memory_bytes_per_s = NewValue(device.memory_bytes_per_s, value, kRateUnits, key);
  } else if (property == "launch_overhead") {
    device.launch_overhead =
        Seconds(NewValue(device.launch_overhead.count(), value, kTimeUnits, key));
  } else {
    const double before = device.peak_flops_per_s[static_cast<std::size_t>(DataType::kFloat32)];
    const double factor = NewValue(before, value, kFlopUnits, key) / before;
    for (double& peak : device.peak_flops_per_s) {
      peak *= factor;
    }
  }
}

constexpr std::array<std::string_view, 4> kDeviceProperties = {"memory", "memory_bandwidth",
                                                               "launch_overhead", "flops"};
constexpr std::array<std::string_view, 2> kLinkProperties = {"bandwidth", "latency"};

/// "gpu.memory" as part and property; no property: a number of devices.
std::pair<std::string_view, std::string_view> Split(std::string_view key) {
  const std::size_t dot = key.find('.');
  return dot == std::string_view::npos ? std::pair(key, std::string_view())
                                       : std::pair(key.substr(0, dot), key.substr(dot + 1));
}

/// The most frequent kind of device that is no cpu, or cpu.
std::string MainKind(const ClusterSpec& spec) {
  std::map<std::string, std::size_t> counts;
  std::string main = "cpu";
  for (const Device& device : spec.devices) {
    if (device.kind != "cpu" && (++counts[device.kind] > counts[main] || main == "cpu")) {
      main = device.kind;
    }
  }
  return main;
}

bool HasKind(const ClusterSpec& spec, std::string_view kind) {
  return std::any_of(spec.devices.begin(), spec.devices.end(),
                     [kind](const Device& device) { return device.kind == kind; });
}

std::vector<std::string> NamesOf(const ClusterSpec& spec, std::string_view kind) {
  std::vector<std::string> names;
  for (const Device& device : spec.devices) {
    if (device.kind == kind) {
      names.push_back(device.name);
    }
  }
  return names;
}

void RemoveDevice(ClusterSpec& spec, const std::string& name) {
  std::set<std::string> gone;
  std::erase_if(spec.devices, [&](const Device& device) { return device.name == name; });
  std::erase_if(spec.links, [&](const Link& link) {
    const bool goes = link.a == name || link.b == name;
    if (goes) {
      gone.insert(link.name);
    }
    return goes;
  });
  std::erase_if(spec.routes, [&](const ExplicitRoute& route) {
    return route.from == name || route.to == name ||
           std::any_of(route.links.begin(), route.links.end(),
                       [&](const std::string& link) { return gone.contains(link); });
  });
}

/// "/gpu:3" -> "/gpu:4", the first number that is free; without a number one is added.
std::string NextName(const ClusterSpec& spec, const std::string& name) {
  std::string stem = name;
  while (!stem.empty() && stem.back() >= '0' && stem.back() <= '9') {
    stem.pop_back();
  }
  for (std::size_t number = 1;; ++number) {
    const std::string next = stem + std::to_string(number);
    if (std::none_of(spec.devices.begin(), spec.devices.end(),
                     [&](const Device& device) { return device.name == next; })) {
      return next;
    }
  }
}

void AddLink(ClusterSpec& spec, const Link& like, std::string a, std::string b) {
  Link link = like;
  link.name = a + "--" + b;
  link.a = std::move(a);
  link.b = std::move(b);
  spec.links.push_back(std::move(link));
}

/// A copy of the last device of the kind: with the same links to what is not of the kind and, where
/// all of the kind are linked with each other, to all of them.
void AddDevice(ClusterSpec& spec, const std::string& kind, std::string_view key) {
  const std::vector<std::string> siblings = NamesOf(spec, kind);
  const std::string model = siblings.back();
  const auto is_sibling = [&](const std::string& name) {
    return std::find(siblings.begin(), siblings.end(), name) != siblings.end();
  };
  const std::vector<Link> links = spec.links;
  std::size_t among = 0;
  std::optional<Link> to_sibling;
  for (const Link& link : links) {
    const bool both = is_sibling(link.a) && is_sibling(link.b);
    among += both ? 1 : 0;
    if (both && (link.a == model || link.b == model)) {
      to_sibling = link;
    }
  }
  const std::size_t pairs = siblings.size() * (siblings.size() - 1) / 2;
  if ((among != 0 && among != pairs) || !spec.routes.empty()) {
    throw InputError(std::string(key) + ": cluster " + Quoted(spec.name) + " has " +
                     std::to_string(siblings.size()) + " devices of kind " + kind +
                     ", expected at most as many: it cannot be told how more are linked");
  }
  const auto at = std::find_if(spec.devices.begin(), spec.devices.end(),
                               [&](const Device& device) { return device.name == model; });
  Device device = *at;
  device.name = NextName(spec, model);
  const std::string name = device.name;
  spec.devices.insert(at + 1, std::move(device));
  for (const Link& link : links) {
    if (link.a == model && !is_sibling(link.b)) {
      AddLink(spec, link, name, link.b);
    } else if (link.b == model && !is_sibling(link.a)) {
      AddLink(spec, link, link.a, name);
    }
  }
  if (to_sibling) {
    for (const std::string& sibling : siblings) {
      AddLink(spec, *to_sibling, sibling, name);
    }
  }
}

void SetCount(ClusterSpec& spec, const std::string& kind, std::string_view key,
              std::string_view value) {
  std::size_t count = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, count);
  if (error != std::errc() || stop != end || count > Cluster::kMaxDevices) {
    throw InputError(std::string(key) + ": found " + Quoted(value) +
                     ", expected a number from 0 to " + std::to_string(Cluster::kMaxDevices));
  }
  while (NamesOf(spec, kind).size() > count) {
    RemoveDevice(spec, NamesOf(spec, kind).back());
  }
  while (NamesOf(spec, kind).size() < count) {
    AddDevice(spec, kind, key);
  }
}

}  // namespace

bool IsClusterVariation(const ClusterSpec& spec, std::string_view key) {
  const auto [part, property] = Split(key);
  const auto has = [&](const auto& properties) {
    return std::find(properties.begin(), properties.end(), property) != properties.end();
  };
  if (part == kLinks) {
    return has(kLinkProperties);
  }
  return (part == kDevices || HasKind(spec, part)) && (property.empty() || has(kDeviceProperties));
}

void VaryCluster(ClusterSpec& spec, std::string_view key, std::string_view value) {
  if (!IsClusterVariation(spec, key)) {
    std::set<std::string> kinds;
    for (const Device& device : spec.devices) {
      kinds.insert(device.kind);
    }
    std::string known = "devices";
    for (const std::string& kind : kinds) {
      known += ", " + kind;
    }
    throw InputError("cluster " + Quoted(spec.name) + " has no parameter " + Quoted(key) +
                     ", expected one of " + known +
                     ", these with .memory, .memory_bandwidth, .launch_overhead or .flops, "
                     "links.bandwidth, links.latency");
  }
  const auto [part, property] = Split(key);
  if (part == kLinks) {
    for (Link& link : spec.links) {
      if (property == "bandwidth") {
        link.bytes_per_s = NewValue(link.bytes_per_s, value, kRateUnits, key);
      } else {
        link.latency = Seconds(NewValue(link.latency.count(), value, kTimeUnits, key));
      }
    }
  } else if (property.empty()) {
    SetCount(spec, part == kDevices ? MainKind(spec) : std::string(part), key, value);
  } else {
    for (Device& device : spec.devices) {
      if (part == kDevices || device.kind == part) {
        VaryDevice(device, property, value, key);
      }
    }
  }
}

}  // namespace placer
