#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <ostream>

#include "experiments/fidelity.h"
#include "experiments/format.h"
#include "experiments/output_file.h"
#include "experiments/picture/chart.h"
#include "experiments/plan_facts.h"
#include "experiments/status_line.h"
#include "experiments/subcommand.h"
#include "experiments/table.h"
#include "experiments/trace_json.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::array<const char*, 3> kSources = {"random", "heuristic", "found"};

Json SummaryToJson(const FidelitySummary& summary) {
  return {{"placements", summary.points},
          {"mape", summary.mape},
          {"bias", summary.bias},
          {"spearman", summary.spearman},
          {"repeat_noise", summary.repeat_noise},
          {"round_spearman", summary.round_spearman}};
}

class FidelityCommand final : public Subcommand {
 public:
  FidelityCommand()
      : Subcommand("fidelity", "how far simulated step times are from executed ones") {}

  void AddOptions(CLI::App& app) override {
    model_.AddTo(app);
    app.add_option("--devices", problem_.devices, "devices of this machine, as cpu:0,cpu:1")
        ->required();
    app.add_option("--profile", problem_.profile,
                   "measured times, from `placer profile` (default: measured here, before every "
                   "round)");
    app.add_option("--placements", count_, fmt::format("how many (default {})", count_))
        ->check(CLI::PositiveNumber);
    app.add_option("--rounds", rounds_,
                   fmt::format("how often each is measured, in turns (default {})", rounds_))
        ->check(CLI::Range(2, 1000));
    app.add_option(
           "--steps", steps_,
           fmt::format("steps timed in every round, whose median counts (default {})", steps_))
        ->check(CLI::Range(1, 1000));
    app.add_option("--seed", seed_, "of the placements and their order (default 1)");
    app.add_option("--worst", num_worst_,
                   fmt::format("worst cases that are told (default {})", num_worst_));
    app.add_option("--svg", svg_, "write a scatter plot");
    app.add_option("--traces", traces_,
                   "write the simulated and the executed timeline of each worst case into this "
                   "folder, for Perfetto");
    problem_.AddSimulationTo(app);
    problem_.AddGroupingTo(app);
    AddWorkerOptions(app, execution_);
    app.add_flag("--json", json_, "print one JSON object, all points included");
  }

  ExitCode Run(const Console& console) override {
    if (!svg_.empty()) {
      CheckWritable(svg_, {".svg"});
    }
    CheckExecutedAsSimulated(problem_);
    const std::unique_ptr<StepWorker> worker = StartWorker(model_, problem_, execution_, console);
    const Cluster cluster = problem_.LoadTarget();
    Profile profile = ProfileFor(*worker, cluster, problem_, console);
    const auto make_bench = [&] {
      return std::make_unique<Workbench>(LoadedModel{worker->graph(), worker->warnings()}, cluster,
                                         problem_, profile);
    };
    auto bench = make_bench();
    PrintWarnings(console.err, bench->warnings());
    std::vector<FidelityPoint> points = ChoosePlacements(*bench, count_, seed_);
    std::vector<TimedItem> measured;
    const bool complete = Measure(console, *worker, cluster,
                                  problem_.profile.empty() ? &profile : nullptr, points, measured);
    const DriftRange drift = RemoveDrift(measured, points);
    if (problem_.profile.empty()) {
      bench = make_bench();
      Simulate(*bench, points);
    }
    const std::vector<std::size_t> worst = Worst(points);
    const FidelitySummary all = Summarize(points);
    if (!svg_.empty()) {
      ReplaceFile(svg_, Scatter(*bench, points, all));
    }
    if (json_) {
      console.out << ToJson(*bench, points, worst, drift).dump(2) << std::endl;
    } else {
      Print(console.out, *bench, points, worst, drift);
    }
    if (!complete || !WroteTraces(console, *bench, *worker, points, worst)) {
      console.err << "placer: interrupted, this is what was measured so far\n";
      return ExitCode::kInterrupted;
    }
    return IsFaithful(all) ? ExitCode::kDone : ExitCode::kCheckFailed;
  }

 private:
  /// Every round in an order of its own, so that what drifts on the machine hits no kind of
  /// placement more than another.
  /// @param profile  if there is one, it gets new measurements before every round but the first, so
  /// that what drifts hits it as well
  /// @param measured  gets every measurement, in order
  /// @return false if interrupted
  [[nodiscard]] bool Measure(const Console& console, StepWorker& worker, const Cluster& cluster,
                             Profile* profile, std::vector<FidelityPoint>& points,
                             std::vector<TimedItem>& measured) const {
    StatusLine status(console, "measuring placements");
    std::vector<std::size_t> order(points.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    int done = 0;
    for (int round = 0; round < rounds_; ++round) {
      Rng rng(DeriveSeed(seed_, 3, round));
      std::shuffle(order.begin(), order.end(), rng);
      try {
        if (round > 0 && profile != nullptr) {
          ProfileAgain(console, worker, cluster, static_cast<Seed>(1 + round), *profile);
        }
        for (const std::size_t i : order) {
          if (points[i].timing.outcome != StepOutcome::kOk) {
            continue;  // what hung or crashed would do so in every round
          }
          const StepPlan plan{StepPlan::Kind::kPlaced, points[i].placement, 1};
          const TimingOptions options{.min_repeats = steps_, .max_repeats = steps_};
          if (Add(TimeStep(worker, plan, options), points[i].timing)) {
            measured.push_back({i, points[i].timing.times.back()});
          }
          status.Show(++done, rounds_ * static_cast<int>(points.size()));
        }
      } catch (const WorkerError& error) {
        if (error.outcome() != StepOutcome::kInterrupted) {
          throw;
        }
        return false;
      }
    }
    return true;
  }

  /// @throws WorkerError if interrupted, no other: the rounds so far are worth more
  static void ProfileAgain(const Console& console, StepWorker& worker, const Cluster& cluster,
                           Seed seed, Profile& profile) {
    try {
      Profile more = MeasureProfile(worker, cluster, {.seed = seed});
      more.hardware = profile.hardware;
      profile.Merge(more);
    } catch (const WorkerError& error) {
      if (error.outcome() == StepOutcome::kInterrupted) {
        throw;
      }
      console.err << "placer: warning: the model is not profiled again: " << error.what() << '\n';
    }
  }

  /// A round counts as one measurement, the median of its steps: one step that the machine
  /// disturbed does not move it. @return false if the placement could not be executed
  static bool Add(const StepTiming& round, StepTiming& to) {
    if (round.outcome != StepOutcome::kOk) {
      to.outcome = round.outcome;
      to.reason = round.reason;
      return false;
    }
    to.times.push_back(Median(round.times));
    to.time = TrimmedMean(to.times);
    to.peak_bytes = round.peak_bytes;
    return true;
  }

  [[nodiscard]] std::vector<std::size_t> Worst(const std::vector<FidelityPoint>& points) const {
    std::vector<std::size_t> worst;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (points[i].ok()) {
        worst.push_back(i);
      }
    }
    std::stable_sort(worst.begin(), worst.end(), [&](std::size_t a, std::size_t b) {
      return std::abs(points[a].error()) > std::abs(points[b].error());
    });
    worst.resize(std::min(worst.size(), num_worst_));
    return worst;
  }

  static std::string Scatter(const Workbench& bench, const std::vector<FidelityPoint>& points,
                             const FidelitySummary& all) {
    const FidelitySummary with_drift = Summarize(WithDrift(points));
    std::vector<Seconds> times;
    times.reserve(points.size());
    for (const FidelityPoint& point : points) {
      times.emplace_back(point.measured());
    }
    const TimeUnit unit = UnitFor(times);
    ScatterChart chart;
    chart.title = fmt::format("{} on {}", bench.graph().name(), bench.cluster().name());
    chart.x_title = fmt::format("measured step time, drift removed ({})", Name(unit));
    chart.y_title = fmt::format("simulated step time ({})", Name(unit));
    for (const char* source : kSources) {
      ScatterClass one{source, {}};
      for (const FidelityPoint& point : points) {
        if (point.ok() && point.source == source) {
          one.points.push_back(
              {point.measured() * PerSecond(unit), point.simulated * PerSecond(unit), point.label});
        }
      }
      chart.classes.push_back(std::move(one));
    }
    chart.remarks = {
        "MAPE " + FormatPercent(all.mape), fmt::format("Spearman {:.3f}", all.spearman),
        "repeat noise " + FormatPercent(all.repeat_noise),
        fmt::format("with drift {}, {:.3f}", FormatPercent(with_drift.mape), with_drift.spearman)};
    return DrawScatterChart(chart);
  }

  /// @return false if interrupted. What fails otherwise is a warning: the rest is known
  [[nodiscard]] bool WroteTraces(const Console& console, const Workbench& bench, StepWorker& worker,
                                 const std::vector<FidelityPoint>& points,
                                 const std::vector<std::size_t>& worst) const {
    if (traces_.empty()) {
      return true;
    }
    try {
      WriteTraces(bench, worker, points, worst);
    } catch (const WorkerError& error) {
      if (error.outcome() == StepOutcome::kInterrupted) {
        return false;
      }
      console.err << "placer: warning: not all worst cases have a timeline: " << error.what()
                  << '\n';
    }
    return true;
  }

  void WriteTraces(const Workbench& bench, StepWorker& worker,
                   const std::vector<FidelityPoint>& points,
                   const std::vector<std::size_t>& worst) const {
    MakeFolder(traces_);
    for (std::size_t w = 0; w < worst.size(); ++w) {
      const Placement& placement = points[worst[w]].placement;
      Trace simulated;
      static_cast<void>(bench.runner().RunWithTrace(placement, &simulated));
      const MeasuredSteps executed =
          worker.Measure({StepPlan::Kind::kPlaced, placement, 1}, 1, 1, /*record=*/true);
      const auto write = [&](const char* what, const Trace& trace) {
        ReplaceFile(fs::path(traces_) / fmt::format("worst{}_{}.json", w + 1, what),
                    TraceToJson(bench.graph(), bench.cluster(), trace).dump());
      };
      write("simulated", simulated);
      write("executed", ToTrace(executed.traces.at(0), bench.cluster()));
    }
  }

  void Print(std::ostream& out, const Workbench& bench, const std::vector<FidelityPoint>& points,
             const std::vector<std::size_t>& worst, const DriftRange& drift) const {
    out << fmt::format("{}: {} ops on {}; {} placements, each measured {} times in turns\n\n",
                       bench.graph().name(),
                       FormatCount(static_cast<std::int64_t>(bench.graph().num_ops())),
                       bench.cluster().name(), points.size(), rounds_);
    Table table({{"placements", Table::Align::kLeft},
                 {"number"},
                 {"MAPE"},
                 {"bias"},
                 {"Spearman"},
                 {"repeat noise"},
                 {"round vs round"}});
    const auto add = [&](const std::string& label, const FidelitySummary& summary) {
      table.AddRow({label, std::to_string(summary.points), FormatPercent(summary.mape),
                    FormatChange(summary.bias), fmt::format("{:.3f}", summary.spearman),
                    FormatPercent(summary.repeat_noise),
                    fmt::format("{:.3f}", summary.round_spearman)});
    };
    for (const char* source : kSources) {
      add(source, Summarize(points, source));
    }
    const FidelitySummary all = Summarize(points);
    add("all", all);
    add("all, drift left in", Summarize(WithDrift(points)));
    table.Print(out);
    if (drift.known()) {
      out << fmt::format(
          "\nThe machine's step times drifted by {} .. {} around their mean; that is removed from "
          "what counts\n",
          FormatChange(drift.low), FormatChange(drift.high));
    } else {
      out << "\nToo few placements or rounds to know how the machine's step times drifted\n";
    }
    PrintWorst(out, points, worst);
    const auto failed = std::count_if(points.begin(), points.end(), [](const FidelityPoint& point) {
      return point.timing.outcome != StepOutcome::kOk;
    });
    if (failed > 0) {
      out << fmt::format("\n{} placements could not be measured\n", failed);
    }
    out << (IsFaithful(all) ? "\nFaithful" : "\nNot faithful")
        << ": expected MAPE of at most 10 % or 1.5 x repeat noise, Spearman of at least 0.95"
        << std::endl;
  }

  static void PrintWorst(std::ostream& out, const std::vector<FidelityPoint>& points,
                         const std::vector<std::size_t>& worst) {
    std::vector<Seconds> times;
    times.reserve(worst.size());
    for (const std::size_t i : worst) {
      times.emplace_back(points[i].measured());
    }
    const TimeUnit unit = UnitFor(times);
    Table table({{"worst cases", Table::Align::kLeft}, {"simulated"}, {"measured"}, {"error"}});
    for (const std::size_t i : worst) {
      const FidelityPoint& point = points[i];
      table.AddRow({point.label, FormatTime(Seconds(point.simulated), unit),
                    FormatTime(Seconds(point.measured()), unit), FormatChange(point.error())});
    }
    out << '\n';
    table.Print(out);
  }

  static Json ToJson(const Workbench& bench, const std::vector<FidelityPoint>& points,
                     const std::vector<std::size_t>& worst, const DriftRange& drift) {
    Json json = {{"graph", bench.graph().name()},
                 {"devices", bench.cluster().name()},
                 {"faithful", IsFaithful(Summarize(points))},
                 {"drift", drift.known() ? Json{drift.low, drift.high} : Json()},
                 {"all", SummaryToJson(Summarize(points))},
                 {"all_with_drift", SummaryToJson(Summarize(WithDrift(points)))}};
    for (const char* source : kSources) {
      json[source] = SummaryToJson(Summarize(points, source));
    }
    auto array = Json::array();
    for (const FidelityPoint& point : points) {
      array.push_back({{"source", point.source},
                       {"label", point.label},
                       {"simulated_seconds", point.simulated},
                       {"measured_seconds", point.ok() ? Json(point.measured()) : Json()},
                       {"repeats_seconds", point.timing.times},
                       {"repeats_without_drift_seconds", point.times}});
    }
    json["points"] = array;
    json["worst"] = worst;
    return json;
  }

  ModelOptions model_;
  ProblemOptions problem_;
  ExecutionOptions execution_;
  std::size_t count_ = 200, num_worst_ = 5;
  int rounds_ = 3;
  int steps_ = 3;
  Seed seed_ = 1;
  std::string svg_, traces_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeFidelityCommand() { return std::make_unique<FidelityCommand>(); }

}  // namespace placer
