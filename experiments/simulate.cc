#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cost_model/placement_io.h"
#include "experiments/format.h"
#include "experiments/output_file.h"
#include "experiments/picture/placement_picture.h"
#include "experiments/picture/timeline.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "experiments/trace_json.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

class SimulateCommand final : public Subcommand {
 public:
  SimulateCommand() : Subcommand("simulate", "run one step under a given placement") {}

  void AddOptions(CLI::App& app) override {
    model_.AddTo(app);
    problem_.AddClusterTo(app, /*required=*/true);
    app.add_option("--placement", placement_, "the plan, as written by optimize")->required();
    app.add_option("--trace", trace_, "write what happened when, for Perfetto or chrome://tracing");
    app.add_option("--picture", picture_,
                   "draw the placement as SVG: layers by time steps, or groups along the network");
    app.add_option("--timeline", timeline_, "draw as SVG what devices and links did during a step");
    problem_.AddSimulationTo(app);
    app.add_flag("--json", json_, "print one JSON object instead of tables");
  }

  ExitCode Run(const Console& console) override {
    CheckOutputs();
    const SavedPlacement saved = ReadPlacement(placement_);
    const Workbench bench(model_.Load(console.stop), problem_);
    PrintWarnings(console.err, bench.warnings());
    const Placement placement = RestoreFrom(saved, bench);
    const PlanFacts facts = ExaminePlan(bench, placement);
    WriteOutputs(bench, placement, facts);
    if (json_) {
      console.out << nlohmann::ordered_json{{"problem", ProblemToJson(bench)},
                                            {"step", PlanToJson(bench, facts)}}
                         .dump(2)
                  << std::endl;
    } else {
      PrintProblem(console.out, bench);
      PrintPlan(console.out, bench, facts);
    }
    if (facts.report.outcome != StepOutcome::kOk) {
      throw InfeasibleError(placement_ +
                            ": does not fit: " + DescribeShortages(bench, facts.report));
    }
    return ExitCode::kDone;
  }

 private:
  void CheckOutputs() const {
    if (!picture_.empty()) {
      CheckWritable(picture_, {".svg"});
    }
    if (!timeline_.empty()) {
      CheckWritable(timeline_, {".svg"});
    }
    if (!trace_.empty()) {
      CheckWritable(trace_);
    }
    if ((!trace_.empty() || !timeline_.empty()) && problem_.objective != "latency") {
      throw InputError(std::string(trace_.empty() ? "timeline" : "trace") +
                       ": there is no schedule to draw with objective " + problem_.objective);
    }
  }

  void WriteOutputs(const Workbench& bench, const Placement& placement,
                    const PlanFacts& facts) const {
    const std::string title =
        bench.graph().name() + " on " + bench.cluster().name() + ", " +
        FormatTime(facts.report.step_time) +
        (bench.objective() == Objective::kMaxLoad ? " at the busiest device" : " per step");
    if (!trace_.empty()) {
      ReplaceFile(trace_, TraceToJson(bench.graph(), bench.cluster(), facts.trace).dump());
    }
    if (!picture_.empty()) {
      ReplaceFile(picture_, DrawPlacement({bench.graph(), bench.problem().grouping(),
                                           bench.cluster(), bench.costs(), placement},
                                          title));
    }
    if (!timeline_.empty()) {
      ReplaceFile(timeline_, DrawTimeline(bench.graph(), bench.cluster(), facts.trace, title));
    }
  }

  [[nodiscard]] Placement RestoreFrom(const SavedPlacement& saved, const Workbench& bench) const {
    try {
      return Restore(saved, bench.graph(), bench.cluster());
    } catch (const InputError& error) {
      throw error.In(placement_);
    }
  }

  ModelOptions model_;
  ProblemOptions problem_;
  std::string placement_, trace_, picture_, timeline_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeSimulateCommand() { return std::make_unique<SimulateCommand>(); }

}  // namespace placer
