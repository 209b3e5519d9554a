#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/sweep/sweep_store.h"

namespace placer::proto {
class Sweep;
}  // namespace placer::proto

namespace placer {

struct SweepTrial : PlannedTrial {
  /// The part of the config that says what is placed on what: trials that have it in common can
  /// share a workbench.
  std::string problem;
  bool executes = false;  ///< runs the model on this machine's devices
};

/// A sweep with its axes multiplied out.
struct SweepPlan {
  std::string name;    ///< default: the file's name without suffix
  std::string config;  ///< the sweep as text
  std::filesystem::path output_dir;
  bool keep_runs = false;
  std::vector<std::string> fields;  ///< what the axes set; the last is `seed`
  std::vector<SweepTrial> trials;   ///< in order; the first axis varies slowest
  std::size_t excluded = 0;         ///< left out by include and exclude
  std::size_t repeated = 0;         ///< left out because an earlier trial has the same config

  [[nodiscard]] std::filesystem::path store_path() const { return output_dir / kSweepStoreName; }
};

/// @throws InputError with file and field, or trial: what is no sweep, fields that do not exist,
/// values of the wrong type, models and clusters that cannot be read, experiments that are not
/// valid
[[nodiscard]] SweepPlan ReadSweep(const std::filesystem::path& path);
/// The same without a file.
[[nodiscard]] SweepPlan PlanSweep(const proto::Sweep& sweep, const std::string& default_name);

/// "method=annealing samples=100 seed=3".
[[nodiscard]] std::string Describe(const std::vector<TrialAxis>& axes);

}  // namespace placer
