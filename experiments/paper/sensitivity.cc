#include "experiments/paper/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "cost_model/cost_model.h"
#include "runner/simulated_runner.h"

namespace placer {
namespace {

constexpr double kLargestFactor = 1000;
/// Bisection steps: the factor is known to 1000^(2 / 2^12), 0.3 %.
constexpr int kSteps = 12;

Knob LinkKnob(std::string name, std::string unit, double Link::*rate) {
  return {std::move(name), std::move(unit),
          [rate](const ClusterSpec& spec) { return spec.links.front().*rate; },
          [rate](double factor, ClusterSpec& spec) {
            for (Link& link : spec.links) {
              link.*rate *= factor;
            }
          }};
}

const Device& FirstOf(const ClusterSpec& spec, const std::string& kind) {
  return *std::ranges::find(spec.devices, kind, &Device::kind);
}

/// @param change  of one device of the kind
Knob DeviceKnob(std::string name, std::string unit, const std::string& kind,
                std::function<double(const Device&)> value,
                std::function<void(double, Device&)> change) {
  return {std::move(name), std::move(unit),
          [kind, value = std::move(value)](const ClusterSpec& spec) {
            return value(FirstOf(spec, kind));
          },
          [kind, change = std::move(change)](double factor, ClusterSpec& spec) {
            for (Device& device : spec.devices) {
              if (device.kind == kind) {
                change(factor, device);
              }
            }
          }};
}

}  // namespace

std::vector<Knob> ClusterKnobs() {
  std::vector<Knob> knobs;
  knobs.push_back({"start of a copy", "us",
                   [](const ClusterSpec& spec) { return 1e6 * spec.links.front().latency.count(); },
                   [](double factor, ClusterSpec& spec) {
                     for (Link& link : spec.links) {
                       link.latency *= factor;
                     }
                   }});
  knobs.push_back(LinkKnob("bandwidth of a link", "B/s", &Link::bytes_per_s));
  for (const std::string kind : {"cpu", "gpu"}) {
    knobs.push_back(DeviceKnob(
        kind + ": per op", "us", kind,
        [](const Device& device) { return 1e6 * device.launch_overhead.count(); },
        [](double factor, Device& device) { device.launch_overhead *= factor; }));
    knobs.push_back(DeviceKnob(
        kind + ": peak", "flop/s", kind,
        [](const Device& device) {
          return device.peak_flops_per_s[static_cast<std::size_t>(DataType::kFloat32)];
        },
        [](double factor, Device& device) {
          for (double& peak : device.peak_flops_per_s) {
            peak *= factor;
          }
        }));
  }
  return knobs;
}

std::vector<KnobFlip> FindFlips(const ClusterSpec& spec,
                                const std::function<double(const Cluster&)>& excess) {
  std::vector<KnobFlip> flips;
  const double now = excess(Cluster(spec));
  for (const Knob& knob : ClusterKnobs()) {
    const auto at = [&](double log_factor) {
      ClusterSpec scaled = spec;
      knob.scale(std::exp(log_factor), scaled);
      return excess(Cluster(scaled));
    };
    KnobFlip flip{knob.name, knob.unit, knob.value(spec), std::nullopt};
    for (const double end : {std::log(kLargestFactor), -std::log(kLargestFactor)}) {
      if (flip.needed || at(end) * now > 0) {
        continue;
      }
      double same = 0, other = end;
      for (int step = 0; step < kSteps; ++step) {
        const double middle = (same + other) / 2;
        (at(middle) * now > 0 ? same : other) = middle;
      }
      flip.needed = flip.now * std::exp(other);
    }
    flips.push_back(std::move(flip));
  }
  return flips;
}

double StepSeconds(const Graph& graph, const Cluster& cluster, const Placement& placement) {
  const CostModel costs(graph, cluster);
  const SimulatedRunner runner(graph, cluster, costs);
  return ToSeconds(runner.Run(placement).step_time).count();
}

}  // namespace placer
