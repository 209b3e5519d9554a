#include "graphs/detail/scope_groups.h"

#include <algorithm>
#include <map>
#include <optional>

#include "graphs/forward_ops.h"

namespace placer::detail {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// `t12`
bool IsStep(std::string_view scope) {
  return scope.size() > 1 && scope.front() == 't' && std::ranges::all_of(scope.substr(1), IsDigit);
}

/// `2a`
bool IsForkPart(std::string_view scope) {
  return scope.size() > 1 && scope.back() >= 'a' && scope.back() <= 'z' &&
         std::ranges::all_of(scope.substr(0, scope.size() - 1), IsDigit);
}

/// The one unit that reads the input, if there is one alone.
std::optional<OpId> OnlyReader(const Graph& graph, OpId input) {
  std::optional<OpId> reader;
  for (std::size_t k = 0; k < graph.num_outputs(input); ++k) {
    for (const OpId consumer : graph.consumers(TensorId(graph.first_output(input).index() + k))) {
      if (graph.op(consumer).role != OpRole::kForward) {
        continue;
      }
      if (reader && UnitOf(graph.op(*reader).name) != UnitOf(graph.op(consumer).name)) {
        return std::nullopt;
      }
      reader = consumer;
    }
  }
  return reader;
}

}  // namespace

std::string_view UnitOf(std::string_view op_name) {
  std::size_t unit = op_name.rfind('/');
  bool in_branch = false;
  for (std::size_t begin = 0; begin < op_name.size();) {
    const std::size_t end = std::min(op_name.find('/', begin), op_name.size());
    const std::string_view scope = op_name.substr(begin, end - begin);
    if (IsStep(scope)) {
      return op_name.substr(0, end);
    }
    const bool is_branch = end < op_name.size() && scope.starts_with("branch");
    if (is_branch || (in_branch && IsForkPart(scope))) {
      unit = end;
    }
    in_branch = is_branch;
    begin = end + 1;
  }
  return op_name.substr(0, unit);
}

void JoinScopes(const Graph& graph, const AllowedSets& allowed, UnionFind& groups) {
  const ForwardOps forward(graph);
  std::map<std::string_view, OpId> first;
  const auto join = [&](OpId op, OpId other) {
    if (allowed.Same(op, other)) {
      groups.Union(op.index(), other.index());
    }
  };
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const OpId op(i);
    const std::optional<OpId> served = forward.Named(op);
    const std::optional<OpId> reader =
        graph.op(op).role == OpRole::kInput ? OnlyReader(graph, op) : std::nullopt;
    if (served || reader) {
      join(op, served ? *served : *reader);
    } else {
      join(op, first.try_emplace(UnitOf(graph.op(op).name), op).first->second);
    }
  }
}

}  // namespace placer::detail
