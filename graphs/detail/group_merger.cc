#include "graphs/detail/group_merger.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <tuple>

namespace placer::detail {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// An estimate of an op's time in flop: devices do some 16 flop in the time of a byte (data sheets:
/// K80 18, V100 17, H100 20), and starting an op takes about as long as 10^7 flop.
double WorkOf(const Graph& graph, OpId id) {
  if (graph.is_resident(id)) {
    return 0;
  }
  constexpr double kFlopsPerByte = 16;
  constexpr double kLaunchFlops = 1e7;
  const Op& op = graph.op(id);
  return std::max(static_cast<double>(op.flops),
                  static_cast<double>(op.traffic_bytes) * kFlopsPerByte) +
         kLaunchFlops;
}

/// Traffic between two groups, a < b.
struct Edge {
  std::uint32_t a = 0, b = 0;
  double bytes = 0;
  double score = 0;
};

class Merger {
 public:
  Merger(const Graph& graph, const AllowedSets& allowed, std::size_t max_groups,
         std::vector<std::uint32_t>& labels)
      : graph_(graph), max_groups_(max_groups), labels_(labels) {
    count_ = labels.empty() ? 0 : *std::ranges::max_element(labels) + std::size_t{1};
    work_.assign(count_, 0);
    allowed_.assign(count_, 0);
    double total = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      work_[labels[i]] += WorkOf(graph, OpId(i));
      allowed_[labels[i]] = allowed.set(OpId(i));
      total += WorkOf(graph, OpId(i));
    }
    limit_ = 2 * total / static_cast<double>(max_groups);
  }

  void Run() {
    constexpr double kLimitGrowth = 1.5;
    while (count_ > max_groups_) {
      const std::size_t before = count_;
      MergeAlongEdges();
      if (count_ > max_groups_ && before - count_ < before / 50 + 1) {
        // Hardly anything fits any more: allow larger groups, and ops that are no neighbours.
        limit_ *= kLimitGrowth;
        if (before == count_ && !MergeNearest()) {
          return;
        }
      }
    }
  }

 private:
  [[nodiscard]] bool Fits(std::uint32_t a, std::uint32_t b) const {
    return allowed_[a] == allowed_[b] && work_[a] + work_[b] <= limit_;
  }

  /// A tensor's bytes are split over the groups that read it, so that a tensor all groups read
  /// pulls none of them.
  [[nodiscard]] std::vector<Edge> Edges() const {
    std::vector<Edge> edges;
    std::vector<std::uint32_t> stamp(count_, kNone);
    std::vector<std::uint32_t> readers;
    const auto add = [&](std::uint32_t from, std::span<const OpId> consumers, double bytes,
                         std::uint32_t mark) {
      readers.clear();
      for (const OpId consumer : consumers) {
        const std::uint32_t to = labels_[consumer.index()];
        if (to != from && stamp[to] != mark) {
          stamp[to] = mark;
          readers.push_back(to);
        }
      }
      for (const std::uint32_t to : readers) {
        edges.push_back({std::min(from, to), std::max(from, to),
                         std::max(bytes, 1.0) / static_cast<double>(readers.size()), 0});
      }
    };
    std::uint32_t mark = 0;
    for (std::size_t t = 0; t < graph_.num_tensors(); ++t) {
      const Tensor& tensor = graph_.tensor(TensorId(t));
      add(labels_[tensor.producer.index()], graph_.consumers(TensorId(t)),
          static_cast<double>(tensor.bytes), mark++);
    }
    for (std::size_t i = 0; i < graph_.num_ops(); ++i) {
      add(labels_[i], graph_.control_consumers(OpId(i)), 0, mark++);
    }
    std::ranges::sort(edges, {}, [](const Edge& e) { return std::tuple(e.a, e.b, e.bytes); });
    std::size_t kept = 0;
    for (const Edge& edge : edges) {
      if (kept > 0 && edges[kept - 1].a == edge.a && edges[kept - 1].b == edge.b) {
        edges[kept - 1].bytes += edge.bytes;
      } else {
        edges[kept++] = edge;
      }
    }
    edges.resize(kept);
    return edges;
  }

  void MergeAlongEdges() {
    std::vector<Edge> edges = Edges();
    std::erase_if(edges, [&](const Edge& e) { return !Fits(e.a, e.b); });
    for (Edge& edge : edges) {
      edge.score = edge.bytes / (work_[edge.a] + work_[edge.b] + 1);
    }
    // Ties: groups that are near each other in the order of ops (labels are in that order).
    std::ranges::sort(edges, {},
                      [](const Edge& e) { return std::tuple(-e.score, e.b - e.a, e.a); });
    std::vector<std::uint32_t> partner(count_, kNone);
    std::size_t left = count_;
    for (const Edge& edge : edges) {
      if (left > max_groups_ && partner[edge.a] == kNone && partner[edge.b] == kNone) {
        partner[edge.a] = edge.b;
        partner[edge.b] = edge.a;
        --left;
      }
    }
    Apply(partner);
  }

  /// Pairs of groups that follow each other and may share a device, the lightest pairs first,
  /// whatever their size.
  bool MergeNearest() {
    std::map<std::uint32_t, std::uint32_t> previous;  // allowed set -> last group seen
    std::vector<std::tuple<double, std::uint32_t, std::uint32_t>> pairs;
    for (std::uint32_t g = 0; g < count_; ++g) {
      const auto [it, first] = previous.try_emplace(allowed_[g], g);
      if (!first) {
        pairs.emplace_back(work_[it->second] + work_[g], it->second, g);
        it->second = g;
      }
    }
    std::ranges::sort(pairs);
    std::vector<std::uint32_t> partner(count_, kNone);
    // A few at a time: after them, pairs along edges may fit again.
    std::size_t budget = std::min(count_ - max_groups_, count_ / 20 + 1);
    for (const auto& [work, a, b] : pairs) {
      if (budget > 0 && partner[a] == kNone && partner[b] == kNone) {
        partner[a] = b;
        partner[b] = a;
        --budget;
      }
    }
    Apply(partner);
    return !pairs.empty();
  }

  void Apply(std::span<const std::uint32_t> partner) {
    std::vector<std::uint32_t> renamed(count_);
    std::vector<double> work;
    std::vector<std::uint32_t> allowed;
    for (std::uint32_t g = 0; g < count_; ++g) {
      if (partner[g] != kNone && partner[g] < g) {
        renamed[g] = renamed[partner[g]];
        work[renamed[g]] += work_[g];
        continue;
      }
      renamed[g] = static_cast<std::uint32_t>(work.size());
      work.push_back(work_[g]);
      allowed.push_back(allowed_[g]);
    }
    for (std::uint32_t& label : labels_) {
      label = renamed[label];
    }
    work_ = std::move(work);
    allowed_ = std::move(allowed);
    count_ = work_.size();
  }

  const Graph& graph_;
  std::size_t max_groups_;
  std::vector<std::uint32_t>& labels_;
  std::size_t count_ = 0;
  std::vector<double> work_;
  std::vector<std::uint32_t> allowed_;
  double limit_ = 0;  ///< a merged group has no more work than this
};

}  // namespace

std::vector<std::uint32_t> NumberByFirst(std::span<const std::uint32_t> labels) {
  std::map<std::uint32_t, std::uint32_t> number;
  std::vector<std::uint32_t> result;
  result.reserve(labels.size());
  for (const std::uint32_t label : labels) {
    result.push_back(
        number.try_emplace(label, static_cast<std::uint32_t>(number.size())).first->second);
  }
  return result;
}

AllowedSets::AllowedSets(const Graph& graph) : set_of_op_(graph.num_ops()) {
  std::vector<std::set<std::string>> of_class(graph.num_colocation_classes());
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const std::vector<std::string>& names = graph.op(OpId(i)).allowed_devices;
    if (!names.empty()) {
      std::string key;
      for (const std::string& name : std::set<std::string>(names.begin(), names.end())) {
        key += name + '\n';
      }
      of_class[graph.colocation_class(OpId(i))].insert(std::move(key));
    }
  }
  std::map<std::set<std::string>, std::uint32_t> number{{{}, 0}};
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const auto& key = of_class[graph.colocation_class(OpId(i))];
    set_of_op_[i] =
        number.try_emplace(key, static_cast<std::uint32_t>(number.size())).first->second;
  }
}

void MergeGroups(const Graph& graph, const AllowedSets& allowed, std::size_t max_groups,
                 std::vector<std::uint32_t>& labels) {
  Merger(graph, allowed, max_groups, labels).Run();
}

}  // namespace placer::detail
