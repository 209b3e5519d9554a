#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "experiments/methods.h"
#include "experiments/paper/commands.h"
#include "experiments/paper/differences.h"
#include "experiments/paper/paper_run.h"
#include "experiments/trials.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/text.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

class PaperCommand final : public Subcommand {
 public:
  PaperCommand() : Subcommand("paper", "table 1: three models on 2 and 4 GPUs, all methods") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("--out", out_,
                   "folder for run directories, table and pictures; the same command goes on where "
                   "it was stopped")
        ->required();
    app.add_option("--settings", settings_,
                   "only some, such as rnnlm-2gpu,nmt-4gpu (default all six)");
    app.add_option("--methods", methods_, "comma-separated (default the table's)");
    app.add_option("--samples", options_.samples, "samples of every trial (default 5000)")
        ->check(CLI::PositiveNumber);
    app.add_option("--seeds", options_.num_seeds, "seeds of every method (default 5)")
        ->check(CLI::PositiveNumber);
    app.add_option("--paper-preset", options_.paper_preset_seeds,
                   "also so many seeds of reinforce with the settings of the paper (default 0; "
                   "takes many times as long)")
        ->check(CLI::NonNegativeNumber);
    app.add_option("--option", learning_options_,
                   "NAME=VALUE: of reinforce, in place of what the preset default has "
                   "(docs/policy.md); may be repeated");
    app.add_option("--jobs", jobs_, "trials at a time (default: number of cores)")
        ->check(CLI::PositiveNumber);
    app.add_flag("--json", json_, "print table.json instead of tables");
  }

  ExitCode Run(const Console& console) override {
    options_.out = out_;
    options_.jobs = jobs_.value_or(DefaultJobs());
    ReadLearningOptions();
    const PlacerRegistry registry = AllPlacers();
    if (!methods_.empty()) {
      options_.methods = ParseMethods(methods_, registry, console.err);
    }
    std::vector<PaperSetting> done;
    std::ostringstream differences;
    for (const auto& [model, row] : Chosen()) {
      PaperRun run(*model, *row, options_, console);
      std::optional<PaperSetting> setting = run.Run(registry, console);
      if (!setting) {
        console.err << "placer: interrupted, the same command goes on\n";
        return ExitCode::kInterrupted;
      }
      run.Draw(*setting);
      ExplainDifferences(differences, run, *setting);
      done.push_back(std::move(*setting));
      Store(done, differences.str());
    }
    if (json_) {
      console.out << ToJson(done).dump(2) << std::endl;
    } else {
      PrintPaperTable(console.out, done);
      console.out << "\nWrote table.md, table.json, differences.md and pictures to " << out_
                  << std::endl;
    }
    return ExitCode::kDone;
  }

 private:
  using Choice = std::pair<const PaperModel*, const PaperRow*>;

  /// @throws InputError for an unknown setting
  [[nodiscard]] std::vector<Choice> Chosen() const {
    std::vector<std::string> wanted = SplitList(settings_);
    std::vector<Choice> chosen;
    std::string known;
    for (const PaperModel& model : PaperModels()) {
      for (const PaperRow& row : model.rows) {
        const std::string name = PaperSetting{model, row}.name();
        known += (known.empty() ? "" : ", ") + name;
        if (settings_.empty() || std::erase(wanted, name) > 0) {
          chosen.emplace_back(&model, &row);
        }
      }
    }
    if (chosen.empty() && wanted.empty()) {
      throw InputError("settings: the list is empty, expected some of " + known);
    }
    if (!wanted.empty()) {
      throw InputError("settings: found '" + wanted.front() + "', expected some of " + known);
    }
    return chosen;
  }

  /// @throws InputError for what is no setting
  void ReadLearningOptions() {
    for (const std::string& text : learning_options_) {
      const std::size_t sign = text.find('=');
      if (sign == std::string::npos || sign == 0) {
        throw InputError("option: found " + Quoted(text) + ", expected NAME=VALUE");
      }
      options_.learning_options[text.substr(0, sign)] = text.substr(sign + 1);
    }
    static_cast<void>(LearningOptions({"reinforce", "default", options_.learning_options}));
  }

  [[nodiscard]] Json ToJson(const std::vector<PaperSetting>& done) const {
    Json settings = Json::array();
    for (const PaperSetting& setting : done) {
      settings.push_back(placer::ToJson(setting));
    }
    return {{"samples", options_.samples},
            {"seeds", options_.num_seeds},
            {"options", options_.learning_options},
            {"paper_figures", kPaperFigures},
            {"settings", settings}};
  }

  /// What is done so far.
  void Store(const std::vector<PaperSetting>& settings, const std::string& differences) const {
    std::ostringstream table;
    PrintPaperTable(table, settings);
    const std::filesystem::path out(out_);
    ReplaceFile(out / "table.md", table.str());
    ReplaceFile(out / "differences.md", differences);
    ReplaceFile(out / "table.json", ToJson(settings).dump(2) + "\n");
  }

  PaperOptions options_;
  std::string out_, settings_, methods_;
  std::vector<std::string> learning_options_;
  std::optional<int> jobs_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakePaperCommand() { return std::make_unique<PaperCommand>(); }

}  // namespace placer
