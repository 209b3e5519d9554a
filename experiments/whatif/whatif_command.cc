#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cost_model/cluster.h"
#include "experiments/experiment_config.h"
#include "experiments/format.h"
#include "experiments/output_file.h"
#include "experiments/picture/trade_off.h"
#include "experiments/subcommand.h"
#include "experiments/sweep/sweep_results.h"
#include "experiments/sweep/sweep_run.h"
#include "experiments/table.h"
#include "experiments/trials.h"
#include "experiments/whatif/whatif.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// A folder of its own that goes with this object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string path = (fs::temp_directory_path() / "placer-whatif-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) {
      throw InputError(path + ": cannot be made");
    }
    path_ = path;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

class WhatIfCommand final : public Subcommand {
 public:
  WhatIfCommand() : Subcommand("whatif", "best plans while cluster or model change") {}

  void AddOptions(CLI::App& app) override {
    config_.model.AddTo(app);
    config_.problem.AddClusterTo(app, /*required=*/true);
    app.add_option(
           "--vary", vary_,
           "NAME=VALUE,VALUE,...: of the cluster (devices, links.bandwidth, gpu.memory, ...: "
           "values or factors such as 2x), of the model (batch, ...), or any field of an "
           "experiment; may be given several times")
        ->required()
        ->allow_extra_args(false);
    app.add_option("--method", config_.method.name,
                   "for every point (default auto: the quick methods, then annealing)");
    app.add_option("--samples", config_.samples,
                   "placements each point may evaluate (default 4000)")
        ->check(CLI::PositiveNumber);
    app.add_option("--seed", seed_, "root of all random numbers (default 1)");
    app.add_option("--jobs", jobs_, "points at a time (default: number of cores)")
        ->check(CLI::PositiveNumber);
    app.add_option("--out", out_,
                   "keep the results in this folder as a sweep's; goes on if there "
                   "are some");
    app.add_flag("--retry", retry_, "run points of --out that failed or crashed again");
    app.add_option("--svg", svg_, "draw step time against devices, with the front");
    config_.problem.AddSimulationTo(app);
    config_.problem.AddGroupingTo(app);
    config_.problem.AddConstraintsTo(app);
    app.add_flag("--json", json_, "print one JSON object instead of a table");
  }

  ExitCode Run(const Console& console) override {
    if (!svg_.empty()) {
      CheckWritable(svg_, {".svg"});
    }
    if (retry_ && out_.empty()) {
      throw InputError("retry: expected --out DIR too, the folder of the points to run again");
    }
    config_.seeds = {seed_};
    for (const std::string& text : vary_) {
      variations_.push_back(ParseVariation(text, config_));
    }
    std::optional<ScratchFolder> scratch;
    if (out_.empty()) {
      scratch.emplace();
    }
    const SweepPlan plan =
        PlanWhatIf(config_, variations_, scratch ? scratch->path() : fs::path(out_));
    WarnOfRepeated(plan, "points", console);
    MakeFolder(plan.output_dir);
    SweepStore store = SweepStore::Open(plan.store_path());
    RunSweep(plan, store, {.jobs = jobs_.value_or(DefaultJobs()), .retry = retry_}, console);
    return Report(console, TrialsOf(plan, store));
  }

 private:
  [[nodiscard]] ExitCode Report(const Console& console, const std::vector<StoredTrial>& trials) {
    const std::vector<bool> front = ParetoFront(trials);
    if (json_) {
      console.out << ToJson(trials, front).dump(2) << std::endl;
    } else {
      Print(console.out, trials, front);
    }
    if (!svg_.empty()) {
      ReplaceFile(svg_, Draw(trials, front));
      if (!json_) {
        console.out << "\nWrote " << svg_ << std::endl;
      }
    }
    if (console.stop.stop_requested()) {
      console.err << "placer: interrupted, points that were not finished have no plan\n";
      return ExitCode::kInterrupted;
    }
    CheckAllRan(trials);
    if (std::none_of(trials.begin(), trials.end(),
                     [](const StoredTrial& trial) { return trial.feasible(); })) {
      throw InfeasibleError("no point has a feasible plan");
    }
    return ExitCode::kDone;
  }

  void CheckAllRan(const std::vector<StoredTrial>& trials) const {
    std::string missing =
        DescribeMissing(CountTrials(trials), "points have no plan", /*can_retry=*/!out_.empty());
    if (missing.empty()) {
      return;
    }
    const auto first = std::find_if(trials.begin(), trials.end(), [](const StoredTrial& trial) {
      return trial.state == TrialState::kFailed || trial.state == TrialState::kCrashed;
    });
    if (first != trials.end()) {
      missing += "; the first: " + first->message;
    }
    throw InfeasibleError(missing);
  }

  /// What became of a point without a plan.
  static std::string Remark(const StoredTrial& trial, bool on_front) {
    if (trial.state == TrialState::kDone) {
      return on_front ? "front" : "";
    }
    return std::string(Name(trial.state)) + (trial.message.empty() ? "" : ": ") + trial.message;
  }

  void Print(std::ostream& out, const std::vector<StoredTrial>& trials,
             const std::vector<bool>& front) const {
    out << config_.model.model << " on " << config_.problem.cluster << ": " << config_.method.name
        << ", " << FormatCount(config_.samples) << " samples per point\n\n";
    std::vector<Table::Column> columns;
    for (const Variation& variation : variations_) {
      columns.push_back({variation.name, Table::Align::kLeft});
    }
    columns.insert(columns.end(), {{"step time"},
                                   {"bound"},
                                   {"gap limit"},
                                   {"devices used"},
                                   {"largest memory"},
                                   {"all memory"},
                                   {"", Table::Align::kLeft}});
    std::vector<Seconds> times;
    for (const StoredTrial& trial : trials) {
      times.emplace_back(trial.metric("step_time_seconds").value_or(0));
    }
    const TimeUnit unit = UnitFor(times);
    Table table(columns);
    for (std::size_t i = 0; i < trials.size(); ++i) {
      const StoredTrial& trial = trials[i];
      std::vector<std::string> cells;
      for (const Variation& variation : variations_) {
        cells.push_back(ValueOf(trial, variation));
      }
      const auto number = [&](const char* name) { return trial.metric(name).value_or(0); };
      const auto bytes = [&](const char* name) {
        return FormatBytes(static_cast<std::int64_t>(number(name)));
      };
      if (trial.feasible()) {
        cells.insert(
            cells.end(),
            {FormatTime(times[i], unit), FormatTime(Seconds(number("bound_seconds")), unit),
             FormatPercent(number("gap_limit")),
             fmt::format("{} of {}", number("devices_used"), number("devices")),
             bytes("peak_bytes"), bytes("total_peak_bytes")});
      } else {
        cells.insert(cells.end(), {trial.state == TrialState::kDone ? "does not fit" : "-", "-",
                                   "-", "-", "-", "-"});
      }
      cells.push_back(Remark(trial, front[i]));
      table.AddRow(cells);
    }
    table.Print(out);
    out << "\nfront: no other point" << OfTheSameWork()
        << " has a step time, a number of devices used and a largest memory of a device that are "
           "all at most as large\n";
  }

  /// " of the same batch"; empty if all points are of one work.
  [[nodiscard]] std::string OfTheSameWork() const {
    std::string names;
    for (const Variation& variation : variations_) {
      if (IsOfTheWork(variation.field)) {
        names += (names.empty() ? " of the same " : " and ") + variation.name;
      }
    }
    return names;
  }

  [[nodiscard]] Json ToJson(const std::vector<StoredTrial>& trials,
                            const std::vector<bool>& front) const {
    Json points = Json::array();
    for (std::size_t i = 0; i < trials.size(); ++i) {
      Json varied = Json::object();
      for (const Variation& variation : variations_) {
        varied[variation.name] = ValueOf(trials[i], variation);
      }
      points.push_back({{"vary", varied},
                        {"state", Name(trials[i].state)},
                        {"feasible", trials[i].feasible()},
                        {"front", static_cast<bool>(front[i])},
                        {"message", trials[i].message},
                        {"metrics", trials[i].metrics}});
    }
    return {{"model", config_.model.model},
            {"cluster", config_.problem.cluster},
            {"method", config_.method.name},
            {"samples", config_.samples},
            {"seed", seed_},
            {"points", points}};
  }

  [[nodiscard]] std::string Draw(const std::vector<StoredTrial>& trials,
                                 const std::vector<bool>& front) const {
    std::vector<TradeOffPoint> points;
    for (std::size_t i = 0; i < trials.size(); ++i) {
      if (!trials[i].feasible()) {
        continue;
      }
      TradeOffPoint& point = points.emplace_back();
      for (const Variation& variation : variations_) {
        point.label +=
            (point.label.empty() ? "" : " ") + variation.name + "=" + ValueOf(trials[i], variation);
      }
      point.work = WorkOf(trials[i]);
      point.devices = trials[i].metric("devices_used").value_or(0);
      point.step_seconds = trials[i].metric("step_time_seconds").value_or(0);
      point.peak_bytes = trials[i].metric("peak_bytes").value_or(0);
      point.on_front = front[i];
    }
    return DrawTradeOff(config_.model.model + " on " + config_.problem.cluster, points);
  }

  ExperimentConfig config_ = [] {
    ExperimentConfig config;
    config.method.name = "auto";
    return config;
  }();
  std::vector<std::string> vary_;
  std::vector<Variation> variations_;
  std::string out_, svg_;
  std::optional<int> jobs_;
  Seed seed_ = 1;
  bool retry_ = false, json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeWhatIfCommand() { return std::make_unique<WhatIfCommand>(); }

}  // namespace placer
