#pragma once

#include <cstdint>
#include <set>

#include "experiments/report/report_model.h"

namespace placer {

/// How many samples the methods that spend them were given.
[[nodiscard]] std::set<std::int64_t> BudgetsOf(const ReportProblem& problem);

/// Makes rows, the best heuristic (of those that fit with every seed the one of smallest mean;
/// ties: the first) and notes on what does not compare (unequal samples or seeds, unfinished
/// seeds), from the methods and the bound. Where methods were given unequal samples, their labels
/// say how many; a row is held against `annealing` with as many. Once, when all methods are there.
void FillMethodTable(ReportProblem& problem);

}  // namespace placer
