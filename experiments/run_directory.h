#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "experiments/event_file.h"
#include "experiments/experiment_config.h"
#include "experiments/folder_lock.h"
#include "placer/placer.h"
#include "placer/reinforce_trainer.h"

namespace placer {

/// What an experiment leaves behind:
///
///     config.txtpb               the resolved config
///     environment.json           build and machine that it ran on; one more for each that went on
///     seed-N/metrics.jsonl       one JSON object per update, or per report of progress
///     seed-N/events.out.tfevents.placer  the same as curves for TensorBoard, and the config
///     seed-N/checkpoint.bin      the state of a method that can go on from it
///     seed-N/placement.txtpb     the best placement of that seed
///     seed-N/result.json         written last: the seed is complete; with its learning curve,
///                                samples and best step time in seconds at every improvement
///     placement.txtpb            the best of all seeds
///     report.json, report.txt    the table
///
/// Every file but these two appears by rename. Calls for different seeds may run at the same
/// time.
class RunDirectory {
 public:
  /// Makes or, with `resume`, continues a directory, which no other process may use meanwhile.
  /// @throws InputError if it cannot be written; if another process uses it; if it holds a run and
  /// `resume` is false; if it holds a run of another config; name and output_dir may be others
  RunDirectory(const ExperimentConfig& config, bool resume);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path SeedPath(Seed seed) const;
  [[nodiscard]] std::filesystem::path CheckpointPath(Seed seed) const;

  /// The stored result of a complete seed. @throws InputError for a damaged file
  [[nodiscard]] std::optional<nlohmann::ordered_json> FinishedSeed(Seed seed) const;
  /// Before a seed runs. Without a checkpoint to go on from its metrics start empty.
  void StartSeed(Seed seed) const;
  /// Removes the metrics from an update on: what ran after the last checkpoint runs again.
  void TrimMetrics(Seed seed, const UpdateRecord& first) const;
  void AppendMetric(Seed seed, const UpdateRecord& record) const;
  void AppendMetric(Seed seed, const Progress& progress) const;
  void FinishSeed(Seed seed, const nlohmann::ordered_json& result) const;

 private:
  void AppendLine(Seed seed, const nlohmann::ordered_json& metric) const;
  [[nodiscard]] EventFile Events(Seed seed) const;

  std::filesystem::path path_;
  FolderLock lock_;
  std::string config_;
};

/// The stored result of a complete seed in a run directory. @throws InputError for a damaged file
[[nodiscard]] std::optional<nlohmann::ordered_json> FinishedSeed(const std::filesystem::path& run,
                                                                 Seed seed);
[[nodiscard]] std::filesystem::path SeedPath(const std::filesystem::path& run, Seed seed);

}  // namespace placer
