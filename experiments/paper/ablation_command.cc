#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "experiments/format.h"
#include "experiments/methods.h"
#include "experiments/output_file.h"
#include "experiments/paper/ablation.h"
#include "experiments/paper/commands.h"
#include "experiments/trials.h"
#include "experiments/workbench.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;
/// What is known to be possible comes from this many samples of annealing as well.
constexpr std::int64_t kAnnealingFactor = 4;

class AblationCommand final : public Subcommand {
 public:
  AblationCommand()
      : Subcommand("ablation", "what each choice of the preset `default` is worth, one row each") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("--out", out_,
                   "folder for trials and table; rows that are there do not run again")
        ->required();
    app.add_option("--model", model_.model, "(default " + model_.model + ")");
    app.add_option("--cluster", problem_.cluster, "(default " + problem_.cluster + ")");
    app.add_option("--groups", groups_, "(default 83)")->check(CLI::PositiveNumber);
    app.add_option("--samples", samples_, "of every trial (default 5000)")
        ->check(CLI::PositiveNumber);
    app.add_option("--seeds", num_seeds_, "of every row (default 5)")->check(CLI::PositiveNumber);
    app.add_option("--jobs", jobs_, "trials at a time (default: number of cores)")
        ->check(CLI::PositiveNumber);
  }

  ExitCode Run(const Console& console) override {
    problem_.space = "scopes";
    problem_.max_groups = groups_;
    const Workbench bench(model_.Load(), problem_);
    const PlacerRegistry registry = AllPlacers();
    const AblationRow annealing{"annealing", "", "", {}};
    const std::optional<AblationResult> reference =
        RunRow(bench, registry, annealing, "annealing", kAnnealingFactor * samples_, console);
    std::vector<AblationResult> results;
    for (const AblationRow& row : AblationRows()) {
      std::optional<AblationResult> result =
          reference ? RunRow(bench, registry, row, "reinforce", samples_, console) : std::nullopt;
      if (!result) {
        console.err << "placer: interrupted, the same command goes on\n";
        return ExitCode::kInterrupted;
      }
      results.push_back(std::move(*result));
    }
    const std::string text = Describe(bench, *reference, results);
    ReplaceFile(std::filesystem::path(out_) / "ablation.md", text);
    console.out << text << std::flush;
    return ExitCode::kDone;
  }

 private:
  /// Nothing if the user asked to stop.
  [[nodiscard]] std::optional<AblationResult> RunRow(
      const Workbench& bench, const PlacerRegistry& registry, const AblationRow& row,
      const std::string& method, std::int64_t samples, const Console& console) const {
    AblationResult result{row, {}};
    const std::filesystem::path path = std::filesystem::path(out_) / (FileName(row.name) + ".json");
    const Json identity = Identity(bench, row, samples);
    if (std::filesystem::exists(path)) {
      const Json stored = Json::parse(ReadWholeFile(path), nullptr, /*allow_exceptions=*/false);
      if (!stored.is_object() || stored.value("identity", Json()) != identity) {
        throw InputError(path.string() + ": is of another run, expected another --out");
      }
      for (const Json& trial : stored.at("trials")) {
        result.trials.push_back(AblationTrialFrom(trial));
      }
      return result;
    }
    MakeFolder(path.parent_path());
    std::vector<TrialSpec> specs;
    for (Seed seed = 1; seed <= num_seeds_; ++seed) {
      specs.push_back({method, Budget{samples, std::nullopt}, seed, {}});
    }
    TrialOptions options;
    options.jobs = jobs_.value_or(DefaultJobs());
    options.stop = console.stop;
    options.make = [&](std::size_t) {
      return MakeConfigured(registry, {method, row.preset, row.options});
    };
    ProgressMeter progress(console, row.name);
    Json trials = Json::array();
    for (const PlaceResult& trial :
         RunTrials(bench.problem(), registry, specs, options, progress)) {
      result.trials.push_back(TrialOf(trial));
      trials.push_back(ToJson(result.trials.back()));
    }
    if (console.stop.stop_requested()) {
      return std::nullopt;
    }
    ReplaceFile(path, Json{{"identity", identity}, {"trials", trials}}.dump(1) + "\n");
    return result;
  }

  [[nodiscard]] Json Identity(const Workbench& bench, const AblationRow& row,
                              std::int64_t samples) const {
    return {{"row", row.name},
            {"preset", row.preset},
            {"options", row.options},
            {"graph", FormatFingerprint(bench.graph().fingerprint())},
            {"cluster", FormatFingerprint(bench.cluster().fingerprint())},
            {"groups", bench.problem().num_groups()},
            {"samples", samples},
            {"seeds", num_seeds_}};
  }

  static std::string FileName(const std::string& row) {
    std::string name = row;
    std::ranges::replace_if(
        name, [](char c) { return c == ' ' || c == '(' || c == ')'; }, '-');
    return name;
  }

  [[nodiscard]] std::string Describe(const Workbench& bench, const AblationResult& reference,
                                     const std::vector<AblationResult>& results) const {
    double best = std::numeric_limits<double>::infinity();
    for (const AblationResult& result : results) {
      for (const AblationTrial& trial : result.trials) {
        best = std::min(best, trial.step_seconds);
      }
    }
    for (const AblationTrial& trial : reference.trials) {
      best = std::min(best, trial.step_seconds);
    }
    std::ostringstream text;
    text << model_.model << " on " << problem_.cluster << ", " << bench.problem().num_groups()
         << " groups, " << FormatCount(samples_) << " samples, " << num_seeds_
         << " seeds; best known " << FormatTime(Seconds(best)) << " (annealing with "
         << FormatCount(kAnnealingFactor * samples_) << " samples is among what is known), bound "
         << FormatTime(bench.bound()) << "\n\n";
    AblationTable(results, best).PrintMarkdown(text);
    text << "\nSamples and seconds: medians of the seeds that came within 5 % of the best known.\n";
    return text.str();
  }

  ModelOptions model_ = [] {
    ModelOptions model;
    model.model = "zoo:inception_v3?aux=1";
    return model;
  }();
  ProblemOptions problem_ = [] {
    ProblemOptions problem;
    problem.cluster = "zoo:tf_k80x4";
    return problem;
  }();
  std::string out_;
  std::size_t groups_ = 83;
  std::int64_t samples_ = 5000;
  Seed num_seeds_ = 5;
  std::optional<int> jobs_;
};

}  // namespace

std::unique_ptr<Subcommand> MakeAblationCommand() { return std::make_unique<AblationCommand>(); }

}  // namespace placer
