#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "experiments/output_file.h"
#include "experiments/subcommand.h"
#include "experiments/sweep/sweep_results.h"
#include "experiments/sweep/sweep_run.h"
#include "experiments/sweep/sweep_worker.h"
#include "experiments/table.h"
#include "experiments/trials.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

class SweepCommand final : public Subcommand {
 public:
  SweepCommand() : Subcommand("sweep", "run many experiments from one config") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("CONFIG", config_, "sweep, .txtpb (docs/sweeps.md)")->required();
    app.add_flag("--dry-run", dry_run_, "print the trials and run none");
    app.add_option("--jobs", jobs_, "trials at a time (default: number of cores)")
        ->check(CLI::PositiveNumber);
    app.add_option("--shard", shard_, "i/n: only trials i, i + n, ...; i from 0 to n - 1");
    app.add_option("--store", store_, "where results go (default: sweep.db in output_dir)");
    app.add_flag("--retry", retry_, "run trials that failed or crashed again");
    app.add_option("--trial-limit", trial_limit_, "seconds after which a trial is ended: it hangs")
        ->check(CLI::PositiveNumber);
    app.add_flag("--json", json_, "print one JSON object instead of a table");
  }

  ExitCode Run(const Console& console) override {
    const SweepPlan plan = ReadSweep(config_);
    SweepRunOptions options;
    options.shard = ParseShard(shard_);
    if (dry_run_) {
      Print(console, plan, options.shard);
      return ExitCode::kDone;
    }
    options.jobs = jobs_.value_or(DefaultJobs());
    options.retry = retry_;
    if (trial_limit_) {
      options.trial_limit = Seconds(*trial_limit_);
    }
    MakeFolder(plan.output_dir);
    SweepStore store = SweepStore::Open(StorePath(plan));
    PrintLeftOut(console, plan, store);
    RunSweep(plan, store, options, console);
    return Finish(console, plan, store, options.shard);
  }

 private:
  [[nodiscard]] fs::path StorePath(const SweepPlan& plan) const {
    return store_.empty() ? plan.store_path() : fs::path(store_);
  }

  static void PrintLeftOut(const Console& console, const SweepPlan& plan, const SweepStore& store) {
    WarnOfRepeated(plan, "trials", console);
    // Before the plan is the store's: what the store has under it is known.
    std::set<std::string> keys;
    for (const SweepTrial& trial : plan.trials) {
      keys.insert(trial.key);
    }
    const std::vector<StoredTrial> stored = store.Trials();
    const auto changed = std::count_if(stored.begin(), stored.end(), [&](const StoredTrial& trial) {
      return !keys.contains(trial.key);
    });
    if (changed > 0) {
      console.err << fmt::format(
          "placer: warning: the config has changed: {} of {} trials in {} do not belong to it any "
          "more, and are kept there\n",
          changed, stored.size(), store.path().string());
    }
  }

  /// The trials, and how far they are if there is a store already.
  void Print(const Console& console, const SweepPlan& plan, const SweepShard& shard) const {
    std::map<std::string, TrialState> states;
    std::error_code ignored;
    if (fs::exists(StorePath(plan), ignored)) {
      states = SweepStore::OpenToRead(StorePath(plan)).States();
    }
    const auto state_of = [&](const SweepTrial& trial) {
      const auto it = states.find(trial.key);
      return it == states.end() ? TrialState::kPending : it->second;
    };
    auto list = nlohmann::ordered_json::array();
    std::vector<Table::Column> columns = {{"key", Table::Align::kLeft}};
    for (const std::string& field : plan.fields) {
      columns.push_back({field, Table::Align::kLeft});
    }
    columns.push_back({"state", Table::Align::kLeft});
    Table table(columns);
    for (std::size_t i = shard.index; i < plan.trials.size(); i += shard.count) {
      const SweepTrial& trial = plan.trials[i];
      std::vector<std::string> cells = {trial.key};
      nlohmann::ordered_json axes = nlohmann::ordered_json::object();
      for (const TrialAxis& axis : trial.axes) {
        cells.push_back(axis.value.empty() ? "-" : axis.value);
        axes[axis.field] = axis.value;
      }
      cells.emplace_back(Name(state_of(trial)));
      table.AddRow(cells);
      list.push_back({{"key", trial.key}, {"axes", axes}, {"state", Name(state_of(trial))}});
    }
    if (json_) {
      const nlohmann::ordered_json json = {
          {"name", plan.name}, {"excluded", plan.excluded}, {"trials", list}};
      console.out << json.dump(2) << std::endl;
      return;
    }
    table.Print(console.out);
    console.out << fmt::format("\n{}: {} trials", plan.name, table.num_rows());
    if (plan.excluded > 0) {
      console.out << fmt::format(", {} left out by include and exclude", plan.excluded);
    }
    console.out << std::endl;
  }

  [[nodiscard]] ExitCode Finish(const Console& console, const SweepPlan& plan,
                                const SweepStore& store, const SweepShard& shard) const {
    const std::vector<StoredTrial> all = TrialsOf(plan, store);
    const SweepCounts counts = CountTrials(all, shard);
    const std::vector<std::string> fields = DefaultGrouping(all);
    const std::vector<ResultGroup> groups = GroupTrials(all, fields, kStepTimeMetric);
    if (json_) {
      console.out << ResultsToJson(plan.name, all, fields, groups, kStepTimeMetric).dump(2)
                  << std::endl;
    } else {
      PrintGroups(console.out, fields, groups, kStepTimeMetric);
      PrintUnsuccessful(console.out, all);
      console.out << "\nResults: " << store.path().string() << std::endl;
    }
    if (console.stop.stop_requested()) {
      console.err << fmt::format(
          "placer: interrupted, {} of {} trials are finished; the same command goes on\n",
          counts.done + counts.failed + counts.crashed, counts.total());
      return ExitCode::kInterrupted;
    }
    if (counts.running > 0) {
      console.err << fmt::format("placer: {} trials are left to other processes that run them\n",
                                 counts.running);
    }
    if (const std::string missing =
            DescribeMissing(counts, "trials have no result", /*can_retry=*/true);
        !missing.empty()) {
      throw InfeasibleError(missing);
    }
    if (counts.done > 0 && counts.infeasible == counts.done) {
      throw InfeasibleError("no trial found a feasible placement");
    }
    return ExitCode::kDone;
  }

  std::string config_, shard_ = "0/1", store_;
  bool dry_run_ = false, retry_ = false, json_ = false;
  std::optional<int> jobs_;
  std::optional<double> trial_limit_;
};

/// What `sweep` starts; not for people.
class SweepWorkerCommand final : public Subcommand {
 public:
  SweepWorkerCommand() : Subcommand("sweep-worker", "runs trials for `sweep`") {}

  void AddOptions(CLI::App& app) override {
    app.group("");  // not in the help
    app.add_option("SOCKET", socket_)->required();
  }
  ExitCode Run(const Console& console) override {
    return RunSweepWorker(socket_, console.stop) == 0 ? ExitCode::kDone : ExitCode::kInternalError;
  }

 private:
  int socket_ = -1;
};

}  // namespace

std::unique_ptr<Subcommand> MakeSweepCommand() { return std::make_unique<SweepCommand>(); }
std::unique_ptr<Subcommand> MakeSweepWorkerCommand() {
  return std::make_unique<SweepWorkerCommand>();
}

}  // namespace placer
