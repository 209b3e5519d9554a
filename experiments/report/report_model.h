#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "experiments/comparison.h"
#include "experiments/environment.h"
#include "experiments/picture/learning_curves.h"
#include "experiments/stats.h"
#include "graphs/base/rng.h"
#include "graphs/base/units.h"

namespace placer {

/// One seed of a method.
struct ReportTrial {
  Seed seed = 1;
  bool feasible = false;
  bool complete = true;  ///< false: the run stopped, or goes on; what is known so far
  Seconds step_time{0};
  std::int64_t samples = 0, unique_samples = 0;
  Seconds wall{0};
  LearningCurve curve;
};

/// What each seed may spend.
struct ReportBudget {
  std::int64_t samples = 0;
  std::optional<double> seconds = std::nullopt;
  auto operator<=>(const ReportBudget&) const = default;
};

/// A method over its seeds.
struct ReportMethod {
  std::string label;
  bool computed_here = false;  ///< by `placer report` itself, not by what is reported
  bool uses_budget = false;
  ReportBudget budget;
  std::vector<ReportTrial> trials;
};

/// A row of the table of methods, over the seeds that are complete; where none is, over what all
/// have found so far. Step times in seconds; trials that do not fit are left out of them.
struct ReportRow {
  std::size_t method = 0;  ///< index into ReportProblem::methods
  std::size_t trials = 0, feasible = 0;
  std::optional<Sample> step_seconds;
  std::optional<double> gap_limit;                   ///< of the mean
  std::optional<Change> vs_heuristic, vs_annealing;  ///< over the seeds that both have
  double mean_samples = 0, mean_unique = 0;
  Seconds mean_wall{0};
};

/// The groups that are decided together, what flows between them, and their ops.
struct ReportGraph {
  struct Group {
    std::string name;  ///< the scope that its ops have in common, or its first op
    std::size_t num_ops = 0;
    std::size_t position = 0;  ///< along the network (picture/network_layout.h)
    std::int64_t resident_bytes = 0, output_bytes = 0;
  };
  struct Edge {
    std::size_t from = 0, to = 0;
    std::int64_t bytes = 0;
  };
  struct Op {
    std::string name, type;
    std::size_t group = 0;
    std::int64_t output_bytes = 0;
  };
  std::vector<Group> groups;
  std::vector<Edge> edges;  ///< each pair once
  std::vector<Op> ops;      ///< in op order; empty if there are too many to name
};

/// A bar of the timeline.
struct ReportSpan {
  std::size_t row = 0, kind = 0;
  Picoseconds start{0}, end{0};
  bool is_copy = false;
  std::size_t op = 0;      ///< what runs, or whose output is copied
  std::int64_t bytes = 0;  ///< of a copy
  std::size_t device = 0;  ///< where a copy goes
  Picoseconds waited{0};   ///< of a copy, for its links
  bool critical = false;   ///< in the chain that ends last
};
struct ReportTimelineRow {
  std::string name;
  bool is_channel = false;
};
struct ReportTimeline {
  std::vector<ReportTimelineRow> rows;
  std::vector<ReportSpan> spans;  ///< by row, then by time
  std::size_t left_out = 0;       ///< the shortest, where there are too many
};

/// Bytes in use on a device from `time` on.
struct ReportMemoryPoint {
  Picoseconds time{0};
  std::int64_t bytes = 0;
};

/// A placement, and one simulated step under it.
struct ReportPlan {
  std::string label;  ///< "reinforce, seed 3"
  std::size_t method = 0;
  Seed seed = 1;
  std::vector<std::size_t> device_of_group;
  std::vector<Picoseconds> time_of_group;              ///< of its ops on that device
  nlohmann::ordered_json step;                         ///< as `simulate --json` has it (PlanToJson)
  std::optional<ReportTimeline> timeline;              ///< not for the max-load objective
  std::vector<std::vector<ReportMemoryPoint>> memory;  ///< per device
};

/// Where the numbers are from, and how to make them again.
struct ReportSource {
  std::string method;  ///< labels: "etf; annealing"
  std::string path, command, config;
  std::vector<Environment> environments;
  [[nodiscard]] bool IsSameAs(const ReportSource& other) const {
    return path == other.path && config == other.config;
  }
};

/// Methods on one problem: same graph, cluster, groups, constraints and judge.
struct ReportProblem {
  std::string name;              ///< "inception_v3 on k80x4"
  nlohmann::ordered_json facts;  ///< ProblemToJson; null if there is neither model nor report
  std::vector<std::string> device_names, device_kinds, device_colors;
  std::vector<ReportMethod> methods;
  std::vector<ReportRow> rows;                ///< shortest mean first; what never fits comes last
  std::optional<std::size_t> best_heuristic;  ///< index into methods
  std::vector<Baseline> lines;  ///< for the learning curves: heuristics, best single device
  std::optional<double> bound_seconds;
  std::string head_room;  ///< one line; empty if unknown
  std::optional<ReportGraph> graph;
  std::vector<ReportPlan> plans;   ///< best first
  std::vector<std::string> notes;  ///< what a reader must know: missing parts, unequal samples
  std::vector<ReportSource> sources;
};

/// All that `placer report` shows, in plain values: made from run directories (run_source.h),
/// written by report_json.h.
struct ReportModel {
  std::string title;
  std::vector<ReportProblem> problems;
  std::string command;      ///< that made the report
  Environment environment;  ///< where
};

}  // namespace placer
