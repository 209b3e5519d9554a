#pragma once

#include <memory>
#include <vector>

#include "experiments/subcommand.h"

namespace placer {

/// `placer reproduce PART`: what docs/paper.md and docs/yardsticks.md report, measured anew.
[[nodiscard]] std::unique_ptr<Subcommand> MakePaperCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeCalibrationCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeAblationCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeYardsticksCommand();

/// In the order the help lists them.
[[nodiscard]] std::vector<std::unique_ptr<Subcommand>> ReproduceParts();

}  // namespace placer
