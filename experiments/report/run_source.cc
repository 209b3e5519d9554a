#include "experiments/report/run_source.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <tuple>
#include <utility>

#include "experiments/run_directory.h"
#include "experiments/sweep/sweep_store.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kConfig = "config.txtpb";
constexpr const char* kStoreSuffix = ".db";
// Folders of run directories are shallow; a path such as / must not be searched for hours.
constexpr int kMaxDepth = 3;

bool IsThere(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

LearningCurve CurveOf(const Json& result) {
  LearningCurve curve;
  if (const auto points = result.find("curve"); points != result.end()) {
    for (const Json& point : *points) {
      curve.push_back({point.at(0).get<std::int64_t>(), Seconds(point.at(1).get<double>())});
    }
  }
  return curve;
}

ReportTrial TrialOf(Seed seed, const Json& result, const fs::path& metrics) {
  ReportTrial trial;
  trial.seed = seed;
  trial.feasible = result.at("feasible").get<bool>();
  trial.step_time = Seconds(result.at("step_time_seconds").get<double>());
  trial.samples = result.at("samples").get<std::int64_t>();
  trial.unique_samples = result.at("unique_samples").get<std::int64_t>();
  trial.wall = Seconds(result.at("wall_seconds").get<double>());
  trial.curve = CurveOf(result);
  if (trial.curve.empty() && IsThere(metrics)) {
    trial.curve = ReadLearningCurve(metrics);
  }
  return trial;
}

/// nullopt if the seed has found nothing yet.
std::optional<ReportTrial> ReadTrial(const fs::path& run, Seed seed) {
  const fs::path folder = SeedPath(run, seed);
  if (const std::optional<Json> result = FinishedSeed(run, seed)) {
    try {
      return TrialOf(seed, *result, folder / "metrics.jsonl");
    } catch (const Json::exception& error) {
      throw InputError((folder / "result.json").string() + ": is damaged: " + error.what());
    }
  }
  if (!IsThere(folder / "metrics.jsonl")) {
    return std::nullopt;
  }
  ReportTrial trial;
  trial.seed = seed;
  trial.complete = false;
  trial.curve = ReadLearningCurve(folder / "metrics.jsonl");
  if (trial.curve.empty()) {
    return std::nullopt;
  }
  trial.feasible = true;
  trial.step_time = trial.curve.back().best;
  trial.samples = trial.curve.back().samples;
  return trial;
}

std::vector<Environment> ReadEnvironments(const fs::path& path) {
  std::vector<Environment> environments;
  if (!IsThere(path)) {
    return environments;
  }
  const Json stored = Json::parse(ReadWholeFile(path), nullptr, /*allow_exceptions=*/false);
  if (stored.is_array()) {
    for (const Json& each : stored) {
      environments.push_back(EnvironmentFromJson(each));
    }
  }
  return environments;
}

std::int64_t CountOf(const StoredTrial& trial, const char* metric) {
  return static_cast<std::int64_t>(trial.metric(metric).value_or(0));
}

ReportTrial TrialOf(const SweepStore& store, const StoredTrial& stored, Seed seed) {
  ReportTrial trial;
  trial.seed = seed;
  trial.feasible = stored.feasible();
  trial.step_time = Seconds(stored.metric("step_time_seconds").value_or(0));
  trial.samples = CountOf(stored, "samples");
  trial.unique_samples = CountOf(stored, "unique_samples");
  trial.wall = Seconds(stored.metric("wall_seconds").value_or(0));
  trial.curve = store.Curve(stored.key);
  return trial;
}

ReportBudget BudgetOf(const ExperimentConfig& config) { return {config.samples, config.seconds}; }

std::string LabelOf(const MethodConfig& method) {
  std::string label = method.name;
  std::string details = method.preset == "default" ? "" : method.preset;
  for (const auto& [key, value] : method.options) {
    details += (details.empty() ? "" : ", ") + key + "=" + value;
  }
  return details.empty() ? label : label + " (" + details + ")";
}

/// Problem, method and budget: what the seeds of one run have in common.
using RunKey = std::tuple<std::string, std::string, ReportBudget>;

/// Empty if no trial has a result yet. @param path  where the reader finds the store
std::vector<StoredRun> RunsOf(const std::shared_ptr<const SweepStore>& store,
                              const std::string& path) {
  std::vector<StoredRun> runs;
  std::map<RunKey, std::size_t> run_of_key;
  for (const StoredTrial& stored : store->Trials()) {
    if (stored.state != TrialState::kDone) {
      continue;
    }
    ExperimentConfig config = ParseExperiment(stored.config, path);
    const Seed seed = config.seeds.front();
    const std::string label = LabelOf(config.method);
    const auto [at, is_new] =
        run_of_key.try_emplace(RunKey(ProblemKey(config), label, BudgetOf(config)), runs.size());
    if (is_new) {
      StoredRun run;
      run.of_sweep = true;
      run.sources.push_back({"", path, "placer sweep config.txtpb", store->config(), {}});
      run.method = {label, false, UsesBudget(config.method.name), BudgetOf(config), {}};
      config.name = store->name();
      config.output_dir = "runs/" + store->name();
      config.seeds.clear();
      run.config = std::move(config);
      runs.push_back(std::move(run));
    }
    StoredRun& run = runs[at->second];
    if (stored.environment) {
      run.sources.front().environments.push_back(*stored.environment);
    }
    run.config.seeds.push_back(seed);
    run.method.trials.push_back(TrialOf(*store, stored, seed));
    run.plans.emplace_back([store, key = stored.key] {
      std::optional<SavedPlacement> plan = store->Placement(key);
      if (!plan) {
        throw InputError("trial " + key + ": has no plan");
      }
      return *std::move(plan);
    });
  }
  return runs;
}

/// nullptr: the file is something else, such as the database of another program.
std::shared_ptr<const SweepStore> OpenIfStore(const fs::path& path) {
  try {
    return std::make_shared<const SweepStore>(SweepStore::OpenToRead(path));
  } catch (const InputError&) {
    return nullptr;
  }
}

bool IsFolder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

void Append(std::vector<StoredRun> more, std::vector<StoredRun>& runs) {
  std::move(more.begin(), more.end(), std::back_inserter(runs));
}

void AddRunsBelow(const fs::path& path, int depth, std::vector<StoredRun>& runs) {
  if ((path.extension() == kStoreSuffix && !IsFolder(path)) || IsThere(path / kSweepStoreName)) {
    Append(ReadSweepRuns(path), runs);
    return;
  }
  if (IsThere(path / kConfig)) {
    runs.push_back(ReadRun(path));
    return;
  }
  std::vector<fs::path> entries;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());
  for (const fs::path& entry : entries) {
    if (IsFolder(entry)) {
      if (depth < kMaxDepth) {
        AddRunsBelow(entry, depth + 1, runs);
      }
    } else if (entry.extension() == kStoreSuffix) {
      if (const auto store = OpenIfStore(entry)) {
        Append(RunsOf(store, entry.string()), runs);
      }
    }
  }
}

/// The seeds of both, ascending, each once.
void Merge(StoredRun from, StoredRun& into) {
  std::map<Seed, std::pair<ReportTrial, std::function<SavedPlacement()>>> results;
  for (StoredRun* run : {&into, &from}) {
    for (std::size_t t = 0; t < run->method.trials.size(); ++t) {
      const Seed seed = run->method.trials[t].seed;
      results.try_emplace(seed, std::move(run->method.trials[t]), std::move(run->plans[t]));
    }
  }
  into.config.seeds.clear();
  into.method.trials.clear();
  into.plans.clear();
  for (auto& [seed, result] : results) {
    into.config.seeds.push_back(seed);
    into.method.trials.push_back(std::move(result.first));
    into.plans.push_back(std::move(result.second));
  }
  for (ReportSource& source : from.sources) {
    const auto is_same = [&source](const ReportSource& each) { return each.IsSameAs(source); };
    if (std::ranges::none_of(into.sources, is_same)) {
      into.sources.push_back(std::move(source));
    }
  }
}

}  // namespace

StoredRun ReadRun(const fs::path& path) {
  StoredRun run;
  run.config = ReadExperiment(path / kConfig);
  run.sources.push_back({"", path.string(), "placer train config.txtpb",
                         ExperimentToText(run.config),
                         ReadEnvironments(path / "environment.json")});
  run.method.label = LabelOf(run.config.method);
  run.method.uses_budget = UsesBudget(run.config.method.name);
  run.method.budget = BudgetOf(run.config);
  for (const Seed seed : run.config.seeds) {
    if (std::optional<ReportTrial> trial = ReadTrial(path, seed)) {
      const fs::path plan = SeedPath(path, seed) / "placement.txtpb";
      run.method.trials.push_back(std::move(*trial));
      run.plans.push_back(IsThere(plan) ? [plan] { return ReadPlacement(plan); }
                                        : std::function<SavedPlacement()>());
    }
  }
  return run;
}

std::vector<StoredRun> ReadSweepRuns(const fs::path& path) {
  std::vector<StoredRun> runs =
      RunsOf(std::make_shared<const SweepStore>(SweepStore::OpenToRead(path)), path.string());
  if (runs.empty()) {
    throw InputError(path.string() + ": no trial of the sweep has a result yet");
  }
  return runs;
}

std::vector<StoredRun> FindRuns(const fs::path& path) {
  std::vector<StoredRun> runs;
  AddRunsBelow(path, 0, runs);
  if (runs.empty()) {
    throw InputError(path.string() + ": holds no run, expected the directory of `placer train` (" +
                     kConfig + ") or of `placer sweep` (" + kSweepStoreName +
                     "), or a folder of such directories or of stores of sweeps (*.db)");
  }
  return runs;
}

std::vector<StoredRun> MergeSweepRuns(std::vector<StoredRun> runs) {
  std::vector<StoredRun> merged;
  std::map<RunKey, std::size_t> merged_of_key;
  for (StoredRun& run : runs) {
    if (run.of_sweep) {
      const auto [at, is_new] = merged_of_key.try_emplace(
          RunKey(ProblemKey(run.config), run.method.label, run.method.budget), merged.size());
      if (!is_new) {
        Merge(std::move(run), merged[at->second]);
        continue;
      }
    }
    merged.push_back(std::move(run));
  }
  return merged;
}

std::string ProblemKey(const ExperimentConfig& config) {
  ExperimentConfig problem = config;
  problem.name.clear();
  problem.method = {};
  problem.samples = 0;
  problem.seconds.reset();
  problem.seeds.clear();
  problem.output_dir.clear();
  return ExperimentToText(problem);
}

}  // namespace placer
