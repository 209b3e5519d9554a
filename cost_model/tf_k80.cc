#include "cost_model/tf_k80.h"

#include <algorithm>
#include <utility>

#include "cost_model/cluster_io.h"
#include "cost_model/cost_model.h"

namespace placer {
namespace {

// Assumption, not fitted: a tensor that leaves a device passes a Send and a Recv op and an event
// that a thread polls for (10 us while it is busy), each op at the cost of the executor's 10 us,
// beside the 10 us that the copy takes to start: 50 us to the host or from it. Copies between GPUs
// go through the host's memory, since GPUs on PCIe roots of their own have no peer access.
constexpr Seconds kRendezvous{50e-6};

std::vector<ClassEfficiency> Efficiencies(const TfK80Constants::Kind& constants,
                                          const std::string& kind) {
  std::vector<ClassEfficiency> efficiencies;
  for (std::size_t c = 0; c < kNumOpClasses; ++c) {
    const auto op_class = static_cast<OpClass>(c);
    Efficiency efficiency = EfficiencyOf(op_class, kind);
    efficiency.memory *= constants.memory;
    switch (op_class) {
      case OpClass::kMatMul:
        efficiency.compute = constants.matmul;
        break;
      case OpClass::kConvolution:
      case OpClass::kDepthwiseConvolution:
        efficiency.compute = constants.convolution;
        break;
      default:
        efficiency.compute *= constants.memory;
    }
    efficiency.compute = std::min(efficiency.compute, 1.0);
    efficiency.memory = std::min(efficiency.memory, 1.0);
    efficiencies.push_back({op_class, efficiency});
  }
  return efficiencies;
}

}  // namespace

TfK80Constants EstimatedTfK80() {
  constexpr double kExecutor = 30e-6;
  const auto of = [](const std::string& kind) {
    return TfK80Constants::Kind{EfficiencyOf(OpClass::kMatMul, kind).compute,
                                EfficiencyOf(OpClass::kConvolution, kind).compute, 1, kExecutor};
  };
  return {of("cpu"), of("gpu"), 12'000'000'000};
}

// The 1.07 ms per op on the CPU is what lets NMT, with fewer flops, take longer than RNNLM there;
// it stands for all that the model of costs does not have (docs/paper.md).
TfK80Constants FittedTfK80() {
  return {{0.318, 0.0338, 0.693, 1070e-6}, {0.234, 0.0567, 0.827, 32.8e-6}, 7'260'000'000};
}

ClusterSpec TfK80(std::string name, std::size_t num_gpus, const TfK80Constants& constants) {
  ClusterSpec spec = MakeZooCluster("k80x" + std::to_string(num_gpus)).spec();
  spec.name = std::move(name);
  for (Device& device : spec.devices) {
    const TfK80Constants::Kind& kind = device.kind == "cpu" ? constants.cpu : constants.gpu;
    device.efficiencies = Efficiencies(kind, device.kind);
    device.launch_overhead = Seconds(kind.overhead_s);
    if (device.kind == "gpu") {
      device.memory_bytes = constants.gpu_usable_bytes;
    }
  }
  for (Link& link : spec.links) {
    link.latency = kRendezvous;
  }
  return spec;
}

}  // namespace placer
