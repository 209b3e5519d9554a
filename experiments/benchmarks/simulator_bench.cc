// Simulated placements per second, one thread, random placements over four devices, contention and
// memory on:
//   build/release/bin/simulator_bench
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "cost_model/cluster_io.h"
#include "graphs/base/rng.h"
#include "graphs/graph.h"
#include "runner/simulated_runner.h"

namespace {
std::atomic<std::int64_t> num_allocations{0};
}  // namespace

// Not inlined: the compiler would take new and free, or malloc and delete, for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  num_allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) {  // NOLINT
    return memory;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }  // NOLINT
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}  // NOLINT

namespace placer {
namespace {

/// A layered graph with the shape of published op graphs: about 1.3 edges per op, mostly chains
/// with branches that meet.
Graph MakeLayeredGraph(std::size_t num_ops) {
  Rng rng(num_ops);
  GraphBuilder builder("layered");
  std::vector<TensorId> recent;
  for (std::size_t i = 0; i < num_ops; ++i) {
    Op op;
    op.name = "op" + std::to_string(i);
    op.type = "Bench";
    op.flops = static_cast<std::int64_t>(1'000'000 + rng.Below(200'000'000));
    op.workspace_bytes = static_cast<std::int64_t>(rng.Below(2) * 4096);
    std::vector<TensorId> inputs;
    if (!recent.empty()) {
      inputs.push_back(
          recent[recent.size() - 1 - rng.Below(std::min<std::size_t>(recent.size(), 4))]);
      if (rng.Below(10) < 3) {
        inputs.push_back(
            recent[recent.size() - 1 - rng.Below(std::min<std::size_t>(recent.size(), 30))]);
      }
    }
    TensorSpec output;
    output.shape = {static_cast<std::int64_t>(1000 + rng.Below(500'000))};
    recent.push_back(builder.Output(builder.AddOp(op, inputs, {output})));
  }
  return std::move(builder).Build();
}

/// Four GPUs with direct links, as the peers' simulators model them.
Cluster FourDevices() {
  ClusterSpec spec;
  spec.name = "four";
  for (int i = 0; i < 4; ++i) {
    Device device;
    device.name = "/gpu:" + std::to_string(i);
    device.kind = "gpu";
    device.peak_flops_per_s[0] = 1e13;
    device.memory_bytes_per_s = 5e11;
    device.memory_bytes = 16'000'000'000;
    device.launch_overhead = Seconds(5e-6);
    for (int j = 0; j < i; ++j) {
      Link link;
      link.a = spec.devices[static_cast<std::size_t>(j)].name;
      link.b = device.name;
      link.name = link.a + link.b;
      link.bytes_per_s = 1e10;
      link.latency = Seconds(5e-6);
      spec.links.push_back(link);
    }
    spec.devices.push_back(device);
  }
  return Cluster(spec);
}

void Simulate(benchmark::State& state, const Cluster& cluster, ScheduleOrder order) {
  const Graph graph = MakeLayeredGraph(static_cast<std::size_t>(state.range(0)));
  const CostModel costs(graph, cluster);
  const SimulatedRunner runner(graph, cluster, costs, {order, Objective::kLatency});
  SimulatedRunner::Evaluator evaluator(runner);
  Rng rng(1);
  std::vector<std::vector<DeviceId>> placements(64);
  for (auto& placement : placements) {
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      placement.emplace_back(cluster.num_devices() - 4 + rng.Below(4));
    }
    benchmark::DoNotOptimize(evaluator.Evaluate(placement));
  }
  std::size_t next = 0;
  const std::int64_t allocations_before = num_allocations.load();
  std::int64_t evaluations = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(evaluator.Evaluate(placements[next]));
    next = (next + 1) % placements.size();
    ++evaluations;
  }
  state.counters["placements/s"] =
      benchmark::Counter(static_cast<double>(evaluations), benchmark::Counter::kIsRate);
  state.counters["edges"] = static_cast<double>([&graph] {
    std::size_t edges = 0;
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      edges += graph.inputs(OpId(i)).size();
    }
    return edges;
  }());
  state.counters["allocations"] = static_cast<double>(num_allocations.load() - allocations_before);
}

BENCHMARK_CAPTURE(Simulate, direct_links, FourDevices(), ScheduleOrder::kFifo)
    ->Arg(76)
    ->Arg(330)
    ->Arg(1250)
    ->Arg(2000)
    ->Arg(31000);
BENCHMARK_CAPTURE(Simulate, direct_links_critical_path, FourDevices(), ScheduleOrder::kCriticalPath)
    ->Arg(330)
    ->Arg(2000);
BENCHMARK_CAPTURE(Simulate, k80x4_staged, MakeZooCluster("k80x4"), ScheduleOrder::kFifo)
    ->Arg(76)
    ->Arg(330)
    ->Arg(1250)
    ->Arg(2000)
    ->Arg(31000);

}  // namespace
}  // namespace placer

BENCHMARK_MAIN();
