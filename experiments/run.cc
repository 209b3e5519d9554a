#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cost_model/placement_io.h"
#include "experiments/execution.h"
#include "experiments/format.h"
#include "experiments/output_file.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "experiments/trace_json.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

namespace fs = std::filesystem;

class RunStepsCommand final : public Subcommand {
 public:
  RunStepsCommand() : Subcommand("run", "execute steps of a model under a plan") {}

  void AddOptions(CLI::App& app) override {
    model_.AddTo(app);
    app.add_option("--devices", problem_.devices, "devices of this machine, as cpu:0,cpu:1")
        ->required();
    app.add_option("--placement", plan_, "the plan, as written by optimize")->required();
    app.add_option("--steps", steps_, "how many, each the captured step anew (default 10)")
        ->check(CLI::PositiveNumber);
    app.add_option("--outputs", outputs_,
                   "write the step's outputs into this folder, as .pt files");
    app.add_option("--trace", trace_, "write what happened when in the last step, for Perfetto");
    AddWorkerOptions(app, execution_);
    app.add_flag("--json", json_, "print one JSON object instead of lines");
  }

  ExitCode Run(const Console& console) override {
    if (!trace_.empty()) {
      CheckWritable(trace_);
    }
    const SavedPlacement saved = ReadPlacement(plan_);
    const std::unique_ptr<StepWorker> worker = StartWorker(model_, problem_, execution_, console);
    PrintWarnings(console.err, worker->warnings());
    const Cluster cluster = problem_.LoadTarget();
    StepPlan plan;
    try {
      plan.placement = Restore(saved, worker->graph(), cluster);
    } catch (const InputError& error) {
      throw error.In(plan_);
    }
    MeasuredSteps all = RunSteps(console, *worker, plan);
    if (!trace_.empty()) {
      const MeasuredSteps recorded = worker->Measure(plan, 0, 1, /*record=*/true);
      ReplaceFile(
          trace_,
          TraceToJson(worker->graph(), cluster, ToTrace(recorded.traces.at(0), cluster)).dump());
    }
    std::vector<fs::path> files;
    if (!outputs_.empty()) {
      MakeFolder(outputs_);
      files = worker->WriteOutputs(plan.placement, fs::absolute(outputs_));
    }
    Report(console, *worker, all, files);
    return ExitCode::kDone;
  }

 private:
  [[nodiscard]] MeasuredSteps RunSteps(const Console& console, StepWorker& worker,
                                       const StepPlan& plan) const {
    MeasuredSteps all;
    for (int step = 0; step < steps_; ++step) {
      const MeasuredSteps one = worker.Measure(plan, 0, 1);
      all.times.insert(all.times.end(), one.times.begin(), one.times.end());
      all.peak_bytes = one.peak_bytes;
      if (!json_) {
        console.out << fmt::format("step {}: {}", step + 1, FormatTime(one.times.at(0)))
                    << std::endl;
      }
    }
    return all;
  }

  void Report(const Console& console, const StepWorker& worker, const MeasuredSteps& all,
              const std::vector<fs::path>& files) const {
    if (!json_) {
      for (const fs::path& file : files) {
        console.out << "Wrote " << file.string() << std::endl;
      }
      return;
    }
    nlohmann::ordered_json json = {{"graph", worker.graph().name()},
                                   {"steps_seconds", nlohmann::ordered_json::array()},
                                   {"peak_bytes", all.peak_bytes},
                                   {"outputs", nlohmann::ordered_json::array()}};
    for (const Seconds time : all.times) {
      json["steps_seconds"].push_back(time.count());
    }
    for (const fs::path& file : files) {
      json["outputs"].push_back(file.string());
    }
    console.out << json.dump(2) << std::endl;
  }

  ModelOptions model_;
  ProblemOptions problem_;
  ExecutionOptions execution_;
  std::string plan_, outputs_, trace_;
  int steps_ = 10;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeRunCommand() { return std::make_unique<RunStepsCommand>(); }

}  // namespace placer
