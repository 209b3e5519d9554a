#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <utility>

#include "cost_model/placement_io.h"
#include "experiments/experiment_config.h"
#include "experiments/format.h"
#include "experiments/methods.h"
#include "experiments/output_file.h"
#include "experiments/plan_facts.h"
#include "experiments/run_directory.h"
#include "experiments/stats.h"
#include "experiments/subcommand.h"
#include "experiments/table.h"
#include "experiments/trials.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

Json ResultToJson(Seed seed, const PlaceResult& result, const Workbench& bench) {
  const bool feasible = result.groups && result.best.outcome == StepOutcome::kOk;
  return {{"seed", seed},
          {"feasible", feasible},
          {"step_time_seconds", ToSeconds(result.best.step_time).count()},
          {"gap_limit", bench.GapLimit(result.best.step_time)},
          {"samples", result.samples},
          {"unique_samples", result.unique_samples},
          {"wall_seconds", result.wall.count()},
          {"interrupted", result.interrupted},
          {"note", result.note}};
}

/// One run of `train`: the seeds that are not done yet, then the report over all.
class Experiment {
 public:
  Experiment(const ExperimentConfig& config, const PlacerRegistry& registry,
             const RunDirectory& directory, const Workbench& bench)
      : config_(config), registry_(registry), directory_(directory), bench_(bench) {}

  void RunSeeds(const Console& console, int jobs) {
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
    const std::vector<PlaceResult> results =
        RunTrials(bench_.problem(), registry_, specs, Options(specs, console.stop, jobs), progress);
    for (std::size_t i = 0; i < specs.size(); ++i) {
      if (results[i].groups) {
        results_.push_back(ResultToJson(specs[i].seed, results[i], bench_));
      }
    }
    std::stable_sort(results_.begin(), results_.end(),
                     [this](const Json& a, const Json& b) { return Position(a) < Position(b); });
  }

  /// Writes report.json, report.txt and the best placement of all seeds. @return the report
  [[nodiscard]] Json WriteReport() const {
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
      report["step_time_seconds"] = {
          {"mean", sample.mean}, {"min", sample.min}, {"max", sample.max}};
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

  void Print(std::ostream& out) const {
    out << config_.name << ": " << config_.method.name << ", " << FormatCount(config_.samples)
        << " samples per seed\n";
    PrintProblem(out, bench_);
    out << fmt::format("bound {} ({})\n\n", FormatTime(bench_.bound()),
                       bench_.lower_bound().binding());
    std::vector<Seconds> times;
    for (const Json& result : results_) {
      times.emplace_back(result.at("step_time_seconds").get<double>());
    }
    const TimeUnit unit = UnitFor(times);
    Table table({{"seed"}, {"step time"}, {"gap limit"}, {"samples"}, {"unique"}, {"wall"}});
    for (const Json& result : results_) {
      const bool feasible = result.at("feasible").get<bool>();
      table.AddRow({std::to_string(result.at("seed").get<Seed>()),
                    feasible
                        ? FormatTime(Seconds(result.at("step_time_seconds").get<double>()), unit)
                        : "does not fit",
                    feasible ? FormatPercent(result.at("gap_limit").get<double>()) : "-",
                    FormatCount(result.at("samples").get<std::int64_t>()),
                    FormatCount(result.at("unique_samples").get<std::int64_t>()),
                    FormatWall(Seconds(result.at("wall_seconds").get<double>()))});
    }
    table.Print(out);
  }

  [[nodiscard]] bool AnyFeasible() const {
    return std::any_of(results_.begin(), results_.end(),
                       [](const Json& result) { return result.at("feasible").get<bool>(); });
  }

 private:
  /// @param specs  must outlive what is returned
  [[nodiscard]] TrialOptions Options(const std::vector<TrialSpec>& specs, std::stop_token stop,
                                     int jobs) const {
    TrialOptions options;
    options.jobs = jobs;
    options.stop = std::move(stop);
    options.make = [this, &specs](std::size_t i) {
      return MakeConfigured(
          registry_, config_.method,
          [this, seed = specs[i].seed, first = true](const UpdateRecord& record) mutable {
            if (std::exchange(first, false)) {
              directory_.TrimMetrics(seed, record.update);
            }
            directory_.AppendMetric(seed, MetricOf(record));
          });
    };
    if (!Learns(config_.method.name)) {
      options.on_progress = [this, &specs](std::size_t i, const Progress& progress) {
        directory_.AppendMetric(specs[i].seed, MetricOf(progress));
      };
    }
    options.on_finish = [this, &specs](std::size_t i, const PlaceResult& result) {
      FinishSeed(specs[i].seed, result);
    };
    return options;
  }

  void FinishSeed(Seed seed, const PlaceResult& result) const {
    if (result.groups) {
      SavedPlacement saved =
          Save(bench_.problem().Expand(*result.groups), bench_.graph(), bench_.cluster());
      saved.method = config_.method.name;
      saved.seed = seed;
      saved.step_time_seconds = ToSeconds(result.best.step_time).count();
      WritePlacement(saved, directory_.SeedPath(seed) / "placement.txtpb");
    }
    if (!result.interrupted) {
      directory_.FinishSeed(seed, ResultToJson(seed, result, bench_));
    }
  }

  [[nodiscard]] std::ptrdiff_t Position(const Json& result) const {
    return std::find(config_.seeds.begin(), config_.seeds.end(), result.at("seed").get<Seed>()) -
           config_.seeds.begin();
  }

  const ExperimentConfig& config_;
  const PlacerRegistry& registry_;
  const RunDirectory& directory_;
  const Workbench& bench_;
  std::vector<Json> results_;
};

class TrainCommand final : public Subcommand {
 public:
  TrainCommand() : Subcommand("train", "run an experiment from a config into a run directory") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("CONFIG", config_, "experiment, .txtpb (experiments/experiment.proto)")
        ->required();
    app.add_flag("--resume", resume_, "go on with the seeds that are not complete");
    app.add_option("--jobs", jobs_, "seeds at a time (default: number of cores)")
        ->check(CLI::PositiveNumber);
    app.add_flag("--json", json_, "print one JSON object instead of a table");
  }

  ExitCode Run(const Console& console) override {
    const ExperimentConfig config = ReadExperiment(config_);
    const PlacerRegistry registry = AllPlacers();
    try {  // before the model is read, and before a directory is made
      static_cast<void>(MakeConfigured(registry, config.method));
    } catch (const InputError& error) {
      throw error.In(config_);
    }
    const Workbench bench(config.model.Load(), config.problem);
    PrintWarnings(console.err, bench.warnings());
    const RunDirectory directory(config, resume_);
    Experiment experiment(config, registry, directory, bench);
    experiment.RunSeeds(console, jobs_.value_or(DefaultJobs()));
    const Json report = experiment.WriteReport();
    if (json_) {
      console.out << report.dump(2) << std::endl;
    } else {
      experiment.Print(console.out);
      console.out << "\nWrote " << directory.path().string() << std::endl;
    }
    if (console.stop.stop_requested()) {
      console.err << "placer: interrupted, --resume goes on with the seeds that are not complete\n";
      return ExitCode::kInterrupted;
    }
    if (!experiment.AnyFeasible()) {
      throw InfeasibleError(
          "no seed found a feasible placement (`placer optimize` says what is "
          "missing)");
    }
    return ExitCode::kDone;
  }

 private:
  std::string config_;
  bool resume_ = false;
  std::optional<int> jobs_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeTrainCommand() { return std::make_unique<TrainCommand>(); }

}  // namespace placer
