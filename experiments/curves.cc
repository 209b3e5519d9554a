#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <ostream>

#include "experiments/experiment_config.h"
#include "experiments/output_file.h"
#include "experiments/picture/learning_curves.h"
#include "experiments/subcommand.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

/// `expert=0.412`: a name and seconds.
Baseline ParseBaseline(const std::string& text) {
  const std::size_t sign = text.rfind('=');
  double seconds = 0;
  const char* end = text.data() + text.size();
  if (sign != std::string::npos && sign > 0) {
    const auto [stop, error] = std::from_chars(text.data() + sign + 1, end, seconds);
    if (error == std::errc() && stop == end && seconds > 0 && seconds < 1e9) {
      return {text.substr(0, sign), Seconds(seconds)};
    }
  }
  throw InputError("baseline: found '" + text + "', expected NAME=SECONDS");
}

class CurvesCommand final : public Subcommand {
 public:
  CurvesCommand() : Subcommand("curves", "draw the learning curves of run directories") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("RUN", runs_, "run directories of train")->required();
    app.add_option("-o,--output", output_, "the picture, .svg")->required();
    app.add_option("--baseline", baselines_, "NAME=SECONDS: a horizontal line; may be repeated");
    app.add_option("--title", title_, "of the picture (default: names of the runs)");
  }

  ExitCode Run(const Console& console) override {
    CheckWritable(output_, {".svg"});
    std::vector<Baseline> baselines;
    for (const std::string& text : baselines_) {
      baselines.push_back(ParseBaseline(text));
    }
    std::string title = title_;
    std::vector<LearningSeries> series;
    for (const std::string& run : runs_) {
      const ExperimentConfig config = ReadExperiment(fs::path(run) / "config.txtpb");
      series.push_back(ReadRun(console, run, config));
      if (title_.empty()) {
        title += (title.empty() ? "" : ", ") + config.name;
      }
    }
    ReplaceFile(output_, DrawLearningCurves(title, series, baselines));
    return ExitCode::kDone;
  }

 private:
  /// Seeds that have not started, or found nothing feasible yet, are left out, with a warning.
  static LearningSeries ReadRun(const Console& console, const fs::path& run,
                                const ExperimentConfig& config) {
    LearningSeries series{config.name + " (" + config.method.name + ")", {}};
    for (const Seed seed : config.seeds) {
      const fs::path metrics = run / ("seed-" + std::to_string(seed)) / "metrics.jsonl";
      std::error_code ignored;
      LearningCurve curve;
      if (fs::exists(metrics, ignored)) {
        curve = ReadLearningCurve(metrics);
      }
      if (curve.empty()) {
        console.err << "placer: warning: " << metrics.string() << ": has no feasible placement\n";
      } else {
        series.seeds.push_back(std::move(curve));
      }
    }
    return series;
  }

  std::vector<std::string> runs_, baselines_;
  std::string output_, title_;
};

}  // namespace

std::unique_ptr<Subcommand> MakeCurvesCommand() { return std::make_unique<CurvesCommand>(); }

}  // namespace placer
