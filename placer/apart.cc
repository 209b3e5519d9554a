#include "placer/apart.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/fingerprint.h"

namespace placer {
namespace {

constexpr std::uint32_t kFree = 0xffffffff;
constexpr std::size_t kNumBits = 64;
/// Steps of one search for a device per class. Rules are few and devices 64 at most: what takes
/// longer is built to be hard.
constexpr int kMaxSteps = 100'000;

Separation::DeviceSet Bit(std::size_t device) { return Separation::DeviceSet{1} << device; }

/// Which sides of which rules each item is on.
std::vector<std::vector<std::uint32_t>> SidesOfItems(std::span<const ApartRule> rules,
                                                     std::span<const std::uint32_t> item_of_op,
                                                     std::size_t num_items) {
  std::vector<std::vector<std::uint32_t>> sides(num_items);
  for (std::size_t r = 0; r < rules.size(); ++r) {
    for (const std::uint32_t side : {0U, 1U}) {
      for (const OpId op : side == 0 ? rules[r].a : rules[r].b) {
        sides[item_of_op[op.index()]].push_back(static_cast<std::uint32_t>(2 * r) + side);
      }
    }
  }
  for (auto& of_item : sides) {
    std::sort(of_item.begin(), of_item.end());
    of_item.erase(std::unique(of_item.begin(), of_item.end()), of_item.end());
  }
  return sides;
}

bool Conflict(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  return std::any_of(a.begin(), a.end(), [&](std::uint32_t side) {
    return std::binary_search(b.begin(), b.end(), side ^ 1U);
  });
}

std::string Listed(std::span<const ApartRule> rules) {
  std::string text;
  for (const ApartRule& rule : rules) {
    text += (text.empty() ? "" : ", ") + ("apart '" + rule.text + "'");
  }
  return text;
}

}  // namespace

Separation::Separation(std::span<const ApartRule> rules, std::span<const std::uint32_t> item_of_op,
                       std::span<const DeviceSet> allowed) {
  if (rules.empty()) {
    return;
  }
  const std::vector<Sides> sides = SidesOfItems(rules, item_of_op, allowed.size());
  for (const Sides& of_item : sides) {
    for (std::size_t k = 1; k < of_item.size(); ++k) {
      if (of_item[k] == of_item[k - 1] + 1 && of_item[k] % 2 == 1) {
        throw InputError("apart '" + rules[of_item[k] / 2].text +
                         "': ops of its two sides must share a device");
      }
    }
  }
  MakeClasses(sides, allowed);
  const std::vector<std::uint32_t> no_preference(classes_.size() * kNumBits, 0);
  switch (ChooseHomes(no_preference, homes_)) {
    case Outcome::kFound:
      return;
    case Outcome::kImpossible:
      throw InputError(Listed(rules) +
                       ": the devices that their ops may use are too few to keep them apart");
    case Outcome::kGaveUp:
      throw InputError(Listed(rules) + ": found no devices that keep their ops apart within " +
                       std::to_string(kMaxSteps) + " steps, there may be some");
  }
}

void Separation::MakeClasses(const std::vector<Sides>& sides, std::span<const DeviceSet> allowed) {
  std::map<std::pair<Sides, DeviceSet>, std::uint32_t> number;
  class_of_item_.assign(sides.size(), kFree);
  for (std::size_t i = 0; i < sides.size(); ++i) {
    if (sides[i].empty()) {
      continue;
    }
    const auto [at, added] = number.try_emplace(std::pair(sides[i], allowed[i]),
                                                static_cast<std::uint32_t>(classes_.size()));
    if (added) {
      classes_.push_back({allowed[i], {}, 0});
      sides_of_class_.push_back(sides[i]);
    }
    class_of_item_[i] = at->second;
    ++classes_[at->second].size;
  }
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    for (std::size_t other = 0; other < classes_.size(); ++other) {
      if (Conflict(sides_of_class_[c], sides_of_class_[other])) {
        classes_[c].conflicts.push_back(static_cast<std::uint32_t>(other));
      }
    }
  }
  order_.resize(classes_.size());
  std::iota(order_.begin(), order_.end(), 0U);
  std::stable_sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::popcount(classes_[a].allowed) < std::popcount(classes_[b].allowed);
  });
}

Separation::DeviceSet Separation::Taken(std::uint32_t of,
                                        const std::vector<DeviceSet>& used) const {
  DeviceSet taken = 0;
  for (const std::uint32_t other : classes_[of].conflicts) {
    taken |= used[other];
  }
  return taken;
}

/// Depth first with an explicit stack: at every class its devices in order of preference.
Separation::Outcome Separation::ChooseHomes(std::span<const std::uint32_t> count,
                                            std::vector<std::uint32_t>& homes) const {
  std::vector<std::vector<std::uint32_t>> options(classes_.size());
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    for (std::uint32_t d = 0; d < kNumBits; ++d) {
      if ((classes_[c].allowed & Bit(d)) != 0) {
        options[c].push_back(d);
      }
    }
    std::stable_sort(options[c].begin(), options[c].end(), [&](std::uint32_t a, std::uint32_t b) {
      return count[c * kNumBits + a] > count[c * kNumBits + b];
    });
  }
  std::vector<DeviceSet> used(classes_.size(), 0);
  std::vector<std::size_t> next(classes_.size(), 0);
  homes.assign(classes_.size(), 0);
  std::size_t depth = 0;
  for (int steps = 0; depth < order_.size(); ++steps) {
    if (steps > kMaxSteps) {
      return Outcome::kGaveUp;
    }
    const std::uint32_t c = order_[depth];
    used[c] = 0;
    const DeviceSet taken = Taken(c, used);
    while (next[depth] < options[c].size() && (taken & Bit(options[c][next[depth]])) != 0) {
      ++next[depth];
    }
    if (next[depth] == options[c].size()) {
      if (depth == 0) {
        return Outcome::kImpossible;
      }
      next[depth--] = 0;
      continue;
    }
    homes[c] = options[c][next[depth]++];
    used[c] = Bit(homes[c]);
    ++depth;
  }
  return Outcome::kFound;
}

std::uint64_t Separation::fingerprint() const noexcept {
  Fingerprint fingerprint;
  for (const std::uint32_t c : class_of_item_) {
    fingerprint.Add(static_cast<std::int64_t>(c));
  }
  for (const Sides& sides : sides_of_class_) {
    fingerprint.Add(static_cast<std::int64_t>(sides.size()));
    for (const std::uint32_t side : sides) {
      fingerprint.Add(static_cast<std::int64_t>(side));
    }
  }
  return fingerprint.value();
}

bool Separation::Holds(std::span<const DeviceId> devices) const {
  if (empty()) {
    return true;
  }
  std::vector<DeviceSet> used(classes_.size(), 0);
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (class_of_item_[i] != kFree) {
      used[class_of_item_[i]] |= Bit(devices[i].index());
    }
  }
  for (std::uint32_t c = 0; c < classes_.size(); ++c) {
    if ((Taken(c, used) & used[c]) != 0) {
      return false;
    }
  }
  return true;
}

void Separation::Repair(std::span<DeviceId> devices) const {
  if (Holds(devices)) {
    return;
  }
  std::vector<std::uint32_t> count(classes_.size() * kNumBits, 0);
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (class_of_item_[i] != kFree) {
      ++count[class_of_item_[i] * kNumBits + devices[i].index()];
    }
  }
  // Every class gets a home that no other takes from it; what it has elsewhere stays where it is
  // alone, or in the majority.
  std::vector<std::uint32_t> homes;
  if (ChooseHomes(count, homes) != Outcome::kFound) {
    homes = homes_;
  }
  std::vector<DeviceSet> used;
  for (const std::uint32_t home : homes) {
    used.push_back(Bit(home));
  }
  std::vector<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>> by_count;
  for (std::uint32_t c = 0; c < classes_.size(); ++c) {
    for (std::uint32_t d = 0; d < kNumBits; ++d) {
      if (const std::uint32_t n = count[c * kNumBits + d]; n > 0) {
        by_count.emplace_back(~n, c, d);
      }
    }
  }
  std::sort(by_count.begin(), by_count.end());
  for (const auto& [n, c, d] : by_count) {
    if ((Taken(c, used) & Bit(d)) == 0) {
      used[c] |= Bit(d);
    }
  }
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const std::uint32_t c = class_of_item_[i];
    if (c != kFree && (used[c] & Bit(devices[i].index())) == 0) {
      devices[i] = DeviceId(homes[c]);
    }
  }
}

std::vector<std::string> FindApartFaults(const KnownDevices& devices,
                                         std::span<const ApartRule> rules, const Graph& graph,
                                         const Cluster& cluster) {
  std::vector<std::string> faults;
  for (const ApartRule& rule : rules) {
    std::map<DeviceId, OpId> first;
    for (const OpId op : rule.a) {
      if (const auto device = devices[op.index()]) {
        first.try_emplace(*device, op);
      }
    }
    for (const OpId op : rule.b) {
      const auto device = devices[op.index()];
      const auto shared = device ? first.find(*device) : first.end();
      if (shared != first.end()) {
        faults.push_back("op '" + graph.op(op).name + "': is on '" + cluster.device(*device).name +
                         "' with op '" + graph.op(shared->second).name +
                         "', expected another device (apart '" + rule.text + "')");
      }
    }
  }
  return faults;
}

}  // namespace placer
