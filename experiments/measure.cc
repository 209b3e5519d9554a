#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cost_model/device_list.h"
#include "cost_model/placement_io.h"
#include "experiments/execution.h"
#include "experiments/format.h"
#include "experiments/headroom.h"
#include "experiments/methods.h"
#include "experiments/plan_facts.h"
#include "experiments/stats.h"
#include "experiments/status_line.h"
#include "experiments/subcommand.h"
#include "experiments/table.h"
#include "graphs/base/error.h"
#include "runner/statistics.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

/// Something that is measured, and how it did.
struct Row {
  std::string label;
  StepPlan plan;
  std::optional<Picoseconds> simulated;
  StepTiming timing;
  bool is_reference = false;  ///< stands beside for comparison, and may not fit
  [[nodiscard]] bool ok() const {
    return timing.outcome == StepOutcome::kOk && timing.time.count > 0;
  }
};

/// Time / time of `reference` over the rounds in which both were measured: their trimmed mean, as
/// of the times themselves. Nothing with fewer than two such rounds.
std::optional<RobustMean> Ratio(const Row& row, const Row& reference) {
  if (!row.ok() || !reference.ok()) {
    return std::nullopt;
  }
  // Not the same number only where the last round was interrupted.
  const std::size_t rounds = std::min(row.timing.times.size(), reference.timing.times.size());
  std::vector<double> ratios;
  for (std::size_t i = 0; i < rounds; ++i) {
    ratios.push_back(row.timing.times[i] / reference.timing.times[i]);
  }
  return ratios.size() < 2 ? std::nullopt : std::optional(TrimmedMean(ratios));
}

/// What comparing the first placement with the original step said.
struct Verification {
  bool done = false;  ///< only a placement that was measured is compared
  bool interrupted = false;
  std::string fault;  ///< why it could not be
  std::optional<StepMismatch> mismatch;
};

class MeasureCommand final : public Subcommand {
 public:
  MeasureCommand()
      : Subcommand("measure", "execute a model under plans and compare the step times") {}

  void AddOptions(CLI::App& app) override {
    model_.AddTo(app);
    app.add_option("--devices", problem_.devices, "devices of this machine, as cpu:0,cpu:1")
        ->required();
    app.add_option("--placement", plans_, "plans, as written by optimize");
    app.add_option("--methods", methods_,
                   "methods with commas whose placement is measured as well; they use the profile");
    app.add_option("--profile", problem_.profile, "measured times, from `placer profile`");
    problem_.AddGroupingTo(app);
    app.add_option("--samples", samples_, "of the methods that search (default 4000)")
        ->check(CLI::PositiveNumber);
    app.add_option("--rounds", rounds_,
                   fmt::format("how often each is measured, in turns (default {})", rounds_))
        ->check(CLI::PositiveNumber);
    app.add_flag("!--no-native", native_, "without LibTorch's own step");
    AddWorkerOptions(app, execution_);
    app.add_flag("--json", json_, "print one JSON object instead of a table");
  }

  ExitCode Run(const Console& console) override {
    const PlacerRegistry registry = AllPlacers();
    const std::vector<std::string> methods = methods_.empty()
                                                 ? std::vector<std::string>()
                                                 : ParseMethods(methods_, registry, console.err);
    std::vector<SavedPlacement> saved;
    for (const std::string& path : plans_) {
      saved.push_back(ReadPlacement(path));
    }
    const std::unique_ptr<StepWorker> worker = StartWorker(model_, problem_, execution_, console);
    Cluster cluster = problem_.LoadTarget();
    const bool simulates = !methods.empty() || !problem_.profile.empty();
    const Profile profile = simulates ? ProfileFor(*worker, cluster, problem_, console) : Profile();
    const Workbench bench(LoadedModel{worker->graph(), worker->warnings()}, std::move(cluster),
                          problem_, profile);
    PrintWarnings(console.err, bench.warnings());
    std::vector<Row> rows = Plans(bench, saved);
    AddMethods(console, bench, registry, methods, rows);
    AddReferences(bench, rows);
    if (simulates) {
      Simulate(bench, rows);
    }
    return Report(console, bench, *worker, rows);
  }

 private:
  [[nodiscard]] std::vector<Row> Plans(const Workbench& bench,
                                       const std::vector<SavedPlacement>& saved) const {
    std::vector<Row> rows;
    for (std::size_t i = 0; i < saved.size(); ++i) {
      try {
        rows.push_back(
            {plans_[i],
             {StepPlan::Kind::kPlaced, Restore(saved[i], bench.graph(), bench.cluster()), 1},
             {},
             {}});
      } catch (const InputError& error) {
        throw error.In(plans_[i]);
      }
    }
    return rows;
  }

  void AddMethods(const Console& console, const Workbench& bench, const PlacerRegistry& registry,
                  const std::vector<std::string>& methods, std::vector<Row>& rows) const {
    for (const std::string& method : methods) {
      const PlaceRequest request{
          bench.problem(), Budget{samples_, std::nullopt}, 1, console.stop, {}, {}};
      const PlaceResult result = registry.Make(method)->Place(request);
      if (result.groups) {
        rows.push_back(
            {method, {StepPlan::Kind::kPlaced, bench.problem().Expand(*result.groups), 1}, {}, {}});
      }
    }
  }

  void AddReferences(const Workbench& bench, std::vector<Row>& rows) const {
    const auto add = [&rows](std::string label, StepPlan plan) {
      Row& row = rows.emplace_back(Row{std::move(label), std::move(plan), {}, {}});
      row.is_reference = true;
    };
    for (const DeviceId device : DevicesThatMayRunAll(bench)) {
      add(bench.cluster().device(device).name + " alone",
          {StepPlan::Kind::kPlaced, Placement(bench.graph().num_ops(), device), 1});
    }
    const auto cores =
        static_cast<int>(std::ranges::count(bench.cluster().devices(), "cpu", &Device::kind));
    if (cores > 1 && cores == static_cast<int>(bench.cluster().num_devices())) {
      add("work-conserving, no copies", {StepPlan::Kind::kWorkConserving, {}, 1});
    }
    if (native_) {
      add("LibTorch, 1 thread", {StepPlan::Kind::kNative, {}, 1});
      if (cores > 1) {
        add(fmt::format("LibTorch, {} threads", cores), {StepPlan::Kind::kNative, {}, cores});
      }
    }
  }

  static void Simulate(const Workbench& bench, std::vector<Row>& rows) {
    for (Row& row : rows) {
      if (row.plan.kind == StepPlan::Kind::kPlaced) {
        row.simulated = bench.runner().Run(row.plan.placement).step_time;
      }
    }
  }

  [[nodiscard]] ExitCode Report(const Console& console, const Workbench& bench, StepWorker& worker,
                                std::vector<Row>& rows) const {
    bool interrupted = !MeasureInTurns(console, worker, rows);
    Verification verification;
    if (!interrupted) {
      verification = Verify(worker, rows.front());
      interrupted = verification.interrupted;
    }
    if (json_) {
      console.out << ToJson(bench, rows, verification).dump(2) << std::endl;
    } else {
      Print(console.out, bench, rows);
      if (verification.done) {
        PrintVerification(console.out, rows.front(), verification);
      }
    }
    if (interrupted) {
      console.err << "placer: interrupted, this is what was measured so far\n";
      return ExitCode::kInterrupted;
    }
    const bool none = std::ranges::none_of(rows, &Row::ok);
    for (const Row& row : rows) {
      if (!row.ok() && (none || !row.is_reference)) {
        throw InfeasibleError(row.label + ": " + row.timing.reason);
      }
    }
    if (!verification.fault.empty()) {
      throw InfeasibleError(
          rows.front().label +
          ": could not be compared with the original step: " + verification.fault);
    }
    if (verification.mismatch) {
      throw InfeasibleError("op '" + verification.mismatch->op +
                            "': " + verification.mismatch->what);
    }
    return ExitCode::kDone;
  }

  /// @return false if interrupted
  [[nodiscard]] bool MeasureInTurns(const Console& console, StepWorker& worker,
                                    std::vector<Row>& rows) const {
    std::vector<StepPlan> plans;
    for (const Row& row : rows) {
      plans.push_back(row.plan);
    }
    StatusLine status(console, "measuring in turns");
    InterleavedTimings measured = TimeInterleaved(worker, plans, rounds_, {}, /*give_up=*/false,
                                                  [&](int round) { status.Show(round, rounds_); });
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].timing = std::move(measured.timings[i]);
    }
    return !measured.interrupted;
  }

  [[nodiscard]] static Verification Verify(StepWorker& worker, const Row& row) {
    if (!row.ok() || row.plan.kind != StepPlan::Kind::kPlaced) {
      return {};
    }
    try {
      return {true, false, {}, worker.Verify(row.plan.placement)};
    } catch (const WorkerError& error) {
      return {false, error.outcome() == StepOutcome::kInterrupted, error.what(), {}};
    }
  }

  static void PrintVerification(std::ostream& out, const Row& row,
                                const Verification& verification) {
    const std::optional<StepMismatch>& mismatch = verification.mismatch;
    out << '\n'
        << row.label
        << (mismatch
                ? ": differs from the original step: op '" + mismatch->op + "': " + mismatch->what
                : std::string(": outputs equal those of the original step"))
        << std::endl;
  }

  void Print(std::ostream& out, const Workbench& bench, const std::vector<Row>& rows) const {
    out << fmt::format("{}: {} ops on {}; {} rounds, each measured once in every round\n\n",
                       bench.graph().name(),
                       FormatCount(static_cast<std::int64_t>(bench.graph().num_ops())),
                       bench.cluster().name(), rounds_);
    std::vector<Seconds> times;
    for (const Row& row : rows) {
      times.emplace_back(row.timing.time.mean);
    }
    const TimeUnit unit = UnitFor(times);
    Table table({{"what", Table::Align::kLeft},
                 {"step time"},
                 {"+- 95 %"},
                 {"simulated"},
                 {"against the first (95 %)"},
                 {"peak memory"}});
    for (const Row& row : rows) {
      const auto ratio = Ratio(row, rows.front());
      std::string memory;
      for (const std::int64_t bytes : row.timing.peak_bytes) {
        memory += (memory.empty() ? "" : " + ") + FormatBytes(bytes);
      }
      table.AddRow(
          {row.label,
           row.ok() ? FormatTime(Seconds(row.timing.time.mean), unit) : row.timing.reason,
           row.ok() && std::isfinite(row.timing.time.half_width)
               ? FormatTime(Seconds(row.timing.time.half_width), unit)
               : "-",
           row.simulated ? FormatTime(ToSeconds(*row.simulated), unit) : "-",
           !ratio || &row == &rows.front()
               ? "-"
               : fmt::format("{} ({} .. {})", FormatChange(ratio->mean - 1),
                             FormatChange(ratio->low() - 1), FormatChange(ratio->high() - 1)),
           memory});
    }
    table.Print(out);
    for (const Row& row : rows) {
      if (const auto ratio = Ratio(row, rows.front());
          ratio && row.plan.kind == StepPlan::Kind::kWorkConserving) {
        out << fmt::format(
            "\n{} reaches {} ({} .. {}) of the speed of a work-conserving schedule\n",
            rows.front().label, FormatPercent(ratio->mean), FormatPercent(ratio->low()),
            FormatPercent(ratio->high()));
      }
    }
  }

  [[nodiscard]] static Json ToJson(const Workbench& bench, const std::vector<Row>& rows,
                                   const Verification& verification) {
    auto array = Json::array();
    for (const Row& row : rows) {
      Json json = {{"what", row.label}};
      if (row.ok()) {
        json["step_seconds"] = row.timing.time.mean;
        json["deviation_seconds"] = row.timing.time.deviation;
        if (std::isfinite(row.timing.time.half_width)) {
          json["half_width_95_seconds"] = row.timing.time.half_width;
        }
        json["repeats_seconds"] = row.timing.times;
        json["peak_bytes"] = row.timing.peak_bytes;
      } else {
        json["reason"] = row.timing.reason;
      }
      if (row.simulated) {
        json["simulated_seconds"] = ToSeconds(*row.simulated).count();
      }
      if (const auto ratio = Ratio(row, rows.front())) {
        json["against_first"] = {
            {"mean", ratio->mean}, {"low", ratio->low()}, {"high", ratio->high()}};
      }
      array.push_back(json);
    }
    Json json = {
        {"graph", bench.graph().name()}, {"devices", bench.cluster().name()}, {"rows", array}};
    if (verification.done) {
      json["equal_outputs"] = !verification.mismatch;
    }
    if (const auto& mismatch = verification.mismatch) {
      json["mismatch"] = {{"op", mismatch->op}, {"what", mismatch->what}};
    }
    return json;
  }

  ModelOptions model_;
  ProblemOptions problem_;
  ExecutionOptions execution_;
  std::vector<std::string> plans_;
  std::string methods_;
  std::int64_t samples_ = 4000;
  int rounds_ = 7;
  bool native_ = true;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeMeasureCommand() { return std::make_unique<MeasureCommand>(); }

}  // namespace placer
