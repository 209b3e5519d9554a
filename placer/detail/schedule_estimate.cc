#include "placer/detail/schedule_estimate.h"

#include <algorithm>
#include <utility>

#include "placer/detail/candidates.h"

namespace placer {

ScheduleEstimate::ScheduleEstimate(const Problem& problem, bool reserve_links)
    : problem_(problem),
      reserve_links_(reserve_links),
      decided_(problem.num_groups(), 0),
      device_(problem.num_groups()),
      finish_(problem.graph().num_ops(), 0),
      arrival_(problem.graph().num_tensors() * problem.num_devices(), -1),
      channel_free_(problem.cluster().num_channels(), 0),
      busy_(problem.num_devices()),
      used_bytes_(problem.num_devices(), 0),
      bytes_of_group_(problem.num_groups(), 0) {}

bool ScheduleEstimate::FollowsReader(OpId producer, DeviceId device) const {
  const GroupId group = problem_.grouping().group(producer);
  return problem_.graph().is_resident(producer) && !decided(group) &&
         problem_.allowed(group, device);
}

DeviceId ScheduleEstimate::HomeOf(OpId op) const {
  const GroupId group = problem_.grouping().group(op);
  return decided(group) ? device(group) : problem_.allowed_devices(group).front();
}

std::int64_t ScheduleEstimate::Arrival(TensorId tensor, DeviceId device) const {
  const std::int64_t sent = arrival_[tensor.index() * problem_.num_devices() + device.index()];
  const OpId producer = problem_.graph().tensor(tensor).producer;
  if (sent >= 0) {
    return sent;
  }
  if (FollowsReader(producer, device)) {
    return 0;
  }
  std::int64_t time = finish_[producer.index()];
  for (const std::uint32_t hop : problem_.cluster().route(HomeOf(producer), device)) {
    if (reserve_links_) {
      for (const Channel channel : problem_.cluster().hops()[hop].channels) {
        time = std::max(time, channel_free_[channel]);
      }
    }
    time += problem_.costs().hop_time(hop, tensor).count();
  }
  return time;
}

std::int64_t ScheduleEstimate::ControlArrival(OpId from, DeviceId device) const {
  if (FollowsReader(from, device)) {
    return 0;
  }
  std::int64_t time = finish_[from.index()];
  for (const std::uint32_t hop : problem_.cluster().route(HomeOf(from), device)) {
    time += problem_.costs().control_hop_time(hop).count();
  }
  return time;
}

std::int64_t ScheduleEstimate::DataReady(OpId op, DeviceId device) const {
  std::int64_t ready = 0;
  for (const TensorId input : problem_.graph().inputs(op)) {
    ready = std::max(ready, Arrival(input, device));
  }
  for (const OpId before : problem_.graph().control_inputs(op)) {
    ready = std::max(ready, ControlArrival(before, device));
  }
  return ready;
}

std::int64_t ScheduleEstimate::EarliestStart(DeviceId device, std::int64_t ready,
                                             std::int64_t duration) const {
  const std::vector<Interval>& busy = busy_[device.index()];
  auto next = std::upper_bound(busy.begin(), busy.end(), ready,
                               [](std::int64_t t, const Interval& i) { return t < i.end; });
  while (next != busy.end() && next->start < ready + duration) {
    ready = std::max(ready, next->end);
    ++next;
  }
  return ready;
}

std::int64_t ScheduleEstimate::DeviceFree(DeviceId device) const {
  const std::vector<Interval>& busy = busy_[device.index()];
  return busy.empty() ? 0 : busy.back().end;
}

void ScheduleEstimate::Occupy(DeviceId device, Interval interval) {
  if (interval.start == interval.end) {
    return;
  }
  std::vector<Interval>& busy = busy_[device.index()];
  const auto next = std::upper_bound(busy.begin(), busy.end(), interval.start,
                                     [](std::int64_t t, const Interval& i) { return t < i.start; });
  const bool joins_next = next != busy.end() && next->start == interval.end;
  const bool joins_previous = next != busy.begin() && std::prev(next)->end == interval.start;
  if (joins_previous && joins_next) {
    std::prev(next)->end = next->end;
    busy.erase(next);
  } else if (joins_previous) {
    std::prev(next)->end = interval.end;
  } else if (joins_next) {
    next->start = interval.start;
  } else {
    busy.insert(next, interval);
  }
}

void ScheduleEstimate::Decide(GroupId group, DeviceId device) {
  decided_[group.index()] = 1;
  device_[group.index()] = device;
  used_bytes_[device.index()] += bytes_of_group_[group.index()];
}

void ScheduleEstimate::Send(TensorId tensor, DeviceId device) {
  const OpId producer = problem_.graph().tensor(tensor).producer;
  std::int64_t& arrival = arrival_[tensor.index() * problem_.num_devices() + device.index()];
  if (arrival >= 0) {
    return;
  }
  arrival = finish_[producer.index()];
  for (const std::uint32_t hop : problem_.cluster().route(HomeOf(producer), device)) {
    const std::vector<Channel>& channels = problem_.cluster().hops()[hop].channels;
    if (reserve_links_) {
      for (const Channel channel : channels) {
        arrival = std::max(arrival, channel_free_[channel]);
      }
    }
    arrival += problem_.costs().hop_time(hop, tensor).count();
    for (const Channel channel : channels) {
      channel_free_[channel] = arrival;
    }
  }
}

void ScheduleEstimate::Schedule(OpId op, DeviceId device, bool insert) {
  const Graph& graph = problem_.graph();
  if (!decided(problem_.grouping().group(op))) {
    Decide(problem_.grouping().group(op), device);
  }
  const auto settle = [&](OpId producer) {
    const GroupId group = problem_.grouping().group(producer);
    if (!decided(group)) {  // only resident ops are read before they are decided
      Decide(group, Permitted(problem_, group, device));
    }
  };
  for (const TensorId input : graph.inputs(op)) {
    settle(graph.tensor(input).producer);
    Send(input, device);
  }
  for (const OpId before : graph.control_inputs(op)) {
    settle(before);
  }
  const std::int64_t duration = problem_.costs().op_time(op, device).count();
  const std::int64_t ready = DataReady(op, device);
  const std::int64_t start =
      insert ? EarliestStart(device, ready, duration) : std::max(ready, DeviceFree(device));
  finish_[op.index()] = start + duration;
  Occupy(device, {start, start + duration});
}

GroupPlacement ScheduleEstimate::Finish() {
  for (std::size_t g = 0; g < decided_.size(); ++g) {
    if (!decided(GroupId(g))) {
      Decide(GroupId(g), problem_.allowed_devices(GroupId(g)).front());
    }
  }
  return device_;
}

std::int64_t ScheduleEstimate::AddedBytes(OpId op, DeviceId device) const {
  std::vector<GroupId> added;
  const auto add = [&](OpId member) {
    const GroupId group = problem_.grouping().group(member);
    if (!decided(group) && problem_.allowed(group, device) &&
        std::find(added.begin(), added.end(), group) == added.end()) {
      added.push_back(group);
    }
  };
  add(op);
  for (const TensorId input : problem_.graph().inputs(op)) {
    add(problem_.graph().tensor(input).producer);
  }
  std::int64_t bytes = 0;
  for (const GroupId group : added) {
    bytes += bytes_of_group_[group.index()];
  }
  return bytes;
}

namespace {

/// Mean over ordered pairs of different devices of the time of a transfer.
template <typename HopTime>
double MeanTransfer(const Cluster& cluster, HopTime hop_time) {
  const std::size_t n = cluster.num_devices();
  double sum = 0;
  for (std::size_t from = 0; from < n; ++from) {
    for (std::size_t to = 0; to < n; ++to) {
      for (const std::uint32_t hop : cluster.route(DeviceId(from), DeviceId(to))) {
        sum += static_cast<double>(hop_time(hop).count());
      }
    }
  }
  return n < 2 ? 0.0 : sum / static_cast<double>(n * (n - 1));
}

double MeanTime(const Problem& problem, OpId op) {
  double sum = 0;
  int count = 0;
  for (std::size_t d = 0; d < problem.num_devices(); ++d) {
    if (problem.costs().allowed(op, DeviceId(d))) {
      sum += static_cast<double>(problem.costs().op_time(op, DeviceId(d)).count());
      ++count;
    }
  }
  return sum / count;
}

}  // namespace

std::vector<double> UpwardRanks(const Problem& problem) {
  const Graph& graph = problem.graph();
  const CostModel& costs = problem.costs();
  std::vector<double> transfer_of_class(1 + graph.num_tensors(), -1);
  const double control = MeanTransfer(
      problem.cluster(), [&](std::uint32_t hop) { return costs.control_hop_time(hop); });
  std::vector<double> rank(graph.num_ops(), 0);
  for (std::size_t i = graph.num_ops(); i-- > 0;) {
    const OpId op(i);
    double longest = 0;
    for (std::size_t k = 0; k < graph.num_outputs(op); ++k) {
      const TensorId tensor(graph.first_output(op).index() + k);
      double& transfer = transfer_of_class[costs.size_classes()[tensor.index()]];
      if (transfer < 0) {
        transfer = MeanTransfer(problem.cluster(),
                                [&](std::uint32_t hop) { return costs.hop_time(hop, tensor); });
      }
      for (const OpId consumer : graph.consumers(tensor)) {
        longest = std::max(longest, transfer + rank[consumer.index()]);
      }
    }
    for (const OpId consumer : graph.control_consumers(op)) {
      longest = std::max(longest, control + rank[consumer.index()]);
    }
    rank[i] = MeanTime(problem, op) + longest;
  }
  return rank;
}

}  // namespace placer
