#include "cost_model/cost_model.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "cost_model/placement.h"
#include "graphs/base/error.h"
#include "graphs/base/text.h"

namespace placer {
namespace {

/// Longer than any step anybody waits for, and small enough that sums fit 64 bits of picoseconds
/// (9.2 x 10^6 s).
constexpr double kMaxSeconds = 1e6;
constexpr std::int64_t kNotAllowed = -1;

/// The one place where times are rounded.
std::int64_t ToPicoseconds(double seconds) {
  return static_cast<std::int64_t>(std::llround(seconds * 1e12));
}

double PeakOf(const Device& device, DataType dtype) {
  const double peak = device.peak_flops_per_s[static_cast<std::size_t>(dtype)];
  return peak > 0 ? peak : device.peak_flops_per_s[static_cast<std::size_t>(DataType::kFloat32)];
}

/// What the graph itself says of the op, by the device's name or else by its kind.
std::optional<double> KnownSeconds(const Op& op, const Device& device) {
  for (const std::string* key : {&device.name, &device.kind}) {
    for (const OpTime& known : op.times) {
      if (known.device == *key) {
        return known.time.count();
      }
    }
  }
  return std::nullopt;
}

double OpSeconds(const Graph& graph, OpId id, const Device& device, const Efficiency& efficiency) {
  const Op& op = graph.op(id);
  if (graph.is_resident(id)) {
    return 0;
  }
  const double compute = static_cast<double>(op.flops) /
                         (PeakOf(device, graph.compute_dtype(id)) * efficiency.compute);
  const double memory =
      static_cast<double>(op.traffic_bytes) / (device.memory_bytes_per_s * efficiency.memory);
  return std::max(compute, memory) + device.launch_overhead.count();
}

[[noreturn]] void ThrowTooLong(const std::string& what, double seconds) {
  throw InputError(what + " takes " + std::to_string(seconds) +
                   " s, expected at most 10^6 s: check sizes and rates");
}

[[noreturn]] void ThrowNowhere(const Op& op, const Cluster& cluster) {
  throw InputError("op " + Quoted(op.name) + ": may run on " + QuotedList(op.allowed_devices) +
                   " only, but cluster " + Quoted(cluster.name()) +
                   " has no device of that name or kind");
}

/// Ops that must share a device need one that all of them may run on.
void CheckClasses(const Graph& graph, const Cluster& cluster, const CostModel& costs) {
  std::vector<std::uint64_t> common(graph.num_colocation_classes(), ~std::uint64_t{0});
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    std::uint64_t mask = 0;
    for (std::size_t d = 0; d < costs.num_devices(); ++d) {
      mask |= static_cast<std::uint64_t>(costs.allowed(OpId(i), DeviceId(d))) << d;
    }
    std::uint64_t& left = common[graph.colocation_class(OpId(i))];
    left &= mask;
    if (left == 0) {
      throw InputError("op " + Quoted(graph.op(OpId(i)).name) + ": no device of cluster " +
                       Quoted(cluster.name()) +
                       " is allowed for it and for the ops that must share its device");
    }
  }
}

}  // namespace

CostModel::CostModel(const Graph& graph, const Cluster& cluster, const Profile* profile)
    : num_ops_(graph.num_ops()),
      num_devices_(cluster.num_devices()),
      num_hops_(cluster.hops().size()) {
  op_time_.assign(num_ops_ * num_devices_, kNotAllowed);
  std::vector<Efficiency> efficiencies;
  for (std::size_t c = 0; c < kNumOpClasses; ++c) {
    for (const Device& device : cluster.devices()) {
      efficiencies.push_back(EfficiencyOf(static_cast<OpClass>(c), device));
    }
  }
  double total = 0;
  for (std::size_t i = 0; i < num_ops_; ++i) {
    const Op& op = graph.op(OpId(i));
    const bool measured = profile != nullptr && !graph.is_resident(OpId(i));
    const std::string signature = measured ? OpSignature(graph, OpId(i)) : std::string();
    double slowest = -1;
    for (std::size_t d = 0; d < num_devices_; ++d) {
      const Device& device = cluster.device(DeviceId(d));
      if (!IsAllowed(op, device)) {
        continue;
      }
      std::optional<double> known =
          graph.is_resident(OpId(i)) ? std::nullopt : KnownSeconds(op, device);
      if (!known && measured) {
        known = profile->OpSeconds(signature, device.kind);
      }
      const double seconds =
          known ? *known
                : OpSeconds(graph, OpId(i), device,
                            efficiencies[static_cast<std::size_t>(op.op_class) * num_devices_ + d]);
      if (!(seconds <= kMaxSeconds)) {
        ThrowTooLong("op " + Quoted(op.name) + " on " + Quoted(device.name), seconds);
      }
      op_time_[i * num_devices_ + d] = ToPicoseconds(seconds);
      slowest = std::max(slowest, seconds);
    }
    if (slowest < 0) {
      ThrowNowhere(op, cluster);
    }
    total += slowest;
  }
  if (!(total <= kMaxSeconds)) {
    ThrowTooLong("graph " + Quoted(graph.name()) + " on its slowest devices", total);
  }
  CheckClasses(graph, cluster, *this);
  MakeHopTimes(graph, cluster, profile);
}

void CostModel::MakeHopTimes(const Graph& graph, const Cluster& cluster, const Profile* profile) {
  // Bytes, and the time of a copy where the graph says it.
  using Size = std::pair<std::int64_t, std::optional<Seconds>>;
  std::vector<Size> sizes{{0, std::nullopt}};
  for (const Tensor& tensor : graph.tensors()) {
    sizes.emplace_back(tensor.bytes, tensor.copy_time);
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  size_class_.reserve(graph.num_tensors());
  for (const Tensor& tensor : graph.tensors()) {
    size_class_.push_back(static_cast<std::uint32_t>(
        std::lower_bound(sizes.begin(), sizes.end(), Size(tensor.bytes, tensor.copy_time)) -
        sizes.begin()));
  }
  hop_time_.reserve(sizes.size() * num_hops_);
  std::vector<double> slowest(sizes.size(), 0);
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    for (const Hop& hop : cluster.hops()) {
      const auto [bytes, copy_time] = sizes[s];
      std::optional<double> known;
      if (copy_time) {
        known = copy_time->count();
      } else if (profile != nullptr) {
        known =
            profile->CopySeconds(cluster.device(hop.from).kind, cluster.device(hop.to).kind, bytes);
      }
      const double seconds =
          known ? *known : hop.latency.count() + static_cast<double>(bytes) / hop.bytes_per_s;
      if (!(seconds <= kMaxSeconds)) {
        ThrowTooLong("sending " + std::to_string(bytes) + " bytes from " +
                         Quoted(cluster.device(hop.from).name) + " to " +
                         Quoted(cluster.device(hop.to).name),
                     seconds);
      }
      hop_time_.push_back(ToPicoseconds(seconds));
      slowest[s] = std::max(slowest[s], seconds);
    }
  }
  double total = 0;
  for (const std::uint32_t size_class : size_class_) {
    total += slowest[size_class] * static_cast<double>(num_devices_);
  }
  if (!(total <= kMaxSeconds)) {
    ThrowTooLong("sending every tensor of graph " + Quoted(graph.name()) + " to every device",
                 total);
  }
}

}  // namespace placer
