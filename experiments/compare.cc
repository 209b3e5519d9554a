#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "experiments/comparison.h"
#include "experiments/execution.h"
#include "experiments/format.h"
#include "experiments/headroom.h"
#include "experiments/methods.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "experiments/table.h"
#include "experiments/trials.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kDefaultSamples = 4000;
constexpr int kDefaultSeeds = 5;
constexpr const char* kYardstick = "annealing";

/// The trials that have a result for every method, by method.
struct Trials {
  std::vector<MethodTrials> methods;
  std::vector<Seed> seeds;
  std::optional<SingleDevice> single_device;  ///< the best, judged as the results are
};

std::optional<Picoseconds> BestFound(const Trials& trials) {
  std::optional<Picoseconds> best;
  for (const MethodTrials& method : trials.methods) {
    for (const PlaceResult& result : method.results) {
      if (result.groups && result.best.outcome == StepOutcome::kOk) {
        best = best ? std::min(*best, result.best.step_time) : result.best.step_time;
      }
    }
  }
  return best;
}

std::string TimeOrDash(const std::optional<Sample>& sample, double Sample::*field, TimeUnit unit) {
  return sample ? FormatTime(Seconds((*sample).*field), unit) : "-";
}

Json SampleToJson(const std::optional<Sample>& sample) {
  if (!sample) {
    return nullptr;
  }
  return {{"mean", sample->mean},
          {"min", sample->min},
          {"max", sample->max},
          {"deviation", sample->deviation}};
}

class CompareCommand final : public Subcommand {
 public:
  CompareCommand()
      : Subcommand("compare", "all methods at the same number of samples, over several seeds") {}

  void AddOptions(CLI::App& app) override {
    model_.AddTo(app);
    problem_.AddClusterTo(app, /*required=*/true);
    app.add_option("--methods", methods_, "all, or names with commas (default all)");
    app.add_option("--samples", samples_,
                   fmt::format("placements each method may evaluate (default {})", kDefaultSamples))
        ->check(CLI::PositiveNumber);
    app.add_option("--seeds", num_seeds_,
                   fmt::format("trials of each method (default {})", kDefaultSeeds))
        ->check(CLI::PositiveNumber);
    app.add_option("--seed", seed_, "the first seed; the others follow it (default 1)");
    app.add_option("--jobs", jobs_, "trials at a time (default: number of cores)")
        ->check(CLI::PositiveNumber);
    problem_.AddSimulationTo(app);
    problem_.AddGroupingTo(app);
    problem_.AddConstraintsTo(app);
    execution_.AddTo(app);
    app.add_flag("--json", json_, "print one JSON object instead of a table");
  }

  ExitCode Run(const Console& console) override {
    const PlacerRegistry registry = AllPlacers();
    std::vector<std::string> methods = ParseMethods(methods_, registry, console.err);
    if (std::find(methods.begin(), methods.end(), kYardstick) == methods.end()) {
      methods.emplace_back(kYardstick);
      console.err << "placer: annealing added: a comparison without it says little\n";
    }
    const Execution execution(model_, problem_, execution_, console);
    const Workbench& bench = execution.bench();
    PrintWarnings(console.err, bench.warnings());
    const Trials trials = RunAll(console, registry, execution, methods);
    const bool interrupted = console.stop.stop_requested();
    if (trials.seeds.empty()) {
      console.err << "placer: interrupted before one seed was complete, there is no table\n";
      return ExitCode::kInterrupted;
    }
    return Report(console, execution, trials, interrupted);
  }

 private:
  [[nodiscard]] Trials RunAll(const Console& console, const PlacerRegistry& registry,
                              const Execution& execution,
                              const std::vector<std::string>& methods) const {
    std::vector<TrialSpec> specs;  // seed by seed, so that stopping early leaves whole seeds
    for (int s = 0; s < num_seeds_; ++s) {
      for (const std::string& method : methods) {
        specs.push_back({method, Budget{samples_, std::nullopt}, seed_ + static_cast<Seed>(s)});
      }
    }
    TrialOptions options;
    options.jobs = execution.jobs(jobs_.value_or(DefaultJobs()));
    options.stop = console.stop;
    options.on_start = [&](std::size_t) { execution.ForgetMeasured(); };
    ProgressMeter progress(console, "compare");
    std::vector<PlaceResult> results =
        RunTrials(execution.problem(), registry, specs, options, progress);

    Trials trials;
    trials.single_device = execution.Remeasure(results, console);
    for (const std::string& method : methods) {
      trials.methods.push_back({method, UsesBudget(method), {}});
    }
    for (std::size_t s = 0; s < static_cast<std::size_t>(num_seeds_); ++s) {
      const auto first = results.begin() + static_cast<std::ptrdiff_t>(s * methods.size());
      const auto last = first + static_cast<std::ptrdiff_t>(methods.size());
      if (std::any_of(first, last, [](const PlaceResult& r) { return r.interrupted; })) {
        continue;
      }
      trials.seeds.push_back(specs[s * methods.size()].seed);
      for (std::size_t m = 0; m < methods.size(); ++m) {
        trials.methods[m].results.push_back(std::move(results[s * methods.size() + m]));
      }
    }
    return trials;
  }

  [[nodiscard]] ExitCode Report(const Console& console, const Execution& execution,
                                const Trials& trials, bool interrupted) const {
    const Workbench& bench = execution.bench();
    const Comparison comparison = CompareMethods(trials.methods);
    const std::optional<Picoseconds> found = BestFound(trials);
    const HeadRoom room =
        AssessHeadRoom(bench, BestSingleDevice(bench), {StepTimeOf(trials.single_device), found});
    if (json_) {
      console.out << ToJson(bench, trials, comparison, room).dump(2) << std::endl;
    } else {
      PrintProblem(console.out, bench);
      console.out << fmt::format("{} samples per method, {} seeds; bound {} ({})\n\n",
                                 FormatCount(samples_), trials.seeds.size(),
                                 FormatTime(bench.bound()), bench.binding());
      Print(console.out, bench, comparison);
      console.out << "Head-room: "
                  << (room.statement.empty() ? fmt::format("work / critical path is {:.2f}",
                                                           room.work_over_critical_path)
                                             : room.statement)
                  << std::endl;
    }
    if (interrupted) {
      console.err << "placer: interrupted after " << trials.seeds.size() << " complete seeds\n";
      return ExitCode::kInterrupted;
    }
    if (!found) {
      throw InfeasibleError(
          "no method found a feasible placement (`placer optimize` says what is "
          "missing)");
    }
    return ExitCode::kDone;
  }

  static void Print(std::ostream& out, const Workbench& bench, const Comparison& comparison) {
    std::vector<Seconds> times;
    bool some_infeasible = false;
    for (const MethodSummary& method : comparison.methods) {
      if (method.step_seconds) {
        times.emplace_back(method.step_seconds->min);
      }
      some_infeasible = some_infeasible || method.feasible != method.trials;
    }
    const TimeUnit unit = UnitFor(times);
    const std::string equal_wall =
        comparison.equal_wall ? FormatWall(*comparison.equal_wall) : "equal wall";
    Table table({{"method", Table::Align::kLeft},
                 {"mean"},
                 {"min"},
                 {"max"},
                 {"gap limit"},
                 {"vs heuristic"},
                 {"95 % interval"},
                 {"samples"},
                 {"unique"},
                 {"wall"},
                 {"mean at " + equal_wall},
                 {some_infeasible ? "feasible" : ""}});
    for (const MethodSummary& method : comparison.methods) {
      const auto& step = method.step_seconds;
      const auto& interval = method.change_interval;
      table.AddRow(
          {method.method, TimeOrDash(step, &Sample::mean, unit),
           TimeOrDash(step, &Sample::min, unit), TimeOrDash(step, &Sample::max, unit),
           step ? FormatPercent(bench.GapLimit(FromSeconds(step->mean))) : "-",
           method.change ? FormatChange(*method.change) : "-",
           interval ? FormatChange(interval->low) + " .. " + FormatChange(interval->high) : "-",
           FormatCount(std::llround(method.mean_samples)),
           FormatCount(std::llround(method.mean_unique)),
           FormatWall(Seconds(method.mean_wall_seconds)),
           TimeOrDash(method.equal_wall_seconds, &Sample::mean, unit),
           some_infeasible ? fmt::format("{}/{}", method.feasible, method.trials) : ""});
    }
    table.Print(out);
    out << '\n';
    if (comparison.best_heuristic) {
      out << "vs heuristic: against " << comparison.methods[*comparison.best_heuristic].method
          << " at the same seed; interval of the paired difference, from " << kMinSeedsForInterval
          << " seeds on.\n";
    }
    if (comparison.equal_wall) {
      out << "mean at " << equal_wall
          << ": best so far at the wall time of the quickest method that uses all its samples.\n";
    }
  }

  static Picoseconds FromSeconds(double seconds) {
    return Picoseconds(std::llround(seconds * 1e12));
  }

  [[nodiscard]] Json ToJson(const Workbench& bench, const Trials& trials,
                            const Comparison& comparison, const HeadRoom& room) const {
    auto methods = Json::array();
    for (std::size_t m = 0; m < comparison.methods.size(); ++m) {
      const MethodSummary& summary = comparison.methods[m];
      Json method = {{"method", summary.method},
                     {"feasible", summary.feasible},
                     {"step_seconds", SampleToJson(summary.step_seconds)},
                     {"equal_wall_seconds", SampleToJson(summary.equal_wall_seconds)},
                     {"mean_samples", summary.mean_samples},
                     {"mean_unique_samples", summary.mean_unique},
                     {"mean_wall_seconds", summary.mean_wall_seconds}};
      if (summary.step_seconds) {
        method["gap_limit"] = bench.GapLimit(FromSeconds(summary.step_seconds->mean));
      }
      if (summary.change) {
        method["vs_best_heuristic"] = *summary.change;
      }
      if (summary.change_interval) {
        method["vs_best_heuristic_95"] = {summary.change_interval->low,
                                          summary.change_interval->high};
      }
      method["trials"] = TrialsToJson(trials, m);
      methods.push_back(method);
    }
    Json json = {{"problem", ProblemToJson(bench)},
                 {"samples", samples_},
                 {"seeds", trials.seeds},
                 {"methods", methods},
                 {"head_room",
                  {{"work_over_critical_path", room.work_over_critical_path},
                   {"statement", room.statement}}}};
    if (comparison.best_heuristic) {
      json["best_heuristic"] = comparison.methods[*comparison.best_heuristic].method;
    }
    if (comparison.equal_wall) {
      json["equal_wall_seconds"] = comparison.equal_wall->count();
    }
    return json;
  }

  static Json TrialsToJson(const Trials& trials, std::size_t method) {
    auto array = Json::array();
    for (std::size_t s = 0; s < trials.seeds.size(); ++s) {
      const PlaceResult& result = trials.methods[method].results[s];
      const bool feasible = result.groups && result.best.outcome == StepOutcome::kOk;
      array.push_back({{"seed", trials.seeds[s]},
                       {"feasible", feasible},
                       {"step_seconds", ToSeconds(result.best.step_time).count()},
                       {"samples", result.samples},
                       {"unique_samples", result.unique_samples},
                       {"wall_seconds", result.wall.count()}});
    }
    return array;
  }

  ModelOptions model_;
  ProblemOptions problem_;
  ExecutionOptions execution_;
  std::string methods_ = "all";
  std::int64_t samples_ = kDefaultSamples;
  int num_seeds_ = kDefaultSeeds;
  std::optional<int> jobs_;
  Seed seed_ = 1;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeCompareCommand() { return std::make_unique<CompareCommand>(); }

}  // namespace placer
