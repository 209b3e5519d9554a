// expert: what a practitioner would write down, by model family, as in arXiv 1706.04972 (the
// "Expert" baseline). Recurrent models: one LSTM layer per accelerator, embeddings with the first
// layer, attention and softmax with the last. All others: contiguous parts of the forward pass, of
// equal work or of equal depth. Backward ops, parameters and updates go with their forward ops.
//
// Layers are read off names: a scope such as `lstm0` in `encoder/lstm0/t12/matmul`, or the position
// of a whole-sequence LSTM, GRU or RNN op.

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "graphs/forward_ops.h"
#include "placer/detail/candidates.h"
#include "placer/detail/contiguous.h"
#include "placer/detail/methods.h"

namespace placer {
namespace {

/// Where a group belongs: the forward op of its first forward op, else of its first op that takes
/// time, else of its first.
OpId AnchorOf(const Graph& graph, const ForwardOps& forward, std::span<const OpId> ops) {
  OpId chosen = ops.front();
  int chosen_class = 2;
  for (const OpId op : ops) {
    const int op_class = graph.op(op).role == OpRole::kForward ? 0 : graph.is_resident(op) ? 2 : 1;
    if (op_class < chosen_class) {
      chosen = op;
      chosen_class = op_class;
    }
  }
  return forward(chosen);
}

struct Layer {
  std::string stack;  ///< "encoder", "decoder", or empty
  std::int64_t number = 0;
  auto operator<=>(const Layer&) const = default;
};

std::string Lower(std::string_view text) {
  std::string lower;
  for (const char c : text) {
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return lower;
}

/// The layer named by a scope: `lstm0`, `lstm_1`, `gru2`; with the scopes before it as the stack.
std::optional<Layer> LayerInName(const std::string& op_name) {
  const std::string name = Lower(op_name);
  std::size_t begin = 0;
  while (begin < name.size()) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view scope = std::string_view(name).substr(begin, end - begin);
    for (const std::string_view kind : {"lstm", "gru", "rnn"}) {
      const std::size_t at = scope.rfind(kind);
      if (at == std::string_view::npos) {
        continue;
      }
      std::string_view digits = scope.substr(at + kind.size());
      digits.remove_prefix(digits.starts_with('_') ? 1 : 0);
      const bool is_number =
          !digits.empty() && digits.size() <= 6 &&
          std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (is_number) {
        return Layer{name.substr(0, begin + at), std::stol(std::string(digits))};
      }
    }
    begin = end + 1;
  }
  return std::nullopt;
}

bool IsWholeSequenceOp(const Op& op) {
  constexpr std::array<std::string_view, 3> kTypes = {"LSTM", "GRU", "RNN"};
  return op.role == OpRole::kForward &&
         std::find(kTypes.begin(), kTypes.end(), op.type) != kTypes.end();
}

/// The recurrent layer of every forward op, if the model has any.
class RecurrentLayers {
 public:
  explicit RecurrentLayers(const Graph& graph) : layer_(graph.num_ops()) {
    std::int64_t whole_sequence_ops = 0;
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      const Op& op = graph.op(OpId(i));
      if (op.role != OpRole::kForward) {
        continue;
      }
      layer_[i] = LayerInName(op.name);
      if (IsWholeSequenceOp(op)) {
        layer_[i] = Layer{"", whole_sequence_ops++};
      }
      if (layer_[i] && std::find(order_.begin(), order_.end(), *layer_[i]) == order_.end()) {
        order_.push_back(*layer_[i]);
      }
    }
  }
  [[nodiscard]] bool any() const noexcept { return !order_.empty(); }
  [[nodiscard]] const std::optional<Layer>& of(OpId op) const { return layer_[op.index()]; }
  /// All layers, stacks in order of appearance and each stack's from the bottom.
  [[nodiscard]] std::vector<Layer> BottomUp() const {
    std::vector<std::string> stacks;
    for (const Layer& layer : order_) {
      if (std::find(stacks.begin(), stacks.end(), layer.stack) == stacks.end()) {
        stacks.push_back(layer.stack);
      }
    }
    std::vector<Layer> layers;
    for (const std::string& stack : stacks) {
      const std::size_t begin = layers.size();
      std::copy_if(order_.begin(), order_.end(), std::back_inserter(layers),
                   [&](const Layer& layer) { return layer.stack == stack; });
      std::sort(layers.begin() + static_cast<std::ptrdiff_t>(begin), layers.end());
    }
    return layers;
  }

 private:
  std::vector<std::optional<Layer>> layer_;
  std::vector<Layer> order_;
};

/// The i-th of n layers: one per device, or where there are more layers equally many.
std::size_t Spread(std::size_t i, std::size_t n, std::size_t num_devices) {
  return n <= num_devices ? i : i * num_devices / n;
}

/// Index into the accelerators of every layer.
std::map<Layer, std::size_t> AssignLayers(const std::vector<Layer>& layers, std::size_t num_devices,
                                          bool stacks_side_by_side) {
  std::map<Layer, std::size_t> device;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!stacks_side_by_side) {
      device[layers[i]] = Spread(i, layers.size(), num_devices);
      continue;
    }
    const auto same = [&](const Layer& layer) { return layer.stack == layers[i].stack; };
    const auto first = std::find_if(layers.begin(), layers.end(), same);
    const auto size = static_cast<std::size_t>(std::count_if(layers.begin(), layers.end(), same));
    device[layers[i]] =
        Spread(i - static_cast<std::size_t>(first - layers.begin()), size, num_devices);
  }
  return device;
}

GroupPlacement PlaceRecurrent(const Problem& problem, const ForwardOps& forward,
                              const RecurrentLayers& recurrent, bool stacks_side_by_side) {
  const std::vector<DeviceId> devices = Accelerators(problem.cluster());
  const std::vector<Layer> layers = recurrent.BottomUp();
  const std::map<Layer, std::size_t> device_of =
      AssignLayers(layers, devices.size(), stacks_side_by_side);
  std::size_t last = 0;
  for (const auto& [layer, device] : device_of) {
    last = std::max(last, device);
  }
  GroupPlacement groups;
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    const OpId anchor = AnchorOf(problem.graph(), forward, problem.grouping().ops(GroupId(g)));
    std::size_t device = last;
    if (recurrent.of(anchor)) {
      device = device_of.at(*recurrent.of(anchor));
    } else if (const std::string name = Lower(problem.graph().op(anchor).name);
               name.find("embed") != std::string::npos) {
      const std::string scope = name.substr(0, name.find('/'));
      const auto own = std::find_if(layers.begin(), layers.end(), [&](const Layer& layer) {
        return layer.stack.starts_with(scope + "/");
      });
      device = device_of.at(own == layers.end() ? layers.front() : *own);
    }
    groups.push_back(Permitted(problem, GroupId(g), devices[device]));
  }
  return groups;
}

GroupPlacement PlaceContiguous(const Problem& problem, const ForwardOps& forward, bool by_depth) {
  const std::vector<DeviceId> devices = Accelerators(problem.cluster());
  const Graph& graph = problem.graph();
  std::vector<std::int64_t> cost(graph.num_ops() * devices.size(), 0);
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const OpId op(i);
    for (std::size_t d = 0; d < devices.size(); ++d) {
      const bool is_forward = graph.op(op).role == OpRole::kForward;
      const bool counts = by_depth ? is_forward : problem.costs().allowed(op, devices[d]);
      cost[forward(op).index() * devices.size() + d] +=
          !counts    ? 0
          : by_depth ? 1
                     : problem.costs().op_time(op, devices[d]).count();
    }
  }
  const std::vector<std::uint32_t> part = SplitContiguously(cost, devices.size());
  GroupPlacement groups;
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    const OpId anchor = AnchorOf(problem.graph(), forward, problem.grouping().ops(GroupId(g)));
    groups.push_back(Permitted(problem, GroupId(g), devices[part[anchor.index()]]));
  }
  return groups;
}

class ExpertPlacer final : public CandidatePlacer {
  [[nodiscard]] std::vector<Candidate> Candidates(const Problem& problem, Seed) const override {
    const ForwardOps forward(problem.graph());
    const RecurrentLayers recurrent(problem.graph());
    if (recurrent.any()) {
      return {{PlaceRecurrent(problem, forward, recurrent, true),
               "one recurrent layer per accelerator, stacks side by side"},
              {PlaceRecurrent(problem, forward, recurrent, false),
               "one recurrent layer per accelerator, stacks in sequence"}};
    }
    return {{PlaceContiguous(problem, forward, false), "contiguous parts of equal work"},
            {PlaceContiguous(problem, forward, true), "contiguous parts of equal depth"}};
  }
};

}  // namespace

std::unique_ptr<Placer> MakeExpertPlacer() { return std::make_unique<ExpertPlacer>(); }

}  // namespace placer
