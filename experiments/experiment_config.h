#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/execution.h"
#include "experiments/methods.h"
#include "experiments/workbench.h"
#include "graphs/base/rng.h"

namespace placer {

/// One experiment (experiments/experiment.proto), every default filled in.
struct ExperimentConfig {
  std::string name;  ///< default: the file's name without suffix
  ModelOptions model;
  ProblemOptions problem;
  ExecutionOptions execution;
  MethodConfig method;
  std::int64_t samples = 4000;
  std::optional<double> seconds;
  std::vector<Seed> seeds = {1};
  std::filesystem::path output_dir;
};

/// @throws InputError with file, line and field: not text of that form, an unknown field, a missing
/// or wrong value
[[nodiscard]] ExperimentConfig ReadExperiment(const std::filesystem::path& path);
/// The same from text, which may have no output_dir. @param where  put in front of faults, and the
/// name if there is none
[[nodiscard]] ExperimentConfig ParseExperiment(std::string_view text, const std::string& where);
/// The resolved config as text that ReadExperiment() takes back.
[[nodiscard]] std::string ExperimentToText(const ExperimentConfig& config);

}  // namespace placer
