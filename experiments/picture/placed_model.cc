#include "experiments/picture/placed_model.h"

#include <algorithm>
#include <numeric>

#include "experiments/format.h"

namespace placer {
namespace {

/// Devices from the largest time to the smallest, ties by index.
std::vector<std::size_t> ByTime(const std::vector<Picoseconds>& on_device) {
  std::vector<std::size_t> order(on_device.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return on_device[a] > on_device[b]; });
  return order;
}

}  // namespace

void DeviceTimes::Add(const PlacedModel& model, OpId op) {
  const DeviceId device = model.placement.device(op);
  on_device[device.index()] += model.costs.op_time(op, device);
  ++num_ops;
}

Picoseconds DeviceTimes::total() const noexcept {
  return std::accumulate(on_device.begin(), on_device.end(), Picoseconds(0));
}

std::size_t DeviceTimes::first() const noexcept {
  return static_cast<std::size_t>(std::max_element(on_device.begin(), on_device.end()) -
                                  on_device.begin());
}

std::size_t DeviceTimes::second() const noexcept {
  const std::vector<std::size_t> order = ByTime(on_device);
  return order.size() > 1 ? order[1] : order[0];
}

double DeviceTimes::share(std::size_t device) const noexcept {
  const auto all = static_cast<double>(total().count());
  return all > 0 ? static_cast<double>(on_device[device].count()) / all : 0;
}

std::string Describe(const DeviceTimes& times, const Cluster& cluster) {
  std::string text;
  for (const std::size_t device : ByTime(times.on_device)) {
    if (times.on_device[device].count() > 0) {
      text += (text.empty() ? "" : ", ") + cluster.devices()[device].name + " " +
              FormatPercent(times.share(device));
    }
  }
  return text + (text.empty() ? "" : "; ") + FormatTime(times.total()) + " in " +
         FormatCount(static_cast<std::int64_t>(times.num_ops)) +
         (times.num_ops == 1 ? " op" : " ops");
}

DeviceTimes TimesOfStep(const PlacedModel& model) {
  DeviceTimes times(model.cluster);
  for (std::size_t i = 0; i < model.graph.num_ops(); ++i) {
    if (!model.graph.is_resident(OpId(i))) {
      times.Add(model, OpId(i));
    }
  }
  return times;
}

}  // namespace placer
