#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "experiments/critical_chain.h"
#include "experiments/workbench.h"

namespace placer {

/// One step under one placement, and why it takes as long as it does.
struct PlanFacts {
  StepReport report;
  Trace trace;
  std::vector<ChainShare> chain;  ///< empty for the max-load objective, which has no schedule
};
[[nodiscard]] PlanFacts ExaminePlan(const Workbench& bench, const Placement& placement);

/// "device /gpu:1 is busy 97.0 % of the step", "link pcie:0 ...", ... : the sentences that say what
/// limits the step, the main one first.
[[nodiscard]] std::vector<std::string> WhatLimits(const Workbench& bench, const PlanFacts& facts);

/// What is missing, in one line: "/gpu:0 needs 20.00 GB of 12.00 GB (8.00 GB missing); ...".
[[nodiscard]] std::string DescribeShortages(const Workbench& bench, const StepReport& report);

/// Step time, bound, gap limit, one row per device (busy share, peak memory, capacity), links that
/// carried something, and what limits the step.
void PrintPlan(std::ostream& out, const Workbench& bench, const PlanFacts& facts);
[[nodiscard]] nlohmann::ordered_json PlanToJson(const Workbench& bench, const PlanFacts& facts);

/// Graph, groups, cluster and bound: what every command that searches or simulates starts with.
void PrintProblem(std::ostream& out, const Workbench& bench);
[[nodiscard]] nlohmann::ordered_json ProblemToJson(const Workbench& bench);
void PrintWarnings(std::ostream& err, const std::vector<std::string>& warnings);

}  // namespace placer
