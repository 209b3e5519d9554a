#include <CLI/CLI.hpp>
#include <ostream>

#include "experiments/experiment_run.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

class TrainCommand final : public Subcommand {
 public:
  TrainCommand() : Subcommand("train", "run an experiment from a config into a run directory") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("CONFIG", config_, "experiment, .txtpb (experiments/experiment.proto)")
        ->required();
    app.add_flag("--resume", resume_, "go on with the seeds that are not complete");
    app.add_option("--jobs", jobs_, "seeds at a time (default: number of cores)")
        ->check(CLI::PositiveNumber);
    app.add_flag("--json", json_, "print one JSON object instead of a table");
  }

  ExitCode Run(const Console& console) override {
    const ExperimentConfig config = ReadExperiment(config_);
    const PlacerRegistry registry = AllPlacers();
    try {  // before the model is read, and before a directory is made
      static_cast<void>(MakeConfigured(registry, config.method));
    } catch (const InputError& error) {
      throw error.In(config_);
    }
    const Execution execution(config.model, config.problem, config.execution, console);
    PrintWarnings(console.err, execution.bench().warnings());
    const RunDirectory directory(config, resume_);
    ExperimentRun experiment(config, registry, directory, execution);
    experiment.RunSeeds(console, jobs_.value_or(DefaultJobs()));
    const nlohmann::ordered_json report = experiment.WriteReport();
    if (json_) {
      console.out << report.dump(2) << std::endl;
    } else {
      experiment.Print(console.out);
      console.out << "\nWrote " << directory.path().string() << std::endl;
    }
    if (console.stop.stop_requested()) {
      console.err << "placer: interrupted, --resume goes on with the seeds that are not complete\n";
      return ExitCode::kInterrupted;
    }
    if (!experiment.AnyFeasible()) {
      throw InfeasibleError(
          "no seed found a feasible placement (`placer optimize` says what is "
          "missing)");
    }
    return ExitCode::kDone;
  }

 private:
  std::string config_;
  bool resume_ = false;
  std::optional<int> jobs_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeTrainCommand() { return std::make_unique<TrainCommand>(); }

}  // namespace placer
