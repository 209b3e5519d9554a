#include "experiments/experiment_run.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <ostream>
#include <sstream>
#include <utility>

#include "cost_model/placement_io.h"
#include "experiments/format.h"
#include "experiments/measured_search.h"
#include "experiments/methods.h"
#include "experiments/picture/learning_curves.h"
#include "experiments/plan_facts.h"
#include "experiments/stats.h"
#include "experiments/table.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

Json ResultToJson(Seed seed, const PlaceResult& result, const Workbench& bench) {
  const bool feasible = result.groups && result.best.outcome == StepOutcome::kOk;
  Json curve = Json::array();
  for (const LearningPoint& point : CurveOf(result)) {
    curve.push_back({point.samples, point.best.count()});
  }
  return {{"seed", seed},
          {"feasible", feasible},
          {"step_time_seconds", ToSeconds(result.best.step_time).count()},
          {"gap_limit", bench.GapLimit(result.best.step_time)},
          {"samples", result.samples},
          {"unique_samples", result.unique_samples},
          {"wall_seconds", result.wall.count()},
          {"interrupted", result.interrupted},
          {"note", result.note},
          {"curve", curve}};
}

}  // namespace

ExperimentRun::ExperimentRun(const ExperimentConfig& config, const PlacerRegistry& registry,
                             const RunDirectory& directory, const Execution& execution,
                             RankTeam* team)
    : config_(config),
      registry_(registry),
      directory_(directory),
      execution_(execution),
      bench_(execution.bench()),
      team_(team) {
  if (team_ != nullptr) {
    shared_runner_ = std::make_unique<ShardedRunner>(execution.problem().runner(), *team_);
    shared_problem_ = std::make_unique<Problem>(execution.problem(), *shared_runner_);
  }
}

void ExperimentRun::RunSeeds(const Console& console, int jobs) {
  std::vector<TrialSpec> specs;
  for (const Seed seed : config_.seeds) {
    if (std::optional<Json> done = directory_.FinishedSeed(seed)) {
      results_.push_back(std::move(*done));
      continue;
    }
    directory_.StartSeed(seed);
    Budget budget{config_.samples, std::nullopt};
    if (config_.seconds) {
      budget.seconds = Seconds(*config_.seconds);
    }
    specs.push_back({config_.method.name, budget, seed, directory_.CheckpointPath(seed)});
  }
  ProgressMeter progress(console, config_.name);
  std::vector<PlaceResult> results(specs.size());
  const std::stop_callback on_stop(console.stop, [this] { stop_.request_stop(); });
  TrialOptions options = Options(specs, execution_.executes() || team_ != nullptr ? 1 : jobs);
  options.on_start = [&](std::size_t) { execution_.ForgetMeasured(); };
  options.on_finish = [&](std::size_t i, const PlaceResult& result) {
    results[i] = result;
    MeasureAgain(results[i], console);
    FinishSeed(specs[i].seed, results[i]);
  };
  static_cast<void>(RunTrials(shared_problem_ ? *shared_problem_ : execution_.problem(), registry_,
                              specs, options, progress));
  if (const std::string note = execution_.FailureNote(); !note.empty()) {
    console.err << "placer: warning: " << note << '\n';
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (results[i].groups) {
      results_.push_back(ResultToJson(specs[i].seed, results[i], bench_));
    }
  }
  std::stable_sort(results_.begin(), results_.end(),
                   [this](const Json& a, const Json& b) { return Position(a) < Position(b); });
}

Json ExperimentRun::WriteReport() const {
  Json report = {{"name", config_.name},
                 {"method", config_.method.name},
                 {"samples", config_.samples},
                 {"problem", ProblemToJson(bench_)},
                 {"seeds", results_}};
  std::vector<double> times;
  const Json* best = nullptr;
  for (const Json& result : results_) {
    if (!result.at("feasible").get<bool>()) {
      continue;
    }
    times.push_back(result.at("step_time_seconds").get<double>());
    if (best == nullptr || times.back() < best->at("step_time_seconds").get<double>()) {
      best = &result;
    }
  }
  if (best != nullptr) {
    const Sample sample = Summarize(times);
    report["step_time_seconds"] = {{"mean", sample.mean}, {"min", sample.min}, {"max", sample.max}};
    report["best_seed"] = best->at("seed");
    const Seed seed = best->at("seed").get<Seed>();
    WritePlacement(ReadPlacement(directory_.SeedPath(seed) / "placement.txtpb"),
                   directory_.path() / "placement.txtpb");
  }
  ReplaceFile(directory_.path() / "report.json", report.dump(2) + "\n");
  std::ostringstream text;
  Print(text);
  ReplaceFile(directory_.path() / "report.txt", text.str());
  return report;
}

void ExperimentRun::Print(std::ostream& out) const {
  out << config_.name << ": " << config_.method.name << ", " << FormatCount(config_.samples)
      << " samples per seed\n";
  PrintProblem(out, bench_);
  out << fmt::format("bound {} ({})\n\n", FormatTime(bench_.bound()), bench_.binding());
  std::vector<Seconds> times;
  for (const Json& result : results_) {
    times.emplace_back(result.at("step_time_seconds").get<double>());
  }
  const TimeUnit unit = UnitFor(times);
  Table table({{"seed"}, {"step time"}, {"gap limit"}, {"samples"}, {"unique"}, {"wall"}});
  for (const Json& result : results_) {
    const bool feasible = result.at("feasible").get<bool>();
    table.AddRow({std::to_string(result.at("seed").get<Seed>()),
                  feasible ? FormatTime(Seconds(result.at("step_time_seconds").get<double>()), unit)
                           : "does not fit",
                  feasible ? FormatPercent(result.at("gap_limit").get<double>()) : "-",
                  FormatCount(result.at("samples").get<std::int64_t>()),
                  FormatCount(result.at("unique_samples").get<std::int64_t>()),
                  FormatWall(Seconds(result.at("wall_seconds").get<double>()))});
  }
  table.Print(out);
}

bool ExperimentRun::AnyFeasible() const {
  return std::any_of(results_.begin(), results_.end(),
                     [](const Json& result) { return result.at("feasible").get<bool>(); });
}

/// @param specs  must outlive what is returned
TrialOptions ExperimentRun::Options(const std::vector<TrialSpec>& specs, int jobs) const {
  TrialOptions options;
  options.jobs = jobs;
  options.stop = stop_.get_token();
  options.make = [this, &specs](std::size_t i) {
    return MakeConfigured(
        registry_, config_.method,
        [this, seed = specs[i].seed, first = true](const UpdateRecord& record) mutable {
          OnUpdate(seed, std::exchange(first, false), record);
        },
        team_);
  };
  options.on_progress = [this, &specs, last = std::vector<std::int64_t>(specs.size())](
                            std::size_t i, const Progress& progress) mutable {
    if (!Learns(config_.method.name) &&
        std::exchange(last[i], progress.samples) != progress.samples) {
      directory_.AppendMetric(specs[i].seed, progress);
    }
    if (observe_) {
      observe_(specs[i].seed, progress);
    }
  };
  return options;
}

/// @param first  of this process: what is in the metrics from there on was not in the checkpoint
void ExperimentRun::OnUpdate(Seed seed, bool first, const UpdateRecord& record) const {
  if (first) {
    directory_.TrimMetrics(seed, record);
  }
  directory_.AppendMetric(seed, record);
  if (team_ != nullptr && team_->lost()) {
    stop_.request_stop();
  }
}

void ExperimentRun::MeasureAgain(PlaceResult& result, const Console& console) const {
  if (!execution_.executes() || !result.groups || result.best.outcome != StepOutcome::kOk ||
      console.stop.stop_requested()) {
    return;
  }
  const MeasuredSearch search =
      MeasureFound(execution_, {{config_.method.name, bench_.problem().Expand(*result.groups)}},
                   /*devices_alone=*/false, console);
  result.interrupted = result.interrupted || search.interrupted;
  if (const MeasuredCandidate* const winner = search.winner(); winner != nullptr) {
    result.groups = bench_.problem().Collapse(winner->placement);
    execution_.SetMeasured(winner->timing, result);
  } else if (!search.interrupted) {
    execution_.SetMeasured(search.candidates.front().timing, result);  // why it cannot be executed
  }
}

void ExperimentRun::FinishSeed(Seed seed, const PlaceResult& result) const {
  if (!result.groups) {
    return;  // out of time before the first sample: another try may find something
  }
  SavedPlacement saved =
      Save(bench_.problem().Expand(*result.groups), bench_.graph(), bench_.cluster());
  saved.method = config_.method.name;
  saved.seed = seed;
  saved.step_time_seconds = ToSeconds(result.best.step_time).count();
  WritePlacement(saved, directory_.SeedPath(seed) / "placement.txtpb");
  if (!result.interrupted) {
    directory_.FinishSeed(seed, ResultToJson(seed, result, bench_));
  }
}

std::ptrdiff_t ExperimentRun::Position(const Json& result) const {
  return std::find(config_.seeds.begin(), config_.seeds.end(), result.at("seed").get<Seed>()) -
         config_.seeds.begin();
}

}  // namespace placer
