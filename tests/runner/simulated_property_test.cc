// Any trace of the simulator, on random graphs, clusters and placements, is checked against the
// rules by code that shares nothing with the event loop.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "cost_model/bound.h"
#include "runner/simulated_runner.h"
#include "tests/support/test_graphs.h"

namespace placer {
namespace {

using testing_support::RandomDevices;
using testing_support::RandomGraph;
using testing_support::UnitDevice;
using testing_support::UnitLink;

/// Staged routes, a switch, a shared bus and devices that copy by themselves, depending on `kind`.
Cluster MakeCluster(std::size_t kind) {
  ClusterSpec spec;
  spec.name = "random";
  for (const char* name : {"d0", "d1", "d2", "d3"}) {
    spec.devices.push_back(UnitDevice(name, 60'000));
  }
  spec.devices[1].peak_flops_per_s[0] = 3e12;
  if (kind % 3 == 0) {
    spec.links = {UnitLink("d0", "d1"), UnitLink("d0", "d2"), UnitLink("d0", "d3")};
  } else if (kind % 3 == 1) {
    spec.switches = {"sw"};
    spec.links = {UnitLink("d0", "sw"), UnitLink("d1", "sw"), UnitLink("d2", "sw", true),
                  UnitLink("d3", "sw")};
  } else {
    spec.links = {UnitLink("d0", "d1", true), UnitLink("d1", "d2"), UnitLink("d2", "d3"),
                  UnitLink("d3", "d0")};
    spec.links[1].latency = Seconds(0);
  }
  spec.devices[0].copied_by = kind % 2 == 0 ? CopiedBy::kSender : CopiedBy::kDma;
  spec.devices[3].copied_by = kind % 4 == 0 ? CopiedBy::kReceiver : CopiedBy::kDma;
  return Cluster(spec);
}

struct Case {
  Graph graph;
  Cluster cluster;
  std::vector<DeviceId> devices;
};

Case MakeCase(std::size_t i) {
  Case c{RandomGraph(30 + 10 * (i % 6), i), MakeCluster(i), {}};
  Rng rng(1000 + i);
  c.devices = RandomDevices(c.graph, c.cluster.num_devices(), rng);
  return c;
}

/// Rebuilds from the trace when everything was available, and checks every start against it.
class TraceChecker {
 public:
  TraceChecker(const Case& c, const CostModel& costs, const Trace& trace, Picoseconds step_time)
      : c_(c), costs_(costs), trace_(trace), step_time_(step_time) {}

  void Check() {
    CheckOps();
    CheckTransfers();
    CheckReadiness();
    CheckNoOverlap();
    CheckMemory();
  }

 private:
  using Ps = std::int64_t;

  [[nodiscard]] DeviceId device(OpId op) const { return c_.devices[op.index()]; }
  [[nodiscard]] OpId producer(std::uint32_t payload) const {
    return payload >= c_.graph.num_tensors() ? OpId(payload - c_.graph.num_tensors())
                                             : c_.graph.tensor(TensorId(payload)).producer;
  }

  void CheckOps() {
    std::size_t expected = 0;
    for (std::size_t i = 0; i < c_.graph.num_ops(); ++i) {
      if (c_.graph.is_resident(OpId(i))) {
        start_[OpId(i)] = end_[OpId(i)] = 0;
      } else {
        ++expected;
      }
    }
    ASSERT_EQ(trace_.ops.size(), expected);
    for (const auto& run : trace_.ops) {
      ASSERT_TRUE(end_.emplace(run.op, run.end.count()).second) << "an op ran twice";
      start_[run.op] = run.start.count();
      ASSERT_EQ(run.device, device(run.op));
      ASSERT_EQ(run.end - run.start, costs_.op_time(run.op, run.device));
    }
    Ps last = 0;
    for (const auto& [op, end] : end_) {
      last = std::max(last, end);
    }
    ASSERT_EQ(last, step_time_.count());
  }

  /// Reservation in order of request: transfers come in the trace in that order.
  void CheckTransfers() {
    std::map<Channel, Ps> channel_free;
    std::map<DeviceId, Ps> copier_free;
    std::map<std::pair<std::uint32_t, DeviceId>, std::size_t> stage;
    Ps last_request = 0;
    for (const auto& transfer : trace_.transfers) {
      const Hop& hop = c_.cluster.hops()[transfer.hop];
      const OpId from = producer(transfer.payload);
      const auto key = std::pair{transfer.payload, transfer.destination};
      const std::size_t k = stage[key]++;
      const auto route = c_.cluster.route(device(from), transfer.destination);
      ASSERT_LT(k, route.size());
      ASSERT_EQ(route[k], transfer.hop);
      ASSERT_EQ(transfer.requested.count(), k == 0 ? end_[from] : arrival_[key]);
      ASSERT_GE(transfer.requested.count(), last_request);
      last_request = transfer.requested.count();
      Ps earliest = transfer.requested.count();
      for (const Channel channel : hop.channels) {
        earliest = std::max(earliest, channel_free[channel]);
      }
      const CopiedBy copied_by = c_.cluster.device(hop.from).copied_by;
      if (copied_by == CopiedBy::kDma) {
        ASSERT_EQ(transfer.start.count(), earliest);
      } else {
        ASSERT_GE(transfer.start.count(), earliest);
      }
      const bool control = transfer.payload >= c_.graph.num_tensors();
      ASSERT_EQ(transfer.end - transfer.start,
                control ? costs_.control_hop_time(transfer.hop)
                        : costs_.hop_time(transfer.hop, TensorId(transfer.payload)));
      for (const Channel channel : hop.channels) {
        channel_free[channel] = transfer.end.count();
      }
      arrival_[key] = transfer.end.count();
    }
  }

  [[nodiscard]] Ps ReadyTime(OpId op) const {
    Ps ready = 0;
    const auto wait_for = [&](std::uint32_t payload) {
      const OpId from = producer(payload);
      ready = std::max(
          ready, device(from) == device(op) ? end_.at(from) : arrival_.at({payload, device(op)}));
    };
    for (const TensorId input : c_.graph.inputs(op)) {
      wait_for(static_cast<std::uint32_t>(input.index()));
    }
    for (const OpId before : c_.graph.control_inputs(op)) {
      wait_for(static_cast<std::uint32_t>(c_.graph.num_tensors() + before.index()));
    }
    return ready;
  }

  /// No op starts before its inputs are there, and of the ready ops the one ready earliest goes
  /// first.
  void CheckReadiness() {
    for (const auto& run : trace_.ops) {
      const Ps ready = ReadyTime(run.op);
      ASSERT_LE(ready, run.start.count());
      for (const auto& later : trace_.ops) {
        if (later.device == run.device && start_[later.op] > run.start.count() &&
            ReadyTime(later.op) < run.start.count()) {
          ASSERT_LE(ready, ReadyTime(later.op)) << "an op that was ready earlier was passed over";
        }
      }
    }
  }

  void CheckNoOverlap() {
    std::map<DeviceId, std::vector<std::pair<Ps, Ps>>> on_device;
    std::map<Channel, std::vector<std::pair<Ps, Ps>>> on_channel;
    for (const auto& run : trace_.ops) {
      on_device[run.device].emplace_back(run.start.count(), run.end.count());
    }
    for (const auto& transfer : trace_.transfers) {
      const Hop& hop = c_.cluster.hops()[transfer.hop];
      for (const Channel channel : hop.channels) {
        on_channel[channel].emplace_back(transfer.start.count(), transfer.end.count());
      }
      const CopiedBy copied_by = c_.cluster.device(hop.from).copied_by;
      if (copied_by != CopiedBy::kDma) {
        on_device[copied_by == CopiedBy::kSender ? hop.from : hop.to].emplace_back(
            transfer.start.count(), transfer.end.count());
      }
    }
    const auto check = [](auto& rows) {
      for (auto& [id, row] : rows) {
        std::sort(row.begin(), row.end());
        for (std::size_t i = 1; i < row.size(); ++i) {
          ASSERT_GE(row[i].first, row[i - 1].second);
        }
      }
    };
    check(on_device);
    check(on_channel);
  }

  /// Sums life times taken from the rules and compares the peak of every device.
  void CheckMemory() {
    struct Interval {
      Ps from, to;
      std::int64_t bytes;
    };
    std::map<DeviceId, std::vector<Interval>> held;
    std::map<TensorId, Ps> storage_end;
    const Ps forever = step_time_.count() + 1;
    for (std::size_t t = 0; t < c_.graph.num_tensors(); ++t) {
      const Tensor& tensor = c_.graph.tensor(TensorId(t));
      const DeviceId home = device(tensor.producer);
      Ps& home_end = storage_end[tensor.storage];
      home_end = std::max(home_end, end_[tensor.producer]);
      if (tensor.graph_output || c_.graph.is_resident(c_.graph.tensor(tensor.storage).producer)) {
        home_end = forever;
      }
      std::map<DeviceId, Ps> copy_end;
      for (const OpId reader : c_.graph.consumers(TensorId(t))) {
        Ps& end = device(reader) == home ? home_end : copy_end[device(reader)];
        end = std::max(end, end_[reader]);
      }
      std::map<DeviceId, Ps> next_start;
      for (auto it = trace_.transfers.rbegin(); it != trace_.transfers.rend(); ++it) {
        if (it->payload != t) {
          continue;
        }
        const Hop& hop = c_.cluster.hops()[it->hop];
        if (hop.from == home) {
          home_end = std::max(home_end, it->end.count());
        }
        const bool last_hop = hop.to == it->destination;
        held[hop.to].push_back(
            {it->start.count(),
             last_hop ? copy_end.at(it->destination) : next_start.at(it->destination),
             tensor.bytes});
        next_start[it->destination] = it->end.count();
      }
    }
    for (const auto& [storage, end] : storage_end) {
      const Tensor& tensor = c_.graph.tensor(storage);
      held[device(tensor.producer)].push_back({start_[tensor.producer], end, tensor.bytes});
    }
    for (std::size_t i = 0; i < c_.graph.num_ops(); ++i) {
      const Op& op = c_.graph.op(OpId(i));
      held[device(OpId(i))].push_back({0, forever, op.persistent_bytes});
      held[device(OpId(i))].push_back({start_[OpId(i)], end_[OpId(i)], op.workspace_bytes});
    }
    for (std::size_t d = 0; d < c_.cluster.num_devices(); ++d) {
      std::int64_t peak = 0;
      const auto& intervals = held[DeviceId(d)];
      for (const Interval& at : intervals) {
        std::int64_t sum = 0;
        for (const Interval& other : intervals) {
          sum += other.from <= at.from && at.from <= other.to ? other.bytes : 0;
        }
        peak = std::max(peak, sum);
      }
      std::int64_t traced = 0;
      for (const auto& point : trace_.memory) {
        traced = point.device == DeviceId(d) ? std::max(traced, point.bytes) : traced;
      }
      EXPECT_EQ(traced, peak) << "device " << d;
    }
  }

  const Case& c_;
  const CostModel& costs_;
  const Trace& trace_;
  Picoseconds step_time_;
  std::map<OpId, Ps> start_, end_;
  std::map<std::pair<std::uint32_t, DeviceId>, Ps> arrival_;
};

class SimulatedProperty : public testing::TestWithParam<std::size_t> {};

TEST_P(SimulatedProperty, TraceKeepsTheRules) {
  const Case c = MakeCase(GetParam());
  const CostModel costs(c.graph, c.cluster);
  const SimulatedRunner runner(c.graph, c.cluster, costs);
  Trace trace;
  const StepReport report = runner.RunWithTrace(Placement(c.devices), &trace);
  TraceChecker(c, costs, trace, report.step_time).Check();
  EXPECT_GE(report.step_time, ComputeLowerBound(c.graph, c.cluster, costs).value());
}

TEST_P(SimulatedProperty, MemoryReturnsToTheResidentLevel) {
  const Case c = MakeCase(GetParam());
  const CostModel costs(c.graph, c.cluster);
  const SimulatedRunner runner(c.graph, c.cluster, costs);
  Trace trace;
  (void)runner.RunWithTrace(Placement(c.devices), &trace);
  std::vector<std::int64_t> resident(c.cluster.num_devices(), 0);
  std::vector<std::int64_t> kept(c.cluster.num_devices(), 0);
  for (std::size_t i = 0; i < c.graph.num_ops(); ++i) {
    resident[c.devices[i].index()] += c.graph.op(OpId(i)).persistent_bytes;
  }
  std::map<TensorId, bool> kept_storage;
  for (std::size_t t = 0; t < c.graph.num_tensors(); ++t) {
    const Tensor& tensor = c.graph.tensor(TensorId(t));
    const std::size_t home = c.devices[tensor.producer.index()].index();
    if (c.graph.is_resident(tensor.producer)) {
      resident[home] += tensor.storage == TensorId(t) ? tensor.bytes : 0;
    }
    const Tensor& storage = c.graph.tensor(tensor.storage);
    if (tensor.graph_output && !c.graph.is_resident(storage.producer) &&
        !kept_storage[tensor.storage]) {
      kept_storage[tensor.storage] = true;
      kept[home] += storage.bytes;
    }
  }
  std::vector<std::int64_t> last(c.cluster.num_devices(), -1);
  std::vector<std::int64_t> before_last(c.cluster.num_devices(), -1);
  for (const auto& point : trace.memory) {
    EXPECT_GE(point.bytes, resident[point.device.index()]);
    before_last[point.device.index()] = last[point.device.index()];
    last[point.device.index()] = point.bytes;
  }
  for (std::size_t d = 0; d < resident.size(); ++d) {
    EXPECT_EQ(last[d], resident[d]);
    EXPECT_EQ(before_last[d], resident[d] + kept[d])
        << "only graph outputs are left when the last op ends";
  }
}

TEST_P(SimulatedProperty, CriticalPathOrderKeepsTheBoundToo) {
  const Case c = MakeCase(GetParam());
  const CostModel costs(c.graph, c.cluster);
  const SimulatedRunner runner(c.graph, c.cluster, costs,
                               {ScheduleOrder::kCriticalPath, Objective::kLatency});
  const StepReport report = runner.Run(Placement(c.devices));
  EXPECT_GE(report.step_time, ComputeLowerBound(c.graph, c.cluster, costs).value());
  SimulatedRunner::Evaluator evaluator(runner);
  EXPECT_EQ(evaluator.Evaluate(c.devices), report.summary());
}

INSTANTIATE_TEST_SUITE_P(Random, SimulatedProperty, testing::Range<std::size_t>(0, 60));

TEST(SimulatedRunner, ManyThreadsAndOneEvaluatorAgree) {
  const Graph graph = RandomGraph(300, 7);
  const Cluster cluster = MakeCluster(0);
  const CostModel costs(graph, cluster);
  const SimulatedRunner runner(graph, cluster, costs);
  Rng rng(5);
  std::vector<Placement> placements;
  for (int i = 0; i < 200; ++i) {
    placements.emplace_back(RandomDevices(graph, cluster.num_devices(), rng));
  }
  std::vector<StepSummary> batch(placements.size());
  runner.RunBatch(placements, batch);
  SimulatedRunner::Evaluator evaluator(runner);
  for (std::size_t i = 0; i < placements.size(); ++i) {
    ASSERT_EQ(evaluator.Evaluate(placements[i].device_of_op()), batch[i]) << i;
  }
  // A fixed point for other builds and machines.
  std::int64_t sum = 0;
  for (const StepSummary& summary : batch) {
    sum += summary.step_time.count() + summary.excess_bytes;
  }
  EXPECT_EQ(sum, 714346928601);
}

}  // namespace
}  // namespace placer
