#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "cost_model/placement_io.h"
#include "experiments/output_file.h"
#include "experiments/subcommand.h"
#include "experiments/sweep/sweep_plan.h"
#include "experiments/sweep/sweep_results.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/text.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

class ResultsCommand final : public Subcommand {
 public:
  ResultsCommand() : Subcommand("results", "tables and exports of a sweep") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("SWEEP", sweep_, "the sweep's config, its output_dir or its sweep.db")
        ->required();
    app.add_option("--store", stores_, "its stores, where --store of `sweep` named others");
    app.add_option("--by", by_,
                   "fields with commas: a row for each of their values (default: all "
                   "axes but the seed)");
    app.add_option("--metric", metric_, "what is averaged (default step_time_seconds)");
    app.add_option("--csv", csv_, "write a line per trial into this file");
    app.add_option("--placement", placement_,
                   "key, or its first digits, of a trial whose plan is "
                   "written");
    app.add_option("-o,--output", output_, "where to: .txtpb, .pb, .json or .csv");
    app.add_flag("--json", json_, "print one JSON object instead of a table");
  }

  ExitCode Run(const Console& console) override {
    if (!csv_.empty()) {
      CheckWritable(csv_);
    }
    if (placement_.empty() != output_.empty()) {
      throw InputError("placement: expected --placement KEY and -o FILE together");
    }
    Open();
    if (!placement_.empty()) {
      WritePlan(console);
      return ExitCode::kDone;
    }
    std::vector<StoredTrial> trials;
    for (const MergedTrial& each : trials_) {
      trials.push_back(each.trial);
    }
    const std::vector<std::string> fields = by_.empty() ? DefaultGrouping(trials) : SplitList(by_);
    const std::vector<ResultGroup> groups = GroupTrials(trials, fields, metric_);
    if (!csv_.empty()) {
      ReplaceFile(csv_, ResultsToCsv(trials));
    }
    if (json_) {
      console.out << ResultsToJson(name_, trials, fields, groups, metric_).dump(2) << std::endl;
      return ExitCode::kDone;
    }
    console.out << name_ << ": " << trials.size() << " trials\n\n";
    PrintGroups(console.out, fields, groups, metric_);
    PrintUnsuccessful(console.out, trials);
    if (outside_ > 0) {
      console.out << fmt::format("\n{} trials of other configs are not shown\n", outside_);
    }
    return ExitCode::kDone;
  }

 private:
  /// A store says itself what its trials are; a config may have changed since.
  void Open() {
    std::error_code ignored;
    if (fs::is_directory(sweep_, ignored) || fs::path(sweep_).extension() == ".db") {
      if (!stores_.empty()) {
        throw InputError("store: given beside " + sweep_ + ", expected the sweep's config");
      }
      stores_ = {sweep_};
      OpenStores();
      name_ = open_.front().name();
      trials_ = MergeTrials(open_);
      outside_ = open_.front().NumOutsidePlan();
      return;
    }
    const SweepPlan plan = ReadSweep(sweep_);
    name_ = plan.name;
    if (stores_.empty()) {
      stores_ = {plan.store_path().string()};
    }
    OpenStores();
    PlanResults results = ResultsOf(plan, open_);
    trials_ = std::move(results.trials);
    outside_ = results.others;
  }

  void OpenStores() {
    for (const std::string& store : stores_) {
      open_.push_back(SweepStore::OpenToRead(store));
    }
  }

  void WritePlan(const Console& console) const {
    CheckWritable(output_, {".txtpb", ".pb", ".json", ".csv"});
    const MergedTrial* found = nullptr;
    for (const MergedTrial& each : trials_) {
      if (!each.trial.key.starts_with(placement_)) {
        continue;
      }
      if (found != nullptr) {
        throw InputError("placement: more than one trial has a key that starts with '" +
                         placement_ + "'");
      }
      found = &each;
    }
    if (found == nullptr) {
      throw InputError("placement: no trial has a key that starts with '" + placement_ + "'");
    }
    const std::optional<SavedPlacement> saved = open_[found->store].Placement(found->trial.key);
    if (!saved) {
      throw InfeasibleError("trial " + found->trial.key + " is " +
                            std::string(Name(found->trial.state)) + " and has no placement");
    }
    WritePlacement(*saved, output_);
    console.out << "Wrote " << output_ << std::endl;
  }

  std::string sweep_, by_, metric_ = kStepTimeMetric, csv_, placement_, output_;
  std::vector<std::string> stores_;
  bool json_ = false;
  std::string name_;
  std::vector<SweepStore> open_;
  std::vector<MergedTrial> trials_;
  std::size_t outside_ = 0;
};

}  // namespace

std::unique_ptr<Subcommand> MakeResultsCommand() { return std::make_unique<ResultsCommand>(); }

}  // namespace placer
