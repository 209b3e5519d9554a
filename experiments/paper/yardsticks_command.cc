#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <system_error>

#include "experiments/methods.h"
#include "experiments/output_file.h"
#include "experiments/paper/commands.h"
#include "experiments/paper/yardsticks.h"
#include "experiments/trials.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "placer/workbench.h"

namespace placer {
namespace {

constexpr std::int64_t kDefaultSamples = 1000;
constexpr int kDefaultSeeds = 10;

class YardsticksCommand final : public Subcommand {
 public:
  YardsticksCommand()
      : Subcommand("yardsticks", "every method against the enumerated optimum of small models") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("--methods", methods_, "all, or names with commas (default all)");
    app.add_option("--samples", samples_,
                   fmt::format("placements each method may evaluate (default {})", kDefaultSamples))
        ->check(CLI::PositiveNumber);
    app.add_option("--seeds", num_seeds_,
                   fmt::format("trials of each method (default {})", kDefaultSeeds))
        ->check(CLI::PositiveNumber);
    app.add_option("--groups", max_groups_, "merge into at most N groups where that is fewer")
        ->check(CLI::PositiveNumber);
    app.add_option("--jobs", jobs_, "trials at a time (default: number of cores)")
        ->check(CLI::PositiveNumber);
    app.add_option("--out", out_, "folder for yardsticks.md and yardsticks.json");
    app.add_flag("--json", json_, "print yardsticks.json instead of tables");
  }

  ExitCode Run(const Console& console) override {
    PrepareOutput();
    const PlacerRegistry registry = AllPlacers();
    const std::vector<std::string> methods = ParseMethods(methods_, registry, console.err);
    std::vector<YardstickResult> results;
    for (const YardstickProblem& problem : YardstickProblems()) {
      std::optional<YardstickResult> result = RunProblem(console, registry, problem, methods);
      if (!result) {
        console.err << "placer: interrupted after " << results.size() << " of "
                    << YardstickProblems().size() << " problems, nothing is stored\n";
        return ExitCode::kInterrupted;
      }
      if (!json_) {
        console.out << Headline(*result) << "\n\n";
        YardstickTable(*result).Print(console.out);
        console.out << std::endl;
      }
      results.push_back(std::move(*result));
    }
    const std::string json = JsonOf(results).dump(2) + "\n";
    if (json_) {
      console.out << json << std::flush;
    }
    Store(results, json);
    return ExitCode::kDone;
  }

 private:
  void PrepareOutput() const {
    if (out_.empty()) {
      return;
    }
    MakeFolder(out_);
    CheckWritable(std::filesystem::path(out_) / "yardsticks.json");
  }

  /// Nothing if the user asked to stop.
  [[nodiscard]] std::optional<YardstickResult> RunProblem(
      const Console& console, const PlacerRegistry& registry, const YardstickProblem& problem,
      const std::vector<std::string>& methods) const {
    ModelSpec model;
    model.model = problem.model;
    ProblemSpec spec;
    spec.cluster = problem.cluster;
    spec.max_groups = std::min(problem.max_groups, max_groups_.value_or(problem.max_groups));
    const Workbench bench(model.Load(), spec);
    std::vector<TrialSpec> specs;
    for (const std::string& method : methods) {
      for (int s = 0; s < num_seeds_; ++s) {
        specs.push_back({method, Budget{samples_, std::nullopt}, 1 + static_cast<Seed>(s), {}});
      }
    }
    TrialOptions options;
    options.jobs = jobs_.value_or(DefaultJobs());
    options.stop = console.stop;
    std::vector<PlaceResult> results;
    {
      ProgressMeter progress(console, std::string(problem.name));
      results = RunTrials(bench.problem(), registry, specs, options, progress);
    }
    if (console.stop.stop_requested()) {
      return std::nullopt;
    }
    std::vector<MethodTrials> trials;
    for (std::size_t i = 0; i < specs.size(); ++i) {
      if (trials.empty() || trials.back().method != specs[i].method) {
        trials.push_back({specs[i].method, UsesBudget(specs[i].method), {}});
      }
      trials.back().results.push_back(std::move(results[i]));
    }
    return Assess(problem, bench.problem(), EnumerateGroupPlacements(bench.problem()), trials);
  }

  [[nodiscard]] nlohmann::ordered_json JsonOf(const std::vector<YardstickResult>& results) const {
    auto problems = nlohmann::ordered_json::array();
    for (const YardstickResult& result : results) {
      problems.push_back(ToJson(result));
    }
    return {{"samples", samples_}, {"seeds", num_seeds_}, {"problems", problems}};
  }

  void Store(const std::vector<YardstickResult>& results, const std::string& json) const {
    if (out_.empty()) {
      return;
    }
    std::ostringstream text;
    for (const YardstickResult& result : results) {
      text << Headline(result) << "\n\n";
      YardstickTable(result).PrintMarkdown(text);
      text << '\n';
    }
    const std::filesystem::path folder(out_);
    ReplaceFile(folder / "yardsticks.md", text.str());
    ReplaceFile(folder / "yardsticks.json", json);
  }

  std::string methods_ = "all", out_;
  std::int64_t samples_ = kDefaultSamples;
  int num_seeds_ = kDefaultSeeds;
  std::optional<std::size_t> max_groups_;
  std::optional<int> jobs_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeYardsticksCommand() {
  return std::make_unique<YardsticksCommand>();
}

}  // namespace placer
