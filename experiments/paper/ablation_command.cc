#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <span>
#include <sstream>

#include "experiments/format.h"
#include "experiments/methods.h"
#include "experiments/output_file.h"
#include "experiments/paper/ablation.h"
#include "experiments/paper/commands.h"
#include "experiments/picture/learning_curves.h"
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
    app.add_option("--rows", rows_, "some of the rows, such as default,no-narrowing (default all)");
    app.add_option("--samples", samples_, "of every trial (default 5000)")
        ->check(CLI::PositiveNumber);
    app.add_option("--seeds", num_seeds_, "of every row (default 5)")->check(CLI::PositiveNumber);
    app.add_option("--jobs", jobs_, "trials at a time (default: number of cores)")
        ->check(CLI::PositiveNumber);
    app.add_flag("--json", json_, "print ablation.json instead of a table");
  }

  ExitCode Run(const Console& console) override {
    const std::vector<AblationRow> rows = rows_.empty() ? AblationRows() : ChosenRows(rows_);
    problem_.space = "scopes";
    problem_.max_groups = groups_;
    const Workbench bench(model_.Load(), problem_);
    const PlacerRegistry registry = AllPlacers();
    const AblationRow annealing{"annealing", "", "", {}};
    const std::optional<AblationResult> reference =
        RunRow(bench, registry, annealing, "annealing", kAnnealingFactor * samples_, console);
    std::vector<AblationResult> results;
    for (const AblationRow& row : rows) {
      std::optional<AblationResult> result =
          reference ? RunRow(bench, registry, row, "reinforce", samples_, console) : std::nullopt;
      if (!result) {
        console.err << "placer: interrupted, the same command goes on\n";
        return ExitCode::kInterrupted;
      }
      results.push_back(std::move(*result));
    }
    Report(console, bench, registry, *reference, results);
    return ExitCode::kDone;
  }

 private:
  /// Nothing if the user asked to stop.
  [[nodiscard]] std::optional<AblationResult> RunRow(
      const Workbench& bench, const PlacerRegistry& registry, const AblationRow& row,
      const std::string& method, std::int64_t samples, const Console& console) const {
    AblationResult result{row, {}};
    const std::filesystem::path path =
        std::filesystem::path(out_) / (PlainName(row.name) + ".json");
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

  void Report(const Console& console, const Workbench& bench, const PlacerRegistry& registry,
              const AblationResult& reference, const std::vector<AblationResult>& results) const {
    const double best =
        std::min(BestKnown(results), BestKnown(std::span(&reference, std::size_t{1})));
    const std::filesystem::path out(out_);
    const std::string text = Describe(bench, results, best);
    const std::string json = JsonOf(bench, results, best).dump(2) + "\n";
    ReplaceFile(out / "ablation.md", text);
    ReplaceFile(out / "ablation.json", json);
    ReplaceFile(out / "presets-curves.svg", Draw(bench, registry, reference, results));
    console.out << (json_ ? json : text) << std::flush;
  }

  [[nodiscard]] std::string Describe(const Workbench& bench,
                                     const std::vector<AblationResult>& results,
                                     double best) const {
    std::ostringstream text;
    text << Title() << ", " << bench.problem().num_groups() << " groups, " << FormatCount(samples_)
         << " samples, " << num_seeds_ << " seeds; best known " << FormatTime(Seconds(best))
         << " (annealing with " << FormatCount(kAnnealingFactor * samples_)
         << " samples is among what is known), bound " << FormatTime(bench.bound()) << "\n\n";
    AblationTable(results, best).PrintMarkdown(text);
    text << "\nSamples and seconds: medians of the seeds that came within 5 % of the best known.\n";
    return text.str();
  }

  [[nodiscard]] Json JsonOf(const Workbench& bench, const std::vector<AblationResult>& results,
                            double best) const {
    return {{"model", model_.model},
            {"cluster", problem_.cluster},
            {"groups", bench.problem().num_groups()},
            {"samples", samples_},
            {"seeds", num_seeds_},
            {"annealing_samples", kAnnealingFactor * samples_},
            {"best_known_seconds", best},
            {"bound_seconds", ToSeconds(bench.bound()).count()},
            {"rows", ToJson(results, best)}};
  }

  /// The two presets, as far as they are among the rows, and annealing at as many samples;
  /// heuristics as lines.
  [[nodiscard]] std::string Draw(const Workbench& bench, const PlacerRegistry& registry,
                                 const AblationResult& reference,
                                 const std::vector<AblationResult>& results) const {
    std::vector<LearningSeries> series = {CurvesOf(reference, "annealing", samples_)};
    for (const AblationResult& result : results) {
      if (result.row.options.empty()) {
        series.push_back(CurvesOf(result, "preset " + result.row.preset, samples_));
      }
    }
    std::erase_if(series, [](const LearningSeries& each) { return each.seeds.empty(); });
    std::vector<Baseline> baselines;
    for (const char* method : {"expert", "single_device"}) {
      const PlaceResult found =
          registry.Make(method)->Place({bench.problem(), {samples_, std::nullopt}, 1, {}, {}, {}});
      if (found.groups && found.best.outcome == StepOutcome::kOk) {
        baselines.push_back({method, ToSeconds(found.best.step_time)});
      }
    }
    return DrawLearningCurves(Title() + ": the two presets", series, baselines);
  }

  [[nodiscard]] std::string Title() const { return model_.model + " on " + problem_.cluster; }

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
  std::string out_, rows_;
  std::size_t groups_ = 83;
  std::int64_t samples_ = 5000;
  Seed num_seeds_ = 5;
  std::optional<int> jobs_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeAblationCommand() { return std::make_unique<AblationCommand>(); }

}  // namespace placer
