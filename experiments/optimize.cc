#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cost_model/placement_io.h"
#include "experiments/execution.h"
#include "experiments/format.h"
#include "experiments/headroom.h"
#include "experiments/measured_search.h"
#include "experiments/methods.h"
#include "experiments/output_file.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "experiments/table.h"
#include "experiments/trials.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

using Clock = std::chrono::steady_clock;

// With these a run takes about a minute on two cores for graphs of some hundred groups: what learns
// needs 10 ms per sample there, the others next to nothing.
constexpr std::int64_t kDefaultSamples = 4000;
constexpr double kDefaultSeconds = 60;
// Annealing is cheap: while the learner runs, a second search with this many times the samples
// costs a second or two and often finds more. It has a row of its own.
constexpr std::int64_t kLongSearchFactor = 10;
// With --seconds alone time is the limit; this many samples take a fast search minutes, and keep
// its record of placements seen below 100 MB.
constexpr std::int64_t kSamplesWithoutLimit = 2'000'000;

struct Row {
  std::string label;
  TrialSpec spec;
  PlaceResult result;
  [[nodiscard]] bool feasible() const {
    return result.groups && result.best.outcome == StepOutcome::kOk;
  }
};

struct Outcome {
  std::vector<Row> rows;
  std::optional<std::size_t> best;  ///< index into rows: the best placement, feasible or not
  std::optional<SingleDevice> single_device;
  HeadRoom head_room;
  std::optional<MeasuredSearch> measured;  ///< if placements are executed
  bool interrupted = false;
};

std::optional<double> VersusSingleDevice(const Outcome& outcome, const Row& row) {
  if (!outcome.single_device || !row.feasible()) {
    return std::nullopt;
  }
  return static_cast<double>(row.result.best.step_time.count()) /
             static_cast<double>(outcome.single_device->step_time.count()) -
         1;
}

std::string DescribeInfeasible(const Workbench& bench, const StepReport& report) {
  std::string text = "no feasible placement";
  const std::int64_t missing = bench.resident_bytes() - bench.capacity_bytes();
  if (missing > 0) {
    text += fmt::format(
        " exists: the model keeps {} for the whole step, all devices have {} ({} missing)",
        FormatBytes(bench.resident_bytes()), FormatBytes(bench.capacity_bytes()),
        FormatBytes(missing));
  } else {
    text += " found";
  }
  return text + "; the one that lacks least: " + DescribeShortages(bench, report);
}

class OptimizeCommand final : public Subcommand {
 public:
  OptimizeCommand()
      : Subcommand("optimize", "find a placement: the best of all methods, or of one") {}

  void AddOptions(CLI::App& app) override {
    model_.AddTo(app);
    problem_.AddClusterTo(app, /*required=*/true);
    app.add_option("-o,--output", output_, "write the plan: .txtpb, .pb, .json or .csv");
    app.add_option("--method", method_,
                   "auto (all heuristics, then annealing and learning at equal samples; the best "
                   "is kept) or methods with commas");
    app.add_option("--samples", samples_,
                   fmt::format("placements each method may evaluate (default {}, no limit with "
                               "--seconds alone)",
                               kDefaultSamples))
        ->check(CLI::PositiveNumber);
    app.add_option("--seconds", seconds_,
                   fmt::format("stop after this wall time (default {}, none with --samples)",
                               kDefaultSeconds))
        ->check(CLI::PositiveNumber);
    app.add_option("--seed", seed_, "root of all random numbers (default 1)");
    app.add_option("--jobs", jobs_, "searches at a time (default: number of cores)")
        ->check(CLI::PositiveNumber);
    problem_.AddSimulationTo(app);
    problem_.AddGroupingTo(app);
    problem_.AddConstraintsTo(app);
    execution_.AddTo(app);
    app.add_flag("--json", json_, "print one JSON object instead of tables");
  }

  ExitCode Run(const Console& console) override {
    Clock::time_point start = Clock::now();
    const PlacerRegistry registry = AllPlacers();
    if (!output_.empty()) {
      CheckWritable(output_, {".txtpb", ".pb", ".json", ".csv"});
    }
    std::vector<Row> rows = PlanRows(console, registry);
    const Execution execution(model_, problem_, execution_, console);
    const Workbench& bench = execution.bench();
    if (execution.executes()) {
      start = Clock::now();  // loading and profiling a model may take longer than the search
    }
    PrintWarnings(console.err, bench.warnings());
    if (!json_) {
      PrintProblem(console.out, bench);
      console.out << std::endl;
    }
    Outcome outcome = Search(console, registry, execution, std::move(rows), start);
    if (execution.executes() && outcome.best && !outcome.interrupted) {
      MeasureBest(console, execution, outcome);
    }
    return Finish(console, bench, outcome);
  }

 private:
  [[nodiscard]] bool only_seconds() const { return seconds_ && !samples_; }
  [[nodiscard]] std::int64_t samples() const {
    return samples_.value_or(only_seconds() ? kSamplesWithoutLimit : kDefaultSamples);
  }
  [[nodiscard]] std::optional<double> seconds() const {
    return seconds_ || samples_ ? seconds_ : std::optional(kDefaultSeconds);
  }

  /// Heuristics first: they take no time, and if the user stops early they are there.
  [[nodiscard]] std::vector<Row> PlanRows(const Console& console,
                                          const PlacerRegistry& registry) const {
    const bool automatic = method_ == "auto";
    std::vector<Row> rows;
    const auto add = [&](const std::string& method, std::int64_t samples, std::string label) {
      rows.push_back({std::move(label), {method, Budget{samples, std::nullopt}, seed_}, {}});
    };
    for (const std::string& method :
         ParseMethods(automatic ? "all" : method_, registry, console.err)) {
      if (!automatic || !UsesBudget(method) || method == "annealing" || method == "reinforce") {
        add(method, samples(), method);
      }
    }
    std::stable_partition(rows.begin(), rows.end(),
                          [](const Row& row) { return !UsesBudget(row.spec.method); });
    if (automatic && !only_seconds()) {
      add("annealing", kLongSearchFactor * samples(),
          fmt::format("annealing x{}", kLongSearchFactor));
      // What learns takes longest, so it comes last: on one core it must not use up all the time.
      std::stable_partition(rows.begin(), rows.end(),
                            [](const Row& row) { return !Learns(row.spec.method); });
    }
    return rows;
  }

  /// Where time is the only limit, searches that wait for a thread would find none left.
  void ShareTime(int jobs, std::vector<TrialSpec>& specs) const {
    const auto searches = std::count_if(
        specs.begin(), specs.end(), [](const TrialSpec& spec) { return UsesBudget(spec.method); });
    if (!only_seconds() || searches <= jobs) {
      return;
    }
    for (TrialSpec& spec : specs) {
      if (UsesBudget(spec.method)) {
        spec.budget.seconds = Seconds(*seconds_ * jobs / static_cast<double>(searches));
      }
    }
  }

  [[nodiscard]] Outcome Search(const Console& console, const PlacerRegistry& registry,
                               const Execution& execution, std::vector<Row> rows,
                               Clock::time_point start) const {
    const Workbench& bench = execution.bench();
    std::vector<TrialSpec> specs;
    for (const Row& row : rows) {
      specs.push_back(row.spec);
    }
    TrialOptions options;
    options.jobs = execution.jobs(jobs_.value_or(DefaultJobs()));
    options.stop = console.stop;
    ShareTime(options.jobs, specs);
    if (seconds()) {
      options.deadline = start + std::chrono::duration_cast<Clock::duration>(Seconds(*seconds()));
    }
    ProgressMeter progress(console, "optimize");
    std::vector<PlaceResult> results =
        RunTrials(execution.problem(), registry, specs, options, progress);
    if (const std::string note = execution.FailureNote(); !note.empty()) {
      console.err << "placer: warning: " << note << '\n';
    }
    Outcome outcome;
    outcome.interrupted = console.stop.stop_requested();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].result = std::move(results[i]);
      if (rows[i].result.groups &&
          (!outcome.best || IsBetter(rows[i].result.best, rows[*outcome.best].result.best))) {
        outcome.best = i;
      }
    }
    outcome.rows = std::move(rows);
    outcome.single_device = BestSingleDevice(bench, execution.problem().runner());
    std::optional<Picoseconds> found;
    if (outcome.best && outcome.rows[*outcome.best].feasible()) {
      found = outcome.rows[*outcome.best].result.best.step_time;
    }
    outcome.head_room =
        AssessHeadRoom(bench, BestSingleDevice(bench), {StepTimeOf(outcome.single_device), found});
    return outcome;
  }

  /// Executes what every method found, and more.
  static void MeasureBest(const Console& console, const Execution& execution, Outcome& outcome) {
    std::vector<FoundPlacement> found;
    for (const Row& row : outcome.rows) {
      if (row.feasible()) {
        found.push_back({row.label, execution.problem().Expand(*row.result.groups)});
      }
    }
    outcome.measured = MeasureFound(execution, std::move(found), /*devices_alone=*/true, console);
    outcome.interrupted = outcome.interrupted || outcome.measured->interrupted;
  }

  [[nodiscard]] ExitCode Finish(const Console& console, const Workbench& bench,
                                const Outcome& outcome) const {
    if (!outcome.best) {
      console.err << "placer: " << (outcome.interrupted ? "interrupted" : "out of time")
                  << " before the first sample, there is no plan to write\n";
      return outcome.interrupted ? ExitCode::kInterrupted : ExitCode::kCheckFailed;
    }
    const Row& best = outcome.rows[*outcome.best];
    const MeasuredCandidate* const winner = outcome.measured ? outcome.measured->winner() : nullptr;
    const Placement placement =
        winner != nullptr ? winner->placement : bench.problem().Expand(*best.result.groups);
    const PlanFacts facts = ExaminePlan(bench, placement);
    if (json_) {
      console.out << ToJson(bench, outcome, facts).dump(2) << std::endl;
    } else {
      Print(console.out, bench, outcome, facts);
    }
    if (best.feasible() && !output_.empty()) {
      SavedPlacement saved = Save(placement, bench.graph(), bench.cluster());
      saved.method = winner != nullptr ? winner->source : best.label;
      saved.seed = best.spec.seed;
      saved.step_time_seconds = winner != nullptr ? winner->timing.time.mean
                                                  : ToSeconds(best.result.best.step_time).count();
      WritePlacement(saved, output_);
      if (!json_) {
        console.out << "\nWrote " << output_ << std::endl;
      }
    }
    if (outcome.interrupted) {
      console.err << "placer: interrupted, this is the best so far\n";
      return ExitCode::kInterrupted;
    }
    if (!best.feasible()) {
      throw InfeasibleError(DescribeInfeasible(bench, facts.report));
    }
    if (outcome.measured && winner == nullptr) {
      throw InfeasibleError("no placement could be executed, the plan is the simulator's: " +
                            outcome.measured->candidates.front().timing.reason);
    }
    return ExitCode::kDone;
  }

  void Print(std::ostream& out, const Workbench& bench, const Outcome& outcome,
             const PlanFacts& facts) const {
    PrintMethods(out, bench, outcome);
    const Row& best = outcome.rows[*outcome.best];
    if (outcome.measured) {
      PrintWinner(out, *outcome.measured);
      PrintPlan(out, bench, facts);
      return;
    }
    out << "\nBest: " << best.label;
    if (const auto change = VersusSingleDevice(outcome, best)) {
      out << ", " << FormatChange(*change) << " against the best single device ("
          << bench.cluster().device(outcome.single_device->device).name << ", "
          << FormatTime(outcome.single_device->step_time) << ")";
    } else if (!outcome.single_device) {
      out << "; no single device can hold the model";
    }
    out << '\n';
    if (!outcome.head_room.statement.empty()) {
      out << "Head-room: " << outcome.head_room.statement << '\n';
    }
    PrintPlan(out, bench, facts);
  }

  static void PrintWinner(std::ostream& out, const MeasuredSearch& measured) {
    out << '\n';
    PrintMeasured(out, measured);
    const MeasuredCandidate* const winner = measured.winner();
    if (winner == nullptr) {
      out << (measured.interrupted
                  ? "\nInterrupted before a placement was executed: the best of the search\n"
                  : "\nNo placement could be executed\n");
      return;
    }
    out << "\nBest: " << winner->source << ", executed in " << DescribeTiming(winner->timing);
    if (const MeasuredCandidate* const single = measured.single_device(); single != nullptr) {
      out << fmt::format(", {} against {} ({})",
                         FormatChange(winner->timing.time.mean / single->timing.time.mean - 1),
                         single->source, DescribeTiming(single->timing));
    }
    out << "\n\nWhat the simulator says of it:\n";
  }

  void PrintMethods(std::ostream& out, const Workbench& bench, const Outcome& outcome) const {
    std::vector<Seconds> times;
    for (const Row& row : outcome.rows) {
      times.push_back(ToSeconds(row.result.best.step_time));
    }
    const TimeUnit unit = UnitFor(times);
    Table table({{"method", Table::Align::kLeft},
                 {"step time"},
                 {"gap limit"},
                 {"vs single"},
                 {"samples"},
                 {"unique"},
                 {"wall"},
                 {"", Table::Align::kLeft}});
    for (std::size_t i = 0; i < outcome.rows.size(); ++i) {
      const Row& row = outcome.rows[i];
      const std::optional<double> change = VersusSingleDevice(outcome, row);
      table.AddRow({row.label,
                    row.feasible()      ? FormatTime(ToSeconds(row.result.best.step_time), unit)
                    : row.result.groups ? "does not fit"
                                        : "-",
                    row.feasible() ? FormatPercent(bench.GapLimit(row.result.best.step_time)) : "-",
                    change ? FormatChange(*change) : "-", FormatCount(row.result.samples),
                    FormatCount(row.result.unique_samples), FormatWall(row.result.wall),
                    outcome.best == i ? "<- best" : ""});
    }
    table.Print(out);
    for (const Row& row : outcome.rows) {
      if (UsesBudget(row.spec.method) && row.result.samples < row.spec.budget.samples) {
        out << fmt::format("{} stopped at {} of {} samples: out of time\n", row.label,
                           FormatCount(row.result.samples), FormatCount(row.spec.budget.samples));
      }
    }
  }

  [[nodiscard]] nlohmann::ordered_json ToJson(const Workbench& bench, const Outcome& outcome,
                                              const PlanFacts& facts) const {
    auto methods = nlohmann::ordered_json::array();
    for (const Row& row : outcome.rows) {
      nlohmann::ordered_json method = {{"method", row.spec.method},
                                       {"label", row.label},
                                       {"feasible", row.feasible()},
                                       {"budget_samples", row.spec.budget.samples},
                                       {"samples", row.result.samples},
                                       {"unique_samples", row.result.unique_samples},
                                       {"wall_seconds", row.result.wall.count()}};
      if (row.feasible()) {
        method["step_time_seconds"] = ToSeconds(row.result.best.step_time).count();
        method["gap_limit"] = bench.GapLimit(row.result.best.step_time);
      }
      if (const auto change = VersusSingleDevice(outcome, row)) {
        method["vs_single_device"] = *change;
      }
      if (!row.result.note.empty()) {
        method["note"] = row.result.note;
      }
      methods.push_back(method);
    }
    nlohmann::ordered_json json = {
        {"problem", ProblemToJson(bench)},
        {"seed", seed_},
        {"interrupted", outcome.interrupted},
        {"methods", methods},
        {"best_method", outcome.rows[*outcome.best].label},
        {"best", PlanToJson(bench, facts)},
        {"head_room",
         {{"work_over_critical_path", outcome.head_room.work_over_critical_path},
          {"statement", outcome.head_room.statement}}}};
    if (outcome.measured) {
      json["measured"] = MeasuredToJson(*outcome.measured);
    }
    if (outcome.single_device) {
      json["best_single_device"] = {
          {"device", bench.cluster().device(outcome.single_device->device).name},
          {"step_time_seconds", ToSeconds(outcome.single_device->step_time).count()}};
    }
    return json;
  }

  ModelOptions model_;
  ProblemOptions problem_;
  ExecutionOptions execution_;
  std::string output_;
  std::string method_ = "auto";
  std::optional<std::int64_t> samples_;
  std::optional<double> seconds_;
  std::optional<int> jobs_;
  Seed seed_ = 1;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeOptimizeCommand() { return std::make_unique<OptimizeCommand>(); }

}  // namespace placer
