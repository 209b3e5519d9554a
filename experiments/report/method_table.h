#pragma once

#include <set>

#include "experiments/report/report_model.h"

namespace placer {

/// What the methods that spend samples were given.
[[nodiscard]] std::set<ReportBudget> BudgetsOf(const ReportProblem& problem);

/// Makes rows, the best heuristic (of those that fit with every seed the one of smallest mean;
/// ties: the first) and notes on what does not compare (unequal samples or seeds, unfinished
/// seeds), from the methods and the bound. Where methods were given unequal budgets, their labels
/// say which; a row is held against `annealing` with the same. Once, when all methods are there.
void FillMethodTable(ReportProblem& problem);

}  // namespace placer
