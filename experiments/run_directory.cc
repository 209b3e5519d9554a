#include "experiments/run_directory.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

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

}  // namespace

RunDirectory::RunDirectory(const ExperimentConfig& config, bool resume) : path_(config.output_dir) {
  MakeFolder(path_);
  const fs::path stored = path_ / "config.txtpb";
  const std::string text = ExperimentToText(config);
  std::error_code ignored;
  if (fs::exists(stored, ignored)) {
    if (!resume) {
      throw InputError(path_.string() + ": holds a run already, expected --resume or another " +
                       "output_dir");
    }
    if (ReadWholeFile(stored) != text) {
      throw InputError(stored.string() + ": is another config, expected the one being resumed");
    }
    CheckWritable(stored);
    return;
  }
  ReplaceFile(stored, text);
}

fs::path RunDirectory::SeedPath(Seed seed) const {
  return path_ / ("seed-" + std::to_string(seed));
}

std::optional<Json> RunDirectory::FinishedSeed(Seed seed) const {
  const fs::path path = SeedPath(seed) / "result.json";
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
  }
}

void RunDirectory::TrimMetrics(Seed seed, std::int64_t first_update) const {
  const fs::path path = SeedPath(seed) / "metrics.jsonl";
  std::istringstream lines(ReadWholeFile(path));
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    const std::optional<Json> metric = ParseObject(line, "update");
    if (metric && metric->at("update").get<std::int64_t>() < first_update) {
      kept += line + '\n';
    }
  }
  ReplaceFile(path, kept);
}

void RunDirectory::AppendMetric(Seed seed, const Json& metric) const {
  std::ofstream file(SeedPath(seed) / "metrics.jsonl", std::ios::app);
  file << metric.dump() << '\n';
}

void RunDirectory::FinishSeed(Seed seed, const Json& result) const {
  ReplaceFile(SeedPath(seed) / "result.json", result.dump(2) + "\n");
}

Json MetricOf(const Progress& progress) {
  return {{"samples", progress.samples},
          {"feasible", progress.best.outcome == StepOutcome::kOk},
          {"best_step_time_seconds", ToSeconds(progress.best.step_time).count()},
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

}  // namespace placer
