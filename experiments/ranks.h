#pragma once

#include <string>

#include "experiments/console.h"
#include "experiments/exit_code.h"
#include "experiments/experiment_config.h"
#include "placer/problem.h"
#include "policy/process_group.h"

namespace placer {

/// @throws InputError if the experiment cannot be run by several processes
void CheckForRanks(const ExperimentConfig& config, const ProcessGroupAddress& address);

/// What a rank works on, in one line that is the same on all of them.
[[nodiscard]] std::string WorkOf(const ExperimentConfig& config, const Problem& problem);

/// Any rank but 0: works for it until it ends the run. @return the exit code that rank 0 gave
/// @throws Error if rank 0 is gone
[[nodiscard]] ExitCode ServeTraining(const ExperimentConfig& config, ProcessGroup& group,
                                     const Console& console);

}  // namespace placer
