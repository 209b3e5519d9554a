#include "experiments/run_directory.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <vector>

#include "experiments/environment.h"
#include "experiments/output_file.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

using Json = nlohmann::ordered_json;

/// nullopt if the text is no JSON object with that number.
std::optional<Json> ParseObject(const std::string& text, const char* number) {
  Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || !parsed.contains(number) || !parsed.at(number).is_number()) {
    return std::nullopt;
  }
  return parsed;
}

double UniqueShare(const Progress& progress) {
  return static_cast<double>(progress.unique_samples) / static_cast<double>(progress.samples);
}

Json MetricOf(const Progress& progress) {
  return {{"samples", progress.samples},
          {"feasible", progress.best.outcome == StepOutcome::kOk},
          {"best_step_time_seconds", ToSeconds(progress.best.step_time).count()},
          {"unique_share", UniqueShare(progress)},
          {"wall_seconds", progress.wall.count()}};
}

Json MetricOf(const UpdateRecord& record) {
  return {{"update", record.update},
          {"samples", record.samples},
          {"best_step_time_seconds", record.best_time},
          {"mean_step_time_seconds", record.mean_time},
          {"feasible_share", record.feasible_share},
          {"unique_share", record.unique_share},
          {"mean_reward", record.mean_reward},
          {"best_reward", record.best_reward},
          {"baseline", record.baseline},
          {"entropy", record.entropy},
          {"gradient_norm", record.gradient_norm},
          {"temperature", record.temperature}};
}

/// A step time of what does not fit is none; 0 stands for it.
void AddStepTime(std::string_view tag, double seconds, std::vector<EventScalar>& scalars) {
  if (seconds > 0) {
    scalars.push_back({tag, seconds});
  }
}

/// The x axis of every curve is the number of samples, so that methods compare at equal samples.
std::vector<EventScalar> ScalarsOf(const Progress& progress) {
  const double wall = progress.wall.count();
  std::vector<EventScalar> scalars = {
      {"samples/unique_share", UniqueShare(progress)},
      {"samples_per_second", wall > 0 ? static_cast<double>(progress.samples) / wall : 0}};
  const bool feasible = progress.best.outcome == StepOutcome::kOk;
  AddStepTime("step_time/best_seconds", feasible ? ToSeconds(progress.best.step_time).count() : 0,
              scalars);
  return scalars;
}

std::vector<EventScalar> ScalarsOf(const UpdateRecord& record) {
  std::vector<EventScalar> scalars = {{"reward/mean", record.mean_reward},
                                      {"reward/best", record.best_reward},
                                      {"reward/baseline", record.baseline},
                                      {"policy/entropy", record.entropy},
                                      {"policy/gradient_norm", record.gradient_norm},
                                      {"policy/temperature", record.temperature},
                                      {"samples/unique_share", record.unique_share},
                                      {"samples/feasible_share", record.feasible_share},
                                      {"samples_per_second", record.samples_per_second}};
  AddStepTime("step_time/best_seconds", record.best_time, scalars);
  AddStepTime("step_time/mean_seconds", record.mean_time, scalars);
  return scalars;
}

/// The config without what does not change a result: a run may get another name or another place.
std::string WorkOf(ExperimentConfig config) {
  config.name.clear();
  config.output_dir.clear();
  return ExperimentToText(config);
}

const fs::path& MadeFolder(const fs::path& path) {
  MakeFolder(path);
  return path;
}

/// Appends this build and machine, unless they are the last ones there.
void RecordEnvironment(const fs::path& path) {
  std::error_code ignored;
  Json all = fs::exists(path, ignored)
                 ? Json::parse(ReadWholeFile(path), nullptr, /*allow_exceptions=*/false)
                 : Json::array();
  if (!all.is_array()) {
    all = Json::array();
  }
  const Json here = EnvironmentToJson(ThisEnvironment());
  if (all.empty() || all.back() != here) {
    all.push_back(here);
    ReplaceFile(path, all.dump(2) + "\n");
  }
}

}  // namespace

RunDirectory::RunDirectory(const ExperimentConfig& config, bool resume)
    : path_(MadeFolder(config.output_dir)), lock_(path_), config_(ExperimentToText(config)) {
  const fs::path stored = path_ / "config.txtpb";
  std::error_code ignored;
  if (fs::exists(stored, ignored)) {
    if (!resume) {
      throw InputError(path_.string() + ": holds a run already, expected --resume or another " +
                       "output_dir");
    }
    if (WorkOf(ParseExperiment(ReadWholeFile(stored), stored.string())) != WorkOf(config)) {
      throw InputError(stored.string() + ": is another config, expected the one being resumed");
    }
    CheckWritable(stored);
  }
  ReplaceFile(stored, config_);
  RecordEnvironment(path_ / "environment.json");
}

fs::path RunDirectory::SeedPath(Seed seed) const { return placer::SeedPath(path_, seed); }

std::optional<Json> RunDirectory::FinishedSeed(Seed seed) const {
  return placer::FinishedSeed(path_, seed);
}

fs::path SeedPath(const fs::path& run, Seed seed) { return run / ("seed-" + std::to_string(seed)); }

std::optional<Json> FinishedSeed(const fs::path& run, Seed seed) {
  const fs::path path = SeedPath(run, seed) / "result.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return std::nullopt;
  }
  std::optional<Json> parsed = ParseObject(ReadWholeFile(path), "step_time_seconds");
  if (!parsed || !parsed->contains("seed") || parsed->at("seed") != seed) {
    throw InputError(path.string() + ": is damaged, expected the result of seed " +
                     std::to_string(seed));
  }
  return parsed;
}

fs::path RunDirectory::CheckpointPath(Seed seed) const { return SeedPath(seed) / "checkpoint.bin"; }

void RunDirectory::StartSeed(Seed seed) const {
  MakeFolder(SeedPath(seed));
  std::error_code ignored;
  if (!fs::exists(CheckpointPath(seed), ignored)) {
    ReplaceFile(SeedPath(seed) / "metrics.jsonl", "");
    fs::remove(SeedPath(seed) / EventFile::kName, ignored);
  }
  Events(seed).Open("config", config_);
}

void RunDirectory::TrimMetrics(Seed seed, const UpdateRecord& first) const {
  const fs::path path = SeedPath(seed) / "metrics.jsonl";
  std::istringstream lines(ReadWholeFile(path));
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    const std::optional<Json> metric = ParseObject(line, "update");
    if (metric && metric->at("update").get<std::int64_t>() < first.update) {
      kept += line + '\n';
    }
  }
  ReplaceFile(path, kept);
  Events(seed).Trim(first.samples);
}

void RunDirectory::AppendMetric(Seed seed, const UpdateRecord& record) const {
  AppendLine(seed, MetricOf(record));
  Events(seed).Append(record.samples, ScalarsOf(record));
}

void RunDirectory::AppendMetric(Seed seed, const Progress& progress) const {
  AppendLine(seed, MetricOf(progress));
  Events(seed).Append(progress.samples, ScalarsOf(progress));
}

void RunDirectory::AppendLine(Seed seed, const Json& metric) const {
  std::ofstream file(SeedPath(seed) / "metrics.jsonl", std::ios::app);
  file << metric.dump() << '\n';
}

void RunDirectory::FinishSeed(Seed seed, const Json& result) const {
  ReplaceFile(SeedPath(seed) / "result.json", result.dump(2) + "\n");
}

EventFile RunDirectory::Events(Seed seed) const {
  return EventFile(SeedPath(seed) / EventFile::kName);
}

}  // namespace placer
