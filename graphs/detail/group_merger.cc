#include "graphs/detail/group_merger.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <tuple>

#include "graphs/base/union_find.h"

namespace placer::detail {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

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
      work_[labels[i]] += EstimatedWork(graph, OpId(i));
      allowed_[labels[i]] = allowed.set(OpId(i));
      total += EstimatedWork(graph, OpId(i));
    }
    average_ = total / static_cast<double>(max_groups);
  }

  /// The limit on a group's work grows from round to round, so that groups grow evenly.
  void Run() {
    if (count_ > max_groups_) {
      MergeIsolated();
    }
    constexpr double kFirst = 1.0 / 16;
    constexpr double kLast = 2;
    constexpr double kBeyond = 1.5;
    for (double share = kFirst; share <= kLast && count_ > max_groups_; share *= 2) {
      limit_ = share * average_;
      absorb_limit_ = kLast * average_;
      MergeAlongEdges();
    }
    for (bool grow = true; count_ > max_groups_;) {
      // Hardly anything fits any more: allow groups that are no neighbours, then larger ones.
      if (grow && !Grow(kBeyond)) {
        return;
      }
      const std::size_t before = count_;
      MergeAlongEdges();
      const bool stuck = before - count_ < before / 50 + 1;
      grow = !(count_ > max_groups_ && stuck && MergeNearest());
    }
  }

 private:
  /// @return false where even one group for all would have fitted
  bool Grow(double factor) {
    if (limit_ > average_ * static_cast<double>(max_groups_)) {
      return false;
    }
    limit_ = absorb_limit_ = limit_ * factor;
    return true;
  }

  /// What is small beside the limit may join a group that has passed it: that hardly changes the
  /// balance, and keeps small ops from forming groups of their own beside the ops they serve.
  [[nodiscard]] bool Fits(std::size_t a, std::size_t b) const {
    constexpr double kSmall = 1.0 / 8;
    const double sum = work_[a] + work_[b];
    return allowed_[a] == allowed_[b] &&
           (sum <= limit_ ||
            (std::min(work_[a], work_[b]) <= kSmall * limit_ && sum <= absorb_limit_));
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

  /// Drops what cannot merge in this round. While the limit is low, a group also waits for a
  /// neighbour that it exchanges most with rather than take another one: pieces of one layer would
  /// else run off with those of the next because the heavy op between them does not fit yet.
  void DropIneligible(std::vector<Edge>& edges) const {
    std::erase_if(edges, [&](const Edge& e) {
      return allowed_[e.a] != allowed_[e.b] || work_[e.a] + work_[e.b] > absorb_limit_;
    });
    std::vector<double> most(count_, 0);
    for (const Edge& edge : edges) {
      most[edge.a] = std::max(most[edge.a], edge.bytes);
      most[edge.b] = std::max(most[edge.b], edge.bytes);
    }
    const bool patient = limit_ < absorb_limit_;
    std::erase_if(edges, [&](const Edge& e) {
      const std::uint32_t smaller = work_[e.b] < work_[e.a] ? e.b : e.a;
      return !Fits(e.a, e.b) || (patient && 2 * e.bytes < most[smaller]);
    });
  }

  void MergeAlongEdges() {
    std::vector<Edge> edges = Edges();
    DropIneligible(edges);
    for (Edge& edge : edges) {
      edge.score = edge.bytes / (std::min(work_[edge.a], work_[edge.b]) + 1);
    }
    // Ties: groups that are near each other in the order of ops (labels are in that order).
    std::ranges::sort(edges, {},
                      [](const Edge& e) { return std::tuple(-e.score, e.b - e.a, e.a); });
    UnionFind merged(count_);
    std::size_t left = count_;
    for (const Edge& edge : edges) {
      const std::size_t a = merged.Find(edge.a);
      const std::size_t b = merged.Find(edge.b);
      if (left > max_groups_ && a != b && Fits(a, b)) {
        merged.Union(a, b);
        work_[std::min(a, b)] = work_[a] + work_[b];
        --left;
      }
    }
    Apply(merged);
  }

  /// What exchanges nothing with the others (a counter of steps) goes with the group before it, up
  /// to the average work: it would never fit by an edge, and while it is counted the others would
  /// have to grow in its stead.
  void MergeIsolated() {
    limit_ = absorb_limit_ = average_;
    std::vector<bool> isolated(count_, true);
    for (const Edge& edge : Edges()) {
      isolated[edge.a] = isolated[edge.b] = false;
    }
    UnionFind merged(count_);
    std::map<std::uint32_t, std::uint32_t> previous;  // allowed set -> last group seen
    std::size_t left = count_;
    for (std::uint32_t g = 0; g < count_; ++g) {
      const auto [it, first] = previous.try_emplace(allowed_[g], g);
      const std::size_t before = merged.Find(it->second);
      if (!first && isolated[g] && left > max_groups_ && Fits(before, g)) {
        merged.Union(before, g);
        work_[std::min<std::size_t>(before, g)] = work_[before] + work_[g];
        --left;
      }
      it->second = g;
    }
    Apply(merged);
  }

  /// Pairs of groups that follow each other and may share a device, the lightest pairs first.
  /// @return whether any fitted
  bool MergeNearest() {
    std::map<std::uint32_t, std::uint32_t> previous;  // allowed set -> last group seen
    std::vector<std::tuple<double, std::uint32_t, std::uint32_t>> pairs;
    for (std::uint32_t g = 0; g < count_; ++g) {
      const auto [it, first] = previous.try_emplace(allowed_[g], g);
      if (!first) {
        if (Fits(it->second, g)) {
          pairs.emplace_back(work_[it->second] + work_[g], it->second, g);
        }
        it->second = g;
      }
    }
    std::ranges::sort(pairs);
    // A few at a time: after them, pairs along edges may fit again.
    std::size_t budget = std::min(count_ - max_groups_, count_ / 20 + 1);
    UnionFind merged(count_);
    std::vector<bool> used(count_, false);
    for (const auto& [work, a, b] : pairs) {
      if (budget > 0 && !used[a] && !used[b]) {
        used[a] = used[b] = true;
        merged.Union(a, b);
        work_[a] = work;
        --budget;
      }
    }
    Apply(merged);
    return !pairs.empty();
  }

  /// Renumbers. The work of a merged group is that of its leader.
  void Apply(UnionFind& merged) {
    const std::vector<std::uint32_t> renamed = merged.Classes();
    for (std::uint32_t g = 0; g < count_; ++g) {
      if (merged.Find(g) == g) {  // renamed[g] <= g: nothing is overwritten before it is moved
        work_[renamed[g]] = work_[g];
        allowed_[renamed[g]] = allowed_[g];
      }
    }
    count_ = merged.num_classes();
    work_.resize(count_);
    allowed_.resize(count_);
    for (std::uint32_t& label : labels_) {
      label = renamed[label];
    }
  }

  const Graph& graph_;
  std::size_t max_groups_;
  std::vector<std::uint32_t>& labels_;
  std::size_t count_ = 0;
  std::vector<double> work_;
  std::vector<std::uint32_t> allowed_;
  double average_ = 0;       ///< work per group in the end
  double limit_ = 0;         ///< on the work of a merged group
  double absorb_limit_ = 0;  ///< the same where one of the two is small
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

double EstimatedWork(const Graph& graph, OpId id) {
  if (graph.is_resident(id)) {
    return 0;
  }
  constexpr double kFlopsPerByte = 16;  // data sheets: K80 18, V100 17, H100 20
  constexpr double kLaunchFlops = 1e7;  // 5 us of 2 Tflop/s
  const Op& op = graph.op(id);
  return std::max(static_cast<double>(op.flops),
                  static_cast<double>(op.traffic_bytes) * kFlopsPerByte) +
         kLaunchFlops;
}

AllowedSets::AllowedSets(const Graph& graph, std::span<const std::uint32_t> label_of_op)
    : set_of_op_(graph.num_ops()) {
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
    if (!label_of_op.empty()) {  // no device's name holds a line end
      of_class[graph.colocation_class(OpId(i))].insert('\n' + std::to_string(label_of_op[i]));
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
