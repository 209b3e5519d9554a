// scotch and min_cut: graph partitioning by libscotch, as the baselines of arXiv 1706.04972. The
// group graph, weighted with times and bytes, is mapped onto a complete graph of devices weighted
// with their speeds: all devices for scotch, without the CPUs for min_cut.
// Source: Pellegrini, "Distillating knowledge about SCOTCH", 2009; library manual of Scotch 7.0.

#include <scotch.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <string>

#include "graphs/base/error.h"
#include "placer/detail/candidates.h"
#include "placer/detail/methods.h"

namespace placer {
namespace {

/// Scotch sums weights in 32-bit integers and does not notice when they overflow. Weights are
/// scaled to sum to about this, which leaves room for its sums over pairs of edges and devices.
constexpr double kWeightSum = 1 << 26;
/// Weight of the fastest device; the others in proportion.
constexpr double kFastestDevice = 1 << 10;

/// What Scotch is told. Neighbours in compressed rows, both directions of every edge.
struct WeightedGraph {
  std::vector<SCOTCH_Num> vertex_weight;  ///< >= 1
  std::vector<SCOTCH_Num> row_begin;
  std::vector<SCOTCH_Num> neighbour;
  std::vector<SCOTCH_Num> edge_weight;  ///< >= 1
  std::vector<SCOTCH_Num> device_weight;
};

std::vector<SCOTCH_Num> Scale(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  std::vector<SCOTCH_Num> scaled;
  for (const double value : values) {
    scaled.push_back(1 +
                     static_cast<SCOTCH_Num>(sum > 0 ? std::floor(value / sum * kWeightSum) : 0.0));
  }
  return scaled;
}

/// Speed of each device: one over the time it takes for the groups that may run on all of them.
std::vector<double> Speeds(const Problem& problem, const std::vector<DeviceId>& devices) {
  std::vector<double> time(devices.size(), 0);
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    const bool anywhere = std::all_of(devices.begin(), devices.end(),
                                      [&](DeviceId d) { return problem.allowed(GroupId(g), d); });
    for (std::size_t i = 0; anywhere && i < devices.size(); ++i) {
      time[i] += static_cast<double>(problem.group_time(GroupId(g), devices[i]).count());
    }
  }
  std::vector<double> speed;
  for (const double t : time) {
    speed.push_back(t > 0 ? 1.0 / t : 1.0);
  }
  return speed;
}

void AddEdges(const Problem& problem, WeightedGraph* graph) {
  struct Arc {
    std::size_t from, to;
    double bytes;
  };
  std::vector<Arc> arcs;
  for (const Problem::GroupEdge& edge : problem.edges()) {
    const auto bytes = static_cast<double>(edge.bytes);
    arcs.push_back({edge.from.index(), edge.to.index(), bytes});
    arcs.push_back({edge.to.index(), edge.from.index(), bytes});
  }
  std::sort(arcs.begin(), arcs.end(), [](const Arc& a, const Arc& b) {
    return std::pair(a.from, a.to) < std::pair(b.from, b.to);
  });
  std::vector<double> weight;
  graph->row_begin.assign(problem.num_groups() + 1, 0);
  for (std::size_t i = 0; i < arcs.size(); ++i) {
    if (i > 0 && arcs[i].from == arcs[i - 1].from && arcs[i].to == arcs[i - 1].to) {
      weight.back() += arcs[i].bytes;  // a cycle of two groups
      continue;
    }
    ++graph->row_begin[arcs[i].from + 1];
    graph->neighbour.push_back(static_cast<SCOTCH_Num>(arcs[i].to));
    weight.push_back(arcs[i].bytes);
  }
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    graph->row_begin[g + 1] += graph->row_begin[g];
  }
  graph->edge_weight = Scale(weight);
}

WeightedGraph MakeWeightedGraph(const Problem& problem, const std::vector<DeviceId>& devices) {
  WeightedGraph graph;
  const std::vector<double> speed = Speeds(problem, devices);
  const double fastest = *std::max_element(speed.begin(), speed.end());
  for (const double s : speed) {
    graph.device_weight.push_back(
        std::max(1, static_cast<SCOTCH_Num>(std::lround(s / fastest * kFastestDevice))));
  }
  std::vector<double> work;  // the group's mean time, each device's in units of its own speed
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    double sum = 0;
    int count = 0;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      if (problem.allowed(GroupId(g), devices[i])) {
        sum += static_cast<double>(problem.group_time(GroupId(g), devices[i]).count()) * speed[i] /
               fastest;
        ++count;
      }
    }
    work.push_back(count == 0 ? 0.0 : sum / count);
  }
  graph.vertex_weight = Scale(work);
  AddEdges(problem, &graph);
  return graph;
}

/// Owns Scotch's structures for one mapping. A context of its own is not enough for the result to
/// depend on the seed alone: mappings that ran at the same time came out differently now and then,
/// so that one waits for the other.
class Mapper {
 public:
  explicit Mapper(Seed seed) : lock_(OneAtATime()) {
    Check(SCOTCH_contextInit(&context_), "contextInit");
    Check(SCOTCH_contextOptionSetNum(&context_, SCOTCH_OPTIONNUMDETERMINISTIC, 1),
          "contextOptionSetNum");
    SCOTCH_contextRandomSeed(&context_, static_cast<SCOTCH_Num>(seed & 0x7fffffffU));
    Check(SCOTCH_contextThreadSpawn(&context_, 1, nullptr), "contextThreadSpawn");
    Check(SCOTCH_graphInit(&graph_), "graphInit");
    Check(SCOTCH_graphInit(&bound_), "graphInit");
    Check(SCOTCH_archInit(&arch_), "archInit");
    Check(SCOTCH_stratInit(&strategy_), "stratInit");
  }
  ~Mapper() {
    SCOTCH_stratExit(&strategy_);
    SCOTCH_archExit(&arch_);
    SCOTCH_graphExit(&bound_);
    SCOTCH_graphExit(&graph_);
    SCOTCH_contextExit(&context_);
  }
  Mapper(const Mapper&) = delete;
  Mapper& operator=(const Mapper&) = delete;

  /// @param fixed  [num_groups], the part of a group that has no choice, else -1
  std::vector<SCOTCH_Num> Map(const WeightedGraph& input, double imbalance,
                              std::vector<SCOTCH_Num> fixed) {
    const auto parts = static_cast<SCOTCH_Num>(input.device_weight.size());
    Check(SCOTCH_graphBuild(&graph_, 0, static_cast<SCOTCH_Num>(input.vertex_weight.size()),
                            input.row_begin.data(), nullptr, input.vertex_weight.data(), nullptr,
                            static_cast<SCOTCH_Num>(input.neighbour.size()), input.neighbour.data(),
                            input.edge_weight.data()),
          "graphBuild");
    Check(SCOTCH_graphCheck(&graph_), "graphCheck");
    Check(SCOTCH_contextBindGraph(&context_, &graph_, &bound_), "contextBindGraph");
    Check(SCOTCH_archCmpltw(&arch_, parts, input.device_weight.data()), "archCmpltw");
    Check(SCOTCH_stratGraphMapBuild(&strategy_, SCOTCH_STRATDEFAULT, parts, imbalance),
          "stratGraphMapBuild");
    Check(SCOTCH_graphMapFixed(&bound_, &arch_, &strategy_, fixed.data()), "graphMapFixed");
    return fixed;
  }

 private:
  static std::mutex& OneAtATime() {
    static std::mutex mutex;
    return mutex;
  }
  static void Check(int status, const char* call) {
    if (status != 0) {
      throw Error(std::string("libscotch: ") + call + " failed with status " +
                  std::to_string(status));
    }
  }

  std::lock_guard<std::mutex> lock_;
  SCOTCH_Context context_;
  SCOTCH_Graph graph_, bound_;
  SCOTCH_Arch arch_;
  SCOTCH_Strat strategy_;
};

/// A group with one possible device among `devices` is fixed there.
std::vector<SCOTCH_Num> FixedParts(const Problem& problem, const std::vector<DeviceId>& devices) {
  std::vector<SCOTCH_Num> fixed(problem.num_groups(), -1);
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    std::size_t choices = 0;
    SCOTCH_Num last = -1;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      if (problem.allowed(GroupId(g), devices[i])) {
        ++choices;
        last = static_cast<SCOTCH_Num>(i);
      }
    }
    fixed[g] = choices == 1 ? last : -1;
  }
  return fixed;
}

class ScotchPlacer final : public CandidatePlacer {
 public:
  explicit ScotchPlacer(bool with_cpus) : with_cpus_(with_cpus) {}

 private:
  [[nodiscard]] std::vector<Candidate> Candidates(const Problem& problem,
                                                  Seed seed) const override {
    const std::vector<DeviceId> devices =
        with_cpus_ ? AllDevices(problem.cluster()) : Accelerators(problem.cluster());
    std::vector<Candidate> candidates;
    if (devices.size() == 1) {
      candidates.push_back({{}, "one device to map on"});
      for (std::size_t g = 0; g < problem.num_groups(); ++g) {
        candidates[0].groups.push_back(Permitted(problem, GroupId(g), devices[0]));
      }
      return candidates;
    }
    const WeightedGraph graph = MakeWeightedGraph(problem, devices);
    // The balances a user of Scotch would try; 0.01 and 0.05 are what its tools and manual use.
    for (const double imbalance : {0.05, 0.01, 0.2}) {
      Mapper mapper(seed);
      const std::vector<SCOTCH_Num> part =
          mapper.Map(graph, imbalance, FixedParts(problem, devices));
      GroupPlacement groups;
      for (std::size_t g = 0; g < part.size(); ++g) {
        groups.push_back(
            Permitted(problem, GroupId(g), devices[static_cast<std::size_t>(part[g])]));
      }
      candidates.push_back({std::move(groups), "imbalance " + std::to_string(imbalance)});
    }
    return candidates;
  }

  bool with_cpus_;
};

}  // namespace

std::unique_ptr<Placer> MakeScotchPlacer() { return std::make_unique<ScotchPlacer>(true); }
std::unique_ptr<Placer> MakeMinCutPlacer() { return std::make_unique<ScotchPlacer>(false); }

}  // namespace placer
