#pragma once

#include "experiments/report/report_model.h"

namespace placer {

/// Makes rows, the best heuristic (of those that fit with every seed the one of smallest mean;
/// ties: the first) and notes on what does not compare (unequal samples or seeds, unfinished
/// seeds), from the methods and the bound.
void FillMethodTable(ReportProblem& problem);

}  // namespace placer
