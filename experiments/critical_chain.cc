#include "experiments/critical_chain.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace placer {
namespace {

using Kind = ChainShare::Kind;

/// An op or a copy, in one list.
struct Activity {
  Picoseconds start{0}, end{0};
  bool is_transfer = false;
  std::size_t index = 0;  ///< into trace.ops or trace.transfers
};

class ChainWalk {
 public:
  ChainWalk(const Graph& graph, const Cluster& cluster, const Trace& trace)
      : graph_(graph), cluster_(cluster), trace_(trace) {
    for (std::size_t i = 0; i < trace.ops.size(); ++i) {
      Add({trace.ops[i].start, trace.ops[i].end, false, i});
    }
    for (std::size_t i = 0; i < trace.transfers.size(); ++i) {
      Add({trace.transfers[i].start, trace.transfers[i].end, true, i});
    }
  }

  [[nodiscard]] std::vector<ChainStep> Walk() const {
    std::vector<ChainStep> steps;
    std::optional<Activity> at = Last();
    Picoseconds time = at ? at->end : Picoseconds(0);
    while (at && time.count() > 0) {
      steps.push_back({at->is_transfer ? ChainStep::Kind::kTransfer : ChainStep::Kind::kOp,
                       at->index, at->start, time});
      time = at->start;
      at = Cause(*at);
      if (!at && time.count() > 0) {
        at = LastEndingBy(time);
        const Picoseconds cause_end = at ? at->end : Picoseconds(0);
        steps.push_back({ChainStep::Kind::kIdle, 0, cause_end, time});
        time = cause_end;
      }
    }
    std::reverse(steps.begin(), steps.end());
    return steps;
  }

  [[nodiscard]] std::vector<ChainShare> Shares(const std::vector<ChainStep>& steps) const {
    std::map<std::pair<Kind, std::string>, Picoseconds> shares;
    for (const ChainStep& step : steps) {
      shares[ChargedTo(step)] += step.end - step.start;
    }
    std::vector<ChainShare> sorted;
    for (const auto& [key, time] : shares) {
      if (time.count() > 0) {
        sorted.push_back({key.first, key.second, time});
      }
    }
    std::stable_sort(sorted.begin(), sorted.end(), [](const ChainShare& a, const ChainShare& b) {
      return a.time != b.time ? a.time > b.time : a.name < b.name;
    });
    return sorted;
  }

 private:
  void Add(const Activity& activity) {
    // Nothing that takes no time can be a cause of delay, and a walk over it might not end.
    if (activity.end > activity.start) {
      by_end_[activity.end].push_back(activity);
    }
  }

  [[nodiscard]] std::optional<Activity> Last() const {
    return by_end_.empty() ? std::nullopt : std::optional(by_end_.rbegin()->second.front());
  }
  [[nodiscard]] std::optional<Activity> LastEndingBy(Picoseconds time) const {
    const auto after = by_end_.upper_bound(time);
    return after == by_end_.begin() ? std::nullopt
                                    : std::optional(std::prev(after)->second.front());
  }

  /// What ended at the very moment `activity` started and is what it waited for: first a cause by
  /// data, then one that held the same device or link.
  [[nodiscard]] std::optional<Activity> Cause(const Activity& activity) const {
    const auto ended = by_end_.find(activity.start);
    if (ended == by_end_.end()) {
      return std::nullopt;
    }
    for (const bool by_data : {true, false}) {
      for (const Activity& candidate : ended->second) {
        if (by_data ? Feeds(candidate, activity) : Shares(candidate, activity)) {
          return candidate;
        }
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] bool Feeds(const Activity& from, const Activity& to) const {
    if (to.is_transfer) {
      const Trace::Transfer& transfer = trace_.transfers[to.index];
      if (from.is_transfer) {  // an earlier hop of a staged route
        const Trace::Transfer& before = trace_.transfers[from.index];
        return before.payload == transfer.payload && before.destination == transfer.destination &&
               cluster_.hops()[before.hop].to == cluster_.hops()[transfer.hop].from;
      }
      return trace_.ops[from.index].op == Producer(transfer.payload);
    }
    const Trace::OpRun& run = trace_.ops[to.index];
    if (from.is_transfer) {
      const Trace::Transfer& transfer = trace_.transfers[from.index];
      return transfer.destination == run.device && cluster_.hops()[transfer.hop].to == run.device &&
             Reads(run.op, transfer.payload);
    }
    const OpId producer = trace_.ops[from.index].op;
    return trace_.ops[from.index].device == run.device && ReadsFrom(run.op, producer);
  }

  [[nodiscard]] bool Shares(const Activity& a, const Activity& b) const {
    for (const DeviceId device : DevicesHeld(a)) {
      const std::vector<DeviceId> held = DevicesHeld(b);
      if (std::find(held.begin(), held.end(), device) != held.end()) {
        return true;
      }
    }
    if (!a.is_transfer || !b.is_transfer) {
      return false;
    }
    const auto& left = cluster_.hops()[trace_.transfers[a.index].hop].channels;
    const auto& right = cluster_.hops()[trace_.transfers[b.index].hop].channels;
    return std::any_of(left.begin(), left.end(), [&](Channel channel) {
      return std::find(right.begin(), right.end(), channel) != right.end();
    });
  }

  [[nodiscard]] std::vector<DeviceId> DevicesHeld(const Activity& activity) const {
    if (!activity.is_transfer) {
      return {trace_.ops[activity.index].device};
    }
    const Hop& hop = cluster_.hops()[trace_.transfers[activity.index].hop];
    switch (cluster_.device(hop.from).copied_by) {  // the device it starts from says who copies
      case CopiedBy::kSender:
        return {hop.from};
      case CopiedBy::kReceiver:
        return {hop.to};
      case CopiedBy::kDma:
        break;
    }
    return {};
  }

  [[nodiscard]] OpId Producer(std::uint32_t payload) const {
    return payload < graph_.num_tensors() ? graph_.tensor(TensorId(payload)).producer
                                          : OpId(payload - graph_.num_tensors());
  }
  [[nodiscard]] bool Reads(OpId op, std::uint32_t payload) const {
    if (payload >= graph_.num_tensors()) {
      const auto controls = graph_.control_inputs(op);
      return std::find(controls.begin(), controls.end(), Producer(payload)) != controls.end();
    }
    const auto inputs = graph_.inputs(op);
    return std::find(inputs.begin(), inputs.end(), TensorId(payload)) != inputs.end();
  }
  [[nodiscard]] bool ReadsFrom(OpId op, OpId producer) const {
    const auto inputs = graph_.inputs(op);
    const auto controls = graph_.control_inputs(op);
    return std::any_of(inputs.begin(), inputs.end(),
                       [&](TensorId t) { return graph_.tensor(t).producer == producer; }) ||
           std::find(controls.begin(), controls.end(), producer) != controls.end();
  }

  [[nodiscard]] std::pair<Kind, std::string> ChargedTo(const ChainStep& step) const {
    if (step.kind == ChainStep::Kind::kIdle) {
      return {Kind::kIdle, "waiting"};
    }
    if (step.kind == ChainStep::Kind::kOp) {
      return {Kind::kDevice, cluster_.device(trace_.ops[step.index].device).name};
    }
    const Hop& hop = cluster_.hops()[trace_.transfers[step.index].hop];
    const auto slowest =
        std::min_element(hop.channels.begin(), hop.channels.end(), [&](Channel a, Channel b) {
          return cluster_.links()[a / 2].bytes_per_s < cluster_.links()[b / 2].bytes_per_s;
        });
    return {Kind::kLink, cluster_.links()[*slowest / 2].name};
  }

  const Graph& graph_;
  const Cluster& cluster_;
  const Trace& trace_;
  std::map<Picoseconds, std::vector<Activity>> by_end_;
};

}  // namespace

std::vector<ChainShare> CriticalChain(const Graph& graph, const Cluster& cluster,
                                      const Trace& trace) {
  const ChainWalk walk(graph, cluster, trace);
  return walk.Shares(walk.Walk());
}

std::vector<ChainStep> CriticalChainSteps(const Graph& graph, const Cluster& cluster,
                                          const Trace& trace) {
  return ChainWalk(graph, cluster, trace).Walk();
}

}  // namespace placer
