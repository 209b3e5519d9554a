#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiments/console.h"
#include "experiments/experiment_config.h"
#include "experiments/paper/paper_table.h"
#include "placer/registry.h"

namespace placer {

struct PaperOptions {
  std::filesystem::path out;
  std::vector<std::string> methods = {"scotch", "min_cut", "expert", "annealing", "reinforce"};
  std::int64_t samples = 5000;
  std::size_t num_seeds = 5;
  std::size_t paper_preset_seeds = 0;  ///< of `reinforce` with the preset `paper`
  /// What methods that learn have other than in the preset `default`.
  std::map<std::string, std::string> learning_options;
  int jobs = 1;
};

/// One setting of the paper's table. Every method has a run directory below `out`, as of `train`:
/// what is there already is not run again, and a trial goes on from its checkpoint.
class PaperRun {
 public:
  /// @throws InputError
  PaperRun(const PaperModel& model, const PaperRow& row, const PaperOptions& options,
           const Console& console);

  [[nodiscard]] std::string name() const { return setting_.name(); }
  [[nodiscard]] const Workbench& bench() const noexcept { return execution_.bench(); }
  /// Runs what is not there yet. @return nothing if the user asked to stop
  [[nodiscard]] std::optional<PaperSetting> Run(const PlacerRegistry& registry,
                                                const Console& console);
  /// The best placement of a method over its seeds; nothing if none fits. For the single devices as
  /// well. @throws InputError if its files are damaged
  [[nodiscard]] std::optional<Placement> Best(const std::string& method) const;
  /// `NAME-{placement,timeline,curves}.svg` in `out`. @param setting  what Run() gave
  void Draw(const PaperSetting& setting) const;

 private:
  [[nodiscard]] ExperimentConfig ConfigOf(const std::string& method) const;
  [[nodiscard]] PaperCell SingleDevice(const std::string& label, DeviceId device,
                                       std::optional<double> paper_seconds) const;
  [[nodiscard]] std::optional<double> PaperSecondsOf(const std::string& method) const;
  /// Those of the options, and the paper's preset if it has seeds.
  [[nodiscard]] std::vector<std::string> Methods() const;

  PaperOptions options_;
  PaperSetting setting_;
  ModelOptions model_;
  ProblemOptions problem_;
  Execution execution_;
};

}  // namespace placer
