#include "experiments/report/plan_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <string_view>

#include "experiments/critical_chain.h"
#include "experiments/picture/network_layout.h"
#include "experiments/picture/timeline_rows.h"
#include "experiments/plan_facts.h"

namespace placer {
namespace {

/// The scopes that two names have in common, without the slash after them.
std::string_view CommonScope(std::string_view a, std::string_view b) {
  const auto [end, ignored] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto length = static_cast<std::size_t>(end - a.begin());
  if (length == a.size() && (length == b.size() || b[length] == '/')) {
    return a;
  }
  const std::size_t slash = a.substr(0, length).rfind('/');
  return slash == std::string_view::npos ? std::string_view() : a.substr(0, slash);
}

std::string NameOf(const Graph& graph, std::span<const OpId> ops) {
  std::string_view common = graph.op(ops.front()).name;
  for (const OpId op : ops) {
    common = CommonScope(common, graph.op(op).name);
  }
  return std::string(common.empty() ? std::string_view(graph.op(ops.front()).name) : common);
}

/// The first position of each group; 0 for one without parts that take time.
std::vector<std::size_t> PositionsOfGroups(const Workbench& bench) {
  const NetworkLayout layout = LayOutNetwork(bench.graph(), bench.problem().grouping());
  std::vector<std::size_t> position(bench.problem().num_groups(), layout.num_positions);
  for (const NetworkLayout::Part& part : layout.parts) {
    std::size_t& first = position[part.group.index()];
    first = std::min(first, part.first);
  }
  for (std::size_t& each : position) {
    each = each == layout.num_positions ? 0 : each;
  }
  return position;
}

std::int64_t OutputBytes(const Graph& graph, OpId op) {
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < graph.num_outputs(op); ++i) {
    bytes += graph.tensor(TensorId(graph.first_output(op).index() + i)).bytes;
  }
  return bytes;
}

std::size_t ProducerOf(const Graph& graph, std::uint32_t payload) {
  return payload < graph.num_tensors() ? graph.tensor(TensorId(payload)).producer.index()
                                       : payload - graph.num_tensors();
}

ReportSpan SpanOf(const Graph& graph, const Trace& trace, const TimelineRow& row,
                  const TimelineRow::Span& from) {
  ReportSpan span;
  span.kind = from.kind;
  span.start = from.start;
  span.end = from.end;
  span.is_copy = row.is_channel;
  if (span.is_copy) {
    const Trace::Transfer& transfer = trace.transfers[from.item];
    span.op = ProducerOf(graph, transfer.payload);
    span.bytes = transfer.bytes;
    span.device = transfer.destination.index();
    span.waited = transfer.start - transfer.requested;
  } else {
    span.op = trace.ops[from.item].op.index();
    span.device = trace.ops[from.item].device.index();
  }
  return span;
}

/// Keeps the longest, and all that are critical as long as there is room.
void LeaveOutShortest(ReportTimeline& timeline) {
  if (timeline.spans.size() <= kMaxSpans) {
    return;
  }
  std::vector<std::size_t> order(timeline.spans.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto length = [&](std::size_t i) {
    return timeline.spans[i].end - timeline.spans[i].start;
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const bool a_critical = timeline.spans[a].critical, b_critical = timeline.spans[b].critical;
    return a_critical != b_critical ? a_critical : length(a) > length(b);
  });
  order.resize(kMaxSpans);
  std::sort(order.begin(), order.end());
  std::vector<ReportSpan> kept;
  for (const std::size_t i : order) {
    kept.push_back(timeline.spans[i]);
  }
  timeline.left_out = timeline.spans.size() - kept.size();
  timeline.spans = std::move(kept);
}

ReportTimeline ViewTimeline(const Workbench& bench, const Trace& trace) {
  const Graph& graph = bench.graph();
  std::set<std::pair<bool, std::size_t>> critical;  // (is a copy, item)
  for (const ChainStep& step : CriticalChainSteps(graph, bench.cluster(), trace)) {
    if (step.kind != ChainStep::Kind::kIdle) {
      critical.emplace(step.kind == ChainStep::Kind::kTransfer, step.index);
    }
  }
  ReportTimeline timeline;
  const std::vector<TimelineRow> rows = RowsOf(graph, bench.cluster(), trace);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    timeline.rows.push_back({rows[r].name, rows[r].is_channel});
    for (const TimelineRow::Span& from : rows[r].spans) {
      ReportSpan span = SpanOf(graph, trace, rows[r], from);
      span.row = r;
      span.critical = critical.contains({rows[r].is_channel, from.item});
      timeline.spans.push_back(span);
    }
  }
  LeaveOutShortest(timeline);
  return timeline;
}

std::vector<std::vector<ReportMemoryPoint>> ViewMemory(const Workbench& bench, const Trace& trace) {
  std::vector<std::vector<ReportMemoryPoint>> memory(bench.cluster().num_devices());
  for (const Trace::MemoryPoint& point : trace.memory) {
    memory[point.device.index()].push_back({point.time, point.bytes});
  }
  for (std::vector<ReportMemoryPoint>& points : memory) {
    points = Thin(points, kMaxMemoryPoints);
  }
  return memory;
}

}  // namespace

std::vector<ReportMemoryPoint> Thin(const std::vector<ReportMemoryPoint>& points,
                                    std::size_t max_points) {
  if (points.size() <= max_points) {
    return points;
  }
  constexpr std::size_t kKeptOfStretch = 3;
  const std::size_t stretches = std::max<std::size_t>(max_points / kKeptOfStretch, 1);
  std::vector<ReportMemoryPoint> thin;
  for (std::size_t s = 0; s < stretches; ++s) {
    const std::size_t begin = s * points.size() / stretches;
    const std::size_t end = (s + 1) * points.size() / stretches;
    std::size_t largest = begin;
    for (std::size_t i = begin; i < end; ++i) {
      largest = points[i].bytes > points[largest].bytes ? i : largest;
    }
    for (const std::size_t i : std::set<std::size_t>{begin, largest, end - 1}) {
      thin.push_back(points[i]);
    }
  }
  return thin;
}

ReportGraph ViewGraph(const Workbench& bench) {
  const Graph& graph = bench.graph();
  const Problem& problem = bench.problem();
  ReportGraph view;
  const std::vector<std::size_t> positions = PositionsOfGroups(bench);
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    const GroupId group(g);
    const auto ops = problem.grouping().ops(group);
    view.groups.push_back({NameOf(graph, ops), ops.size(), positions[g],
                           problem.resident_bytes(group), problem.output_bytes(group)});
  }
  for (const Problem::GroupEdge& edge : problem.edges()) {
    view.edges.push_back({edge.from.index(), edge.to.index(), edge.bytes});
  }
  for (std::size_t i = 0; i < graph.num_ops() && graph.num_ops() <= kMaxNamedOps; ++i) {
    const OpId op(i);
    view.ops.push_back({graph.op(op).name, graph.op(op).type, problem.grouping().group(op).index(),
                        OutputBytes(graph, op)});
  }
  return view;
}

ReportPlan ViewPlan(const Workbench& bench, const Placement& placement) {
  const Problem& problem = bench.problem();
  ReportPlan plan;
  const GroupPlacement groups = problem.Collapse(placement);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    plan.device_of_group.push_back(groups[g].index());
    plan.time_of_group.push_back(problem.group_time(GroupId(g), groups[g]));
  }
  const PlanFacts facts = ExaminePlan(bench, placement);
  plan.step = PlanToJson(bench, facts);
  if (bench.objective() == Objective::kLatency) {
    plan.timeline = ViewTimeline(bench, facts.trace);
    plan.memory = ViewMemory(bench, facts.trace);
  }
  return plan;
}

}  // namespace placer
