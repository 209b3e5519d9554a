// heft and etf: list scheduling of ops, where the first op of a group that is scheduled decides the
// group's device.
//
// heft: ops by falling upward rank, each on the device where it finishes first, gaps filled.
//   Topcuoglu, Hariri, Wu, IEEE TPDS 13(3), 2002.
// etf: of all ready ops the one that can start first. Hwang, Chow, Anger, Lee, SIAM J. Comput.
//   18(2), 1989; with a check of memory as in m-ETF of Baechi (Jeon et al., SoCC 2020).

#include <algorithm>
#include <limits>
#include <string>
#include <tuple>

#include "placer/detail/candidates.h"
#include "placer/detail/methods.h"
#include "placer/detail/schedule_estimate.h"

namespace placer {
namespace {

std::vector<std::int64_t> BytesOfGroups(const Problem& problem, bool outputs) {
  std::vector<std::int64_t> bytes;
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    bytes.push_back(outputs ? HeldBytes(problem, GroupId(g)) : problem.resident_bytes(GroupId(g)));
  }
  return bytes;
}

/// Where an op may go, and what deciding its group for each device would add to the bytes there.
struct Choice {
  OpId op;
  std::vector<DeviceId> devices;          ///< of the pool, or if none of it is allowed all allowed
  std::vector<std::int64_t> added_bytes;  ///< for each of `devices`
};

Choice MakeChoice(const Problem& problem, const ScheduleEstimate& estimate,
                  const std::vector<DeviceId>& pool, OpId op) {
  const GroupId group = problem.grouping().group(op);
  Choice choice{op, {}, {}};
  std::copy_if(pool.begin(), pool.end(), std::back_inserter(choice.devices),
               [&](DeviceId d) { return problem.allowed(group, d); });
  if (choice.devices.empty()) {
    const auto allowed = problem.allowed_devices(group);
    choice.devices.assign(allowed.begin(), allowed.end());
  }
  for (const DeviceId device : choice.devices) {
    choice.added_bytes.push_back(estimate.AddedBytes(op, device));
  }
  return choice;
}

/// Calls `visit` for the device of a decided group; otherwise for the devices with enough memory
/// left, or if there are none for the one with the most.
template <typename Visit>
void ForEachDevice(const Problem& problem, const ScheduleEstimate& estimate, const Choice& choice,
                   Visit visit) {
  const GroupId group = problem.grouping().group(choice.op);
  if (estimate.decided(group)) {
    visit(estimate.device(group));
    return;
  }
  std::int64_t most_left = std::numeric_limits<std::int64_t>::min();
  DeviceId roomiest = choice.devices.front();
  for (std::size_t i = 0; i < choice.devices.size(); ++i) {
    const DeviceId device = choice.devices[i];
    const std::int64_t left = problem.cluster().device(device).memory_bytes -
                              estimate.used_bytes(device) - choice.added_bytes[i];
    if (left >= 0) {
      visit(device);
    }
    if (left > most_left) {
      most_left = left;
      roomiest = device;
    }
  }
  if (most_left < 0) {
    visit(roomiest);
  }
}

/// What an op adds to its device: its own time, or that of its whole group if it decides it.
std::int64_t Duration(const Problem& problem, const ScheduleEstimate& estimate, OpId op,
                      DeviceId device) {
  const GroupId group = problem.grouping().group(op);
  return estimate.decided(group) ? problem.costs().op_time(op, device).count()
                                 : problem.group_time(group, device).count();
}

struct ListOptions {
  std::vector<DeviceId> pool;
  bool reserve_links = true;
  bool count_outputs = true;  ///< as if nothing were freed during the step
};

GroupPlacement Heft(const Problem& problem, const std::vector<double>& rank,
                    const ListOptions& options) {
  const Graph& graph = problem.graph();
  std::vector<OpId> order;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    if (!graph.is_resident(OpId(i))) {
      order.emplace_back(i);
    }
  }
  // A producer's rank is at least its consumers'; a tie leaves the topological order.
  std::stable_sort(order.begin(), order.end(),
                   [&](OpId a, OpId b) { return rank[a.index()] > rank[b.index()]; });
  ScheduleEstimate estimate(problem, options.reserve_links);
  estimate.set_bytes(BytesOfGroups(problem, options.count_outputs));
  for (const OpId op : order) {
    DeviceId best;
    std::int64_t best_finish = std::numeric_limits<std::int64_t>::max();
    const Choice choice = MakeChoice(problem, estimate, options.pool, op);
    ForEachDevice(problem, estimate, choice, [&](DeviceId device) {
      const std::int64_t start = estimate.EarliestStart(
          device, estimate.DataReady(op, device), problem.costs().op_time(op, device).count());
      const std::int64_t finish = start + Duration(problem, estimate, op, device);
      if (finish < best_finish) {
        best_finish = finish;
        best = device;
      }
    });
    estimate.Schedule(op, best, /*insert=*/true);
  }
  return estimate.Finish();
}

class HeftPlacer final : public CandidatePlacer {
  [[nodiscard]] std::vector<Candidate> Candidates(const Problem& problem, Seed) const override {
    const std::vector<double> rank = UpwardRanks(problem);
    const std::vector<DeviceId> all = AllDevices(problem.cluster());
    std::vector<Candidate> candidates;
    for (const bool count_outputs : {false, true}) {
      for (const bool reserve_links : {true, false}) {
        candidates.push_back({Heft(problem, rank, {all, reserve_links, count_outputs}),
                              std::string(reserve_links ? "transfers wait for links, "
                                                        : "links without contention, ") +
                                  (count_outputs ? "all outputs held" : "outputs freed")});
      }
    }
    return candidates;
  }
};

class EtfRun {
 public:
  EtfRun(const Problem& problem, const std::vector<double>& rank, const ListOptions& options)
      : problem_(problem),
        rank_(rank),
        pool_(options.pool),
        estimate_(problem, options.reserve_links) {
    estimate_.set_bytes(BytesOfGroups(problem, options.count_outputs));
  }

  GroupPlacement Run() {
    const Graph& graph = problem_.graph();
    missing_.assign(graph.num_ops(), 0);
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      missing_[i] = CountProducers(OpId(i));
      if (missing_[i] == 0 && !graph.is_resident(OpId(i))) {
        AddReady(OpId(i));
      }
    }
    while (!ready_.empty()) {
      const auto [slot, device] = Choose();
      const OpId op = ready_[slot].choice.op;
      ready_[slot] = std::move(ready_.back());
      ready_.pop_back();
      estimate_.Schedule(op, device, /*insert=*/false);
      Release(op);
    }
    return estimate_.Finish();
  }

 private:
  struct Ready {
    Choice choice;
    std::vector<std::int64_t> data_ready;  ///< per device, when the op became ready
  };

  /// Edges from ops that take time; a tensor read twice counts once.
  std::uint32_t CountProducers(OpId op) {
    const Graph& graph = problem_.graph();
    const auto inputs = graph.inputs(op);
    std::uint32_t count = 0;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const bool first = std::find(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(k),
                                   inputs[k]) == inputs.begin() + static_cast<std::ptrdiff_t>(k);
      count += first && !graph.is_resident(graph.tensor(inputs[k]).producer) ? 1U : 0U;
    }
    scratch_.assign(graph.control_inputs(op).begin(), graph.control_inputs(op).end());
    std::sort(scratch_.begin(), scratch_.end());
    scratch_.erase(std::unique(scratch_.begin(), scratch_.end()), scratch_.end());
    for (const OpId before : scratch_) {
      count += graph.is_resident(before) ? 0U : 1U;
    }
    return count;
  }

  void AddReady(OpId op) {
    Ready ready{MakeChoice(problem_, estimate_, pool_, op), {}};
    for (std::size_t d = 0; d < problem_.num_devices(); ++d) {
      ready.data_ready.push_back(
          problem_.costs().allowed(op, DeviceId(d)) ? estimate_.DataReady(op, DeviceId(d)) : 0);
    }
    ready_.push_back(std::move(ready));
  }

  void Release(OpId op) {
    const Graph& graph = problem_.graph();
    const auto arrive = [&](std::span<const OpId> consumers) {
      for (const OpId consumer : consumers) {
        if (--missing_[consumer.index()] == 0) {
          AddReady(consumer);
        }
      }
    };
    for (std::size_t k = 0; k < graph.num_outputs(op); ++k) {
      arrive(graph.consumers(TensorId(graph.first_output(op).index() + k)));
    }
    arrive(graph.control_consumers(op));
  }

  /// The ready op that starts first where it would finish first; ties by rank, then by op.
  std::pair<std::size_t, DeviceId> Choose() {
    std::size_t best_slot = 0;
    DeviceId best_device;
    std::tuple<std::int64_t, double, OpId> best{std::numeric_limits<std::int64_t>::max(), 0, {}};
    for (std::size_t slot = 0; slot < ready_.size(); ++slot) {
      const Ready& ready = ready_[slot];
      const OpId op = ready.choice.op;
      std::int64_t start = 0, finish = std::numeric_limits<std::int64_t>::max();
      DeviceId device;
      ForEachDevice(problem_, estimate_, ready.choice, [&](DeviceId d) {
        const std::int64_t begin = std::max(ready.data_ready[d.index()], estimate_.DeviceFree(d));
        const std::int64_t end = begin + Duration(problem_, estimate_, op, d);
        if (end < finish) {
          start = begin;
          finish = end;
          device = d;
        }
      });
      const std::tuple key(start, -rank_[op.index()], op);
      if (key < best) {
        best = key;
        best_slot = slot;
        best_device = device;
      }
    }
    return {best_slot, best_device};
  }

  const Problem& problem_;
  const std::vector<double>& rank_;
  std::vector<DeviceId> pool_;
  ScheduleEstimate estimate_;
  std::vector<std::uint32_t> missing_;
  std::vector<Ready> ready_;
  std::vector<OpId> scratch_;
};

class EtfPlacer final : public CandidatePlacer {
  [[nodiscard]] std::vector<Candidate> Candidates(const Problem& problem, Seed) const override {
    const std::vector<double> rank = UpwardRanks(problem);
    const std::vector<DeviceId> accelerators = Accelerators(problem.cluster());
    std::vector<Candidate> candidates;
    const auto add = [&](const ListOptions& options, const std::string& note) {
      candidates.push_back({EtfRun(problem, rank, options).Run(), note});
    };
    add({accelerators, true, true}, "accelerators, all outputs held");
    add({accelerators, true, false}, "accelerators, outputs freed");
    if (accelerators.size() < problem.num_devices()) {
      add({AllDevices(problem.cluster()), true, true}, "all devices, all outputs held");
      add({AllDevices(problem.cluster()), true, false}, "all devices, outputs freed");
    }
    return candidates;
  }
};

}  // namespace

std::unique_ptr<Placer> MakeHeftPlacer() { return std::make_unique<HeftPlacer>(); }
std::unique_ptr<Placer> MakeEtfPlacer() { return std::make_unique<EtfPlacer>(); }

}  // namespace placer
