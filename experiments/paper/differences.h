#pragma once

#include <iosfwd>

#include "experiments/paper/paper_run.h"
#include "experiments/paper/paper_table.h"

namespace placer {

/// Where our step time differs from the paper's by more than 25 %, or two methods come in another
/// order: what our step spends its time on, and the value that each constant of the cluster would
/// need for the cell to be as in the paper. Cells are means over seeds; what is looked into is the
/// plan of the best seed, whose time is printed too. Markdown; a line that says so if there is
/// nothing.
/// @param setting  what run.Run() gave
void ExplainDifferences(std::ostream& out, const PaperRun& run, const PaperSetting& setting);

}  // namespace placer
