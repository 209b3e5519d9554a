#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cost_model/placement_io.h"
#include "experiments/format.h"
#include "experiments/output_file.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "experiments/workbench.h"
#include "graphs/base/error.h"
#include "placer/plan_apply.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

class ApplyCommand final : public Subcommand {
 public:
  ApplyCommand()
      : Subcommand("apply",
                   "put a plan on a changed model by names, new ops beside their neighbours") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("PLAN", plan_, "the plan of the old model")->required();
    model_.AddTo(app);
    problem_.AddClusterTo(app, /*required=*/true);
    problem_.AddSimulationTo(app);
    problem_.AddConstraintsTo(app);
    app.add_option("-o,--output", output_, "write the new plan: .txtpb, .pb, .json or .csv")
        ->required();
    app.add_flag("--json", json_, "print one JSON object instead of lines");
  }

  ExitCode Run(const Console& console) override {
    CheckWritable(output_, {".txtpb", ".pb", ".json", ".csv"});
    const SavedPlacement old = ReadPlacement(plan_);
    const Workbench bench(model_.Load(console.stop), problem_);
    PrintWarnings(console.err, bench.warnings());
    const AppliedPlan applied = Apply(old, bench);
    const StepReport report = bench.runner().Run(applied.placement);
    SavedPlacement saved = Save(applied.placement, bench.graph(), bench.cluster());
    saved.method = old.method;
    saved.seed = old.seed;
    saved.step_time_seconds = ToSeconds(report.step_time).count();
    WritePlacement(saved, output_);
    const std::vector<std::string> faults = bench.Faults(applied.placement);
    Print(console.out, bench, applied, report, faults);
    if (report.outcome != StepOutcome::kOk) {
      throw InfeasibleError(output_ + ": does not fit: " + DescribeShortages(bench, report));
    }
    return faults.empty() ? ExitCode::kDone : ExitCode::kCheckFailed;
  }

 private:
  [[nodiscard]] AppliedPlan Apply(const SavedPlacement& old, const Workbench& bench) const {
    try {
      return ApplyPlan(old, bench.problem().graph(), bench.problem().cluster());
    } catch (const InputError& error) {
      throw error.In(plan_);
    }
  }

  void Print(std::ostream& out, const Workbench& bench, const AppliedPlan& applied,
             const StepReport& report, const std::vector<std::string>& faults) const {
    if (json_) {
      Json matched = Json::object();
      for (const auto& [op, name] : applied.matched) {
        matched[op] = name;
      }
      out << Json{{"kept", applied.kept.size()},
                  {"matched", matched},
                  {"followed", applied.followed},
                  {"alone", applied.alone},
                  {"moved", applied.moved},
                  {"dropped", applied.dropped},
                  {"faults", faults},
                  {"feasible", report.outcome == StepOutcome::kOk},
                  {"step_time_seconds", ToSeconds(report.step_time).count()}}
                 .dump(2)
          << std::endl;
      return;
    }
    out << fmt::format("{} of {} ops keep their device\n",
                       FormatCount(static_cast<std::int64_t>(applied.kept.size())),
                       FormatCount(static_cast<std::int64_t>(bench.graph().num_ops())));
    std::vector<std::string> matched;
    for (const auto& [op, name] : applied.matched) {
      matched.push_back(op + " (was " + name + ")");
    }
    List(out, "matched by similar name", matched);
    List(out, "new, placed with their neighbours", applied.followed);
    List(out, "new without a placed neighbour, on the first device that they may use",
         applied.alone);
    List(out, "in the plan, but placed elsewhere now (device gone, not allowed, or shared)",
         applied.moved);
    List(out, "of the plan, not in the model", applied.dropped);
    out << "Step time " << FormatTime(report.step_time) << ", wrote " << output_ << std::endl;
    for (const std::string& fault : faults) {
      out << output_ << ": " << fault << '\n';
    }
  }

  static void List(std::ostream& out, const char* what, const std::vector<std::string>& ops) {
    constexpr std::size_t kShown = 5;
    if (ops.empty()) {
      return;
    }
    out << FormatCount(static_cast<std::int64_t>(ops.size())) << ' ' << what << ": ";
    for (std::size_t i = 0; i < std::min(ops.size(), kShown); ++i) {
      out << (i > 0 ? ", " : "") << ops[i];
    }
    out << (ops.size() > kShown ? ", ...\n" : "\n");
  }

  std::string plan_, output_;
  ModelOptions model_;
  ProblemOptions problem_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeApplyCommand() { return std::make_unique<ApplyCommand>(); }

}  // namespace placer
