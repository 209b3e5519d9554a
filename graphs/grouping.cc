#include "graphs/grouping.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "graphs/base/error.h"
#include "graphs/base/union_find.h"
#include "graphs/detail/group_merger.h"
#include "graphs/detail/scope_groups.h"

namespace placer {
namespace {

std::vector<std::uint32_t> ColocationLabels(const Graph& graph) {
  std::vector<std::uint32_t> labels(graph.num_ops());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = graph.colocation_class(OpId(i));
  }
  return labels;
}

/// What an op sends and to whom, as far as the chain rule asks.
struct Outlet {
  OpId consumer;           ///< if `single`
  bool single = false;     ///< all outputs and control edges go to one op
  std::int64_t bytes = 0;  ///< of all outputs
};

Outlet OutletOf(const Graph& graph, OpId id) {
  Outlet outlet;
  bool several = false;
  const auto visit = [&](OpId consumer) {
    several = several || (outlet.single && consumer != outlet.consumer);
    outlet.consumer = consumer;
    outlet.single = true;
  };
  for (std::size_t o = 0; o < graph.num_outputs(id); ++o) {
    const TensorId tensor(graph.first_output(id).index() + o);
    outlet.bytes += graph.tensor(tensor).bytes;
    std::ranges::for_each(graph.consumers(tensor), visit);
  }
  std::ranges::for_each(graph.control_consumers(id), visit);
  outlet.single = outlet.single && !several;
  return outlet;
}

/// Ops that may end a branch: all but resident ones and what is made of parameters alone, which
/// could as well have been made before the step.
std::vector<bool> Computed(const Graph& graph) {
  std::vector<bool> computed(graph.num_ops(), false);
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const auto varies = [&](OpId before) {
      return graph.op(before).role == OpRole::kInput || computed[before.index()];
    };
    const auto inputs = graph.inputs(OpId(i));
    const auto controls = graph.control_inputs(OpId(i));
    computed[i] = !graph.is_resident(OpId(i)) &&
                  ((inputs.empty() && controls.empty()) ||
                   std::ranges::any_of(
                       inputs, [&](TensorId t) { return varies(graph.tensor(t).producer); }) ||
                   std::ranges::any_of(controls, varies));
  }
  return computed;
}

/// Whether a branch is worth a device of its own: its work takes longer than sending what it made.
/// Links carry a byte in the time of at least 100 flop (data sheets: H100 over NVLink 150, K80 over
/// PCIe 360, of which kernels reach about two thirds), and start in the time of 2 x 10^7 (10 us of
/// 2 Tflop/s).
bool IsWorthMoving(double work, std::int64_t bytes) {
  constexpr double kFlopsPerByte = 100;
  constexpr double kStartFlops = 2e7;
  return work > kStartFlops + kFlopsPerByte * static_cast<double>(bytes);
}

void JoinChains(const Graph& graph, bool keep_branches, const detail::AllowedSets& allowed,
                UnionFind& groups) {
  const std::vector<bool> computed = Computed(graph);
  std::vector<Outlet> outlets(graph.num_ops());
  std::vector<OpId> heaviest(graph.num_ops());
  std::vector<bool> chosen(graph.num_ops(), false);
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const Outlet& outlet = outlets[i] = OutletOf(graph, OpId(i));
    if (outlet.single && computed[i]) {
      OpId& best = heaviest[outlet.consumer.index()];
      if (!chosen[outlet.consumer.index()] || outlet.bytes > outlets[best.index()].bytes) {
        best = OpId(i);
        chosen[outlet.consumer.index()] = true;
      }
    }
  }
  std::vector<double> work(graph.num_ops(), 0);  // of the op and of what has joined it
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    work[i] += detail::EstimatedWork(graph, OpId(i));
    const std::size_t consumer = outlets[i].consumer.index();
    const bool is_branch = keep_branches && computed[i] && heaviest[consumer] != OpId(i) &&
                           IsWorthMoving(work[i], outlets[i].bytes);
    if (outlets[i].single && !is_branch && allowed.Same(OpId(i), outlets[i].consumer)) {
      groups.Union(i, consumer);
      work[consumer] += work[i];
    }
  }
}

}  // namespace

Grouping::Grouping(const Graph& graph, std::span<const std::uint32_t> label_of_op) {
  if (label_of_op.size() != graph.num_ops()) {
    throw InputError("a grouping of " + std::to_string(label_of_op.size()) + " ops, expected the " +
                     std::to_string(graph.num_ops()) + " of graph '" + graph.name() + "'");
  }
  std::vector<OpId> leader(graph.num_colocation_classes());
  std::vector<bool> seen(graph.num_colocation_classes(), false);
  for (std::size_t i = 0; i < label_of_op.size(); ++i) {
    const std::uint32_t together = graph.colocation_class(OpId(i));
    if (!seen[together]) {
      seen[together] = true;
      leader[together] = OpId(i);
    } else if (label_of_op[i] != label_of_op[leader[together].index()]) {
      throw InputError("op '" + graph.op(OpId(i)).name + "': is in another group than op '" +
                       graph.op(leader[together]).name + "', with which it must share a device");
    }
  }
  const std::vector<std::uint32_t> group = detail::NumberByFirst(label_of_op);
  const std::size_t count = group.empty() ? 0 : *std::ranges::max_element(group) + std::size_t{1};
  begin_.assign(count + 1, 0);
  for (const std::uint32_t g : group) {
    group_of_op_.emplace_back(g);
    ++begin_[g + 1];
  }
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  ops_.resize(group.size());
  std::vector<std::uint32_t> next(begin_.begin(), begin_.end() - 1);
  for (std::size_t i = 0; i < group.size(); ++i) {
    ops_[next[group[i]]++] = OpId(i);
  }
}

Grouping GroupByColocation(const Graph& graph) { return {graph, ColocationLabels(graph)}; }

Grouping GroupOps(const Graph& graph, const GroupingOptions& options) {
  const std::vector<std::uint32_t> classes = ColocationLabels(graph);
  UnionFind groups(graph.num_ops());
  std::vector<std::size_t> first(graph.num_colocation_classes(), graph.num_ops());
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (first[classes[i]] == graph.num_ops()) {
      first[classes[i]] = i;
    }
    groups.Union(first[classes[i]], i);
  }
  const detail::AllowedSets allowed(graph, options.label_of_op);
  if (options.scopes) {
    detail::JoinScopes(graph, allowed, groups);
  } else if (options.chains) {
    JoinChains(graph, options.keep_branches, allowed, groups);
  }
  std::vector<std::uint32_t> labels = groups.Classes();
  if (options.max_groups > 0) {
    detail::MergeGroups(graph, allowed, options.max_groups, labels);
  }
  return {graph, labels};
}

}  // namespace placer
