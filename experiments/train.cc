#include <CLI/CLI.hpp>
#include <ostream>

#include "experiments/experiment_run.h"
#include "experiments/plan_facts.h"
#include "experiments/ranks.h"
#include "experiments/subcommand.h"
#include "graphs/base/error.h"
#include "placer/auto_placer.h"
#include "placer/rank_team.h"

namespace placer {
namespace {

class TrainCommand final : public Subcommand {
 public:
  TrainCommand() : Subcommand("train", "run an experiment from a config into a run directory") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("CONFIG", config_, "experiment, .txtpb (experiments/experiment.proto)")
        ->required();
    app.add_flag("--resume", resume_, "go on with the seeds that are not complete");
    app.add_option(
           "--jobs", jobs_,
           "seeds at a time (default: number of cores; one where several ranks train together)")
        ->check(CLI::PositiveNumber);
    app.add_flag("--json", json_, "print one JSON object instead of a table");
  }

  ExitCode Run(const Console& console) override {
    const ExperimentConfig config = ReadExperiment(config_);
    const PlacerRegistry registry = LibraryPlacers();
    const std::optional<ProcessGroupAddress> address = ProcessGroupFromEnvironment();
    try {  // before the model is read, and before a directory is made
      static_cast<void>(MakeConfigured(registry, config.method));
      if (address) {
        CheckForRanks(config, *address);
      }
    } catch (const InputError& error) {
      throw error.In(config_);
    }
    std::unique_ptr<ProcessGroup> group;
    std::optional<RankTeam> team;
    if (address) {
      group = JoinProcessGroup(*address);
      if (address->rank > 0) {
        return ServeTraining(config, *group, console);
      }
      team.emplace(*group);
    }
    const Execution execution(config.model, config.problem, config.execution, console);
    PrintWarnings(console.err, execution.bench().warnings());
    const RunDirectory directory(config, resume_);
    if (team) {
      team->CheckReady(WorkOf(config, execution.problem()));
    }
    ExperimentRun experiment(config, registry, directory, execution, team ? &*team : nullptr);
    experiment.RunSeeds(console, jobs_.value_or(DefaultJobs()));
    if (team) {
      FinishTeam(*team, console);
    }
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
  static void FinishTeam(RankTeam& team, const Console& console) {
    if (!team.lost()) {
      const ExitCode code =
          console.stop.stop_requested() ? ExitCode::kInterrupted : ExitCode::kDone;
      team.Finish({static_cast<int>(code), {}});
      return;
    }
    const std::string message =
        *team.lost() + "; the checkpoint is written, start all ranks again with --resume";
    team.Finish({static_cast<int>(ExitCode::kInternalError), message});
    throw Error(message);
  }

  std::string config_;
  bool resume_ = false;
  std::optional<int> jobs_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeTrainCommand() { return std::make_unique<TrainCommand>(); }

}  // namespace placer
