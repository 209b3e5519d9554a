#include "experiments/run_directory.h"

#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "experiments/output_file.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

void MakeFolder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw InputError(path.string() + ": cannot be made: " + error.message());
  }
}

std::string ReadText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw InputError(path.string() + ": cannot be read");
  }
  return text.str();
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
    if (ReadText(stored) != text) {
      throw InputError(stored.string() + ": is another config, expected the one being resumed");
    }
    CheckWritable(stored);
    return;
  }
  WriteFileByRename(stored, text);
}

fs::path RunDirectory::SeedPath(Seed seed) const {
  return path_ / ("seed-" + std::to_string(seed));
}

std::optional<nlohmann::ordered_json> RunDirectory::FinishedSeed(Seed seed) const {
  const fs::path path = SeedPath(seed) / "result.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return std::nullopt;
  }
  auto parsed = nlohmann::ordered_json::parse(ReadText(path), nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded() || !parsed.is_object() || !parsed.contains("samples") ||
      !parsed.contains("step_time_seconds")) {
    throw InputError(path.string() + ": is damaged, expected the result of a seed");
  }
  return parsed;
}

void RunDirectory::StartSeed(Seed seed) const {
  MakeFolder(SeedPath(seed));
  WriteFileByRename(SeedPath(seed) / "metrics.jsonl", "");
}

void RunDirectory::AppendMetric(Seed seed, const Progress& progress) const {
  std::ofstream file(SeedPath(seed) / "metrics.jsonl", std::ios::app);
  file << nlohmann::ordered_json{{"samples", progress.samples},
                                 {"feasible", progress.best.outcome == StepOutcome::kOk},
                                 {"best_step_time_seconds",
                                  ToSeconds(progress.best.step_time).count()},
                                 {"wall_seconds", progress.wall.count()}}
              .dump()
       << '\n';
}

void RunDirectory::FinishSeed(Seed seed, const nlohmann::ordered_json& result) const {
  WriteFileByRename(SeedPath(seed) / "result.json", result.dump(2) + "\n");
}

}  // namespace placer
