#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/comparison.h"
#include "experiments/table.h"
#include "placer/group_enumeration.h"

namespace placer {

/// A paper model so small that all of its placements can be tried.
struct YardstickProblem {
  std::string_view name;
  std::string_view model;    ///< zoo:...
  std::string_view cluster;  ///< zoo:...
  std::size_t max_groups = 0;
};
/// RNNLM, NMT and Inception-V3 on two and on four GPUs and their host.
[[nodiscard]] std::span<const YardstickProblem> YardstickProblems();

/// A method over its seeds, against the optimum.
struct YardstickRow {
  MethodSummary summary;
  std::size_t found = 0;  ///< seeds that found an optimum
};
struct YardstickResult {
  YardstickProblem problem;
  std::size_t num_ops = 0, num_groups = 0, num_devices = 0;
  EnumerationResult optimum;  ///< feasible
  std::vector<YardstickRow> rows;
};

/// @param trials  of that problem
/// @throws InfeasibleError if no placement fits
[[nodiscard]] YardstickResult Assess(const YardstickProblem& yardstick, const Problem& problem,
                                     const EnumerationResult& optimum,
                                     const std::vector<MethodTrials>& trials);

/// Step time / optimum, over seeds; how many seeds found an optimum; means of samples.
[[nodiscard]] Table YardstickTable(const YardstickResult& result);
/// "rnnlm_k80x2: 150 ops in 12 groups, 3 devices; optimum 12.345 ms, 2 of 531,441 placements"
[[nodiscard]] std::string Headline(const YardstickResult& result);
[[nodiscard]] nlohmann::ordered_json ToJson(const YardstickResult& result);

}  // namespace placer
