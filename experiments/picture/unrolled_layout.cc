#include "experiments/picture/unrolled_layout.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "graphs/forward_ops.h"

namespace placer {
namespace {

constexpr std::size_t kMaxDigits = 6;

/// Whether `scope` is the name or a scope above it.
bool Contains(std::string_view scope, std::string_view name) {
  return name.starts_with(scope) && (name.size() == scope.size() || name[scope.size()] == '/');
}

/// Names by which ops are sorted into layers: of a backward or update op that of the forward op or
/// parameter it serves.
class ServedNames {
 public:
  explicit ServedNames(const Graph& graph) : graph_(graph), forward_(graph) {}
  [[nodiscard]] const std::string& operator()(OpId op) const {
    if (graph_.op(op).role == OpRole::kForward) {
      return graph_.op(op).name;
    }
    // A parameter's first reader would put the sum of its gradients into one time step.
    return graph_.op(forward_.Named(op).value_or(forward_(op))).name;
  }

 private:
  const Graph& graph_;
  ForwardOps forward_;
};

/// Layers by the order of their first op; forward ops come first, so that a layer that has any is
/// ordered by them.
std::vector<std::string> FindLayers(const Graph& graph, const ServedNames& names,
                                    std::size_t* num_steps) {
  std::vector<std::string> layers;
  for (const bool forward : {true, false}) {
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      const OpId op(i);
      if (graph.is_resident(op) || (graph.op(op).role == OpRole::kForward) != forward) {
        continue;
      }
      const std::optional<UnrolledName> at = ParseUnrolledName(names(op));
      if (at) {
        *num_steps = std::max(*num_steps, at->step + 1);
        if (std::find(layers.begin(), layers.end(), at->layer) == layers.end()) {
          layers.emplace_back(at->layer);
        }
      }
    }
  }
  return layers;
}

/// The innermost layer that the name is in.
std::optional<std::size_t> LayerOf(const std::vector<std::string>& layers, std::string_view name) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (Contains(layers[i], name) && (!best || layers[i].size() > layers[*best].size())) {
      best = i;
    }
  }
  return best;
}

}  // namespace

std::optional<UnrolledName> ParseUnrolledName(std::string_view name) {
  for (std::size_t slash = name.find('/'); slash != std::string_view::npos;
       slash = name.find('/', slash + 1)) {
    const std::size_t end = std::min(name.find('/', slash + 1), name.size());
    const std::string_view scope = name.substr(slash + 1, end - slash - 1);
    if (slash == 0 || scope.size() < 2 || scope.size() > kMaxDigits + 1 || scope[0] != 't') {
      continue;
    }
    std::size_t step = 0;
    const auto [stop, error] = std::from_chars(scope.data() + 1, scope.data() + scope.size(), step);
    if (error == std::errc() && stop == scope.data() + scope.size()) {
      return UnrolledName{name.substr(0, slash), step};
    }
  }
  return std::nullopt;
}

UnrolledLayout LayOutUnrolled(const Graph& graph) {
  UnrolledLayout layout;
  const ServedNames names(graph);
  layout.layers = FindLayers(graph, names, &layout.num_steps);
  // Without a step after all steps.
  std::map<std::tuple<bool, std::size_t, std::size_t>, std::vector<OpId>> cells;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const OpId op(i);
    if (graph.is_resident(op)) {
      continue;
    }
    const std::string& name = names(op);
    const std::optional<UnrolledName> at = ParseUnrolledName(name);
    const std::optional<std::size_t> layer = LayerOf(layout.layers, at ? at->layer : name);
    if (layer) {
      const bool backward = graph.op(op).role != OpRole::kForward;
      cells[{backward, *layer, at ? at->step : layout.num_steps}].push_back(op);
    } else {
      layout.rest.push_back(op);
    }
  }
  for (auto& [key, ops] : cells) {
    const auto [backward, layer, step] = key;
    layout.cells.push_back({backward, layer,
                            step < layout.num_steps ? std::optional(step) : std::nullopt,
                            std::move(ops)});
  }
  return layout;
}

bool IsUnrolled(const UnrolledLayout& layout) {
  std::size_t in_steps = 0, all = layout.rest.size();
  for (const UnrolledLayout::Cell& cell : layout.cells) {
    all += cell.ops.size();
    in_steps += cell.step ? cell.ops.size() : 0;
  }
  return layout.num_steps >= 3 && 2 * in_steps >= all;
}

}  // namespace placer
