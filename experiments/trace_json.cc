#include "experiments/trace_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "experiments/channel_name.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDevicesProcess = 1;
constexpr int kLinksProcess = 2;

double Microseconds(Picoseconds time) { return static_cast<double>(time.count()) * 1e-6; }

Json NameRow(const char* what, int process, std::size_t row, const std::string& name) {
  return {{"name", what}, {"ph", "M"}, {"pid", process}, {"tid", row}, {"args", {{"name", name}}}};
}

Json Span(std::string name, const char* category, int process, std::size_t row, Picoseconds start,
          Picoseconds end) {
  return {{"name", std::move(name)},
          {"cat", category},
          {"ph", "X"},
          {"pid", process},
          {"tid", row},
          {"ts", Microseconds(start)},
          {"dur", Microseconds(end) - Microseconds(start)}};
}

std::string PayloadName(const Graph& graph, std::uint32_t payload) {
  if (payload >= graph.num_tensors()) {
    return graph.op(OpId(payload - graph.num_tensors())).name + " (control)";
  }
  const Tensor& tensor = graph.tensor(TensorId(payload));
  return graph.op(tensor.producer).name + ":" + std::to_string(tensor.output_index);
}

using TimedEvent = std::pair<Picoseconds, Json>;

void AddOps(const Graph& graph, const Trace& trace, std::vector<TimedEvent>& events) {
  for (const Trace::OpRun& run : trace.ops) {
    const Op& op = graph.op(run.op);
    Json event = Span(op.name, "op", kDevicesProcess, run.device.index(), run.start, run.end);
    event["args"] = {{"type", op.type}, {"role", Name(op.role)}};
    events.emplace_back(run.start, std::move(event));
  }
}

std::set<Channel> AddTransfers(const Graph& graph, const Cluster& cluster, const Trace& trace,
                               std::vector<TimedEvent>& events) {
  std::set<Channel> used;
  for (const Trace::Transfer& transfer : trace.transfers) {
    for (const Channel channel : cluster.hops()[transfer.hop].channels) {
      used.insert(channel);
      Json event = Span(PayloadName(graph, transfer.payload), "transfer", kLinksProcess, channel,
                        transfer.start, transfer.end);
      event["args"] = {{"bytes", transfer.bytes},
                       {"to", cluster.device(transfer.destination).name},
                       {"waited_us", Microseconds(transfer.start - transfer.requested)}};
      events.emplace_back(transfer.start, std::move(event));
    }
  }
  return used;
}

void AddMemory(const Cluster& cluster, const Trace& trace, std::vector<TimedEvent>& events) {
  for (const Trace::MemoryPoint& point : trace.memory) {
    events.emplace_back(point.time, Json{{"name", "memory " + cluster.device(point.device).name},
                                         {"ph", "C"},
                                         {"pid", kDevicesProcess},
                                         {"ts", Microseconds(point.time)},
                                         {"args", {{"bytes", point.bytes}}}});
  }
}

}  // namespace

Json TraceToJson(const Graph& graph, const Cluster& cluster, const Trace& trace) {
  std::vector<TimedEvent> events;
  AddOps(graph, trace, events);
  const std::set<Channel> channels = AddTransfers(graph, cluster, trace, events);
  AddMemory(cluster, trace, events);
  std::stable_sort(events.begin(), events.end(),
                   [](const TimedEvent& a, const TimedEvent& b) { return a.first < b.first; });

  Json all = Json::array();
  all.push_back(NameRow("process_name", kDevicesProcess, 0, "devices"));
  all.push_back(NameRow("process_name", kLinksProcess, 0, "links"));
  for (std::size_t d = 0; d < cluster.num_devices(); ++d) {
    all.push_back(NameRow("thread_name", kDevicesProcess, d, cluster.devices()[d].name));
  }
  for (const Channel channel : channels) {
    all.push_back(NameRow("thread_name", kLinksProcess, channel, ChannelName(cluster, channel)));
  }
  for (TimedEvent& event : events) {
    all.push_back(std::move(event.second));
  }
  return {{"displayTimeUnit", "ms"},
          {"otherData", {{"graph", graph.name()}, {"cluster", cluster.name()}}},
          {"traceEvents", std::move(all)}};
}

}  // namespace placer
