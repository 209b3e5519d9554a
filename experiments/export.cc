#include <CLI/CLI.hpp>
#include <ostream>

#include "experiments/exporters.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "experiments/workbench.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

std::string FormatsHelp() {
  std::string text = "by default from the output's suffix;";
  for (const Exporter& exporter : Exporters()) {
    text += "\n" + std::string(exporter.name) + ": " + std::string(exporter.summary);
  }
  return text;
}

class ExportCommand final : public Subcommand {
 public:
  ExportCommand()
      : Subcommand("export", "write a plan, or a model with its plan, in another format") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("PLAN", plan_, "the plan, as written by optimize")->required();
    model_.AddTo(app);
    app.get_option("MODEL")->required(false);
    app.add_option("--placement", placement_, "the plan, where MODEL alone is given");
    app.add_option("--format", format_, FormatsHelp());
    app.add_option("-o,--output", output_, "where to: a file, or a new folder for onnx-parts")
        ->required();
    problem_.AddClusterTo(app, /*required=*/false);
    problem_.AddSimulationTo(app);
  }

  ExitCode Run(const Console& console) override {
    if (!placement_.empty()) {  // the one positional argument is the model then
      if (!model_.model.empty()) {
        throw InputError("placement: found '" + plan_ + "' as PLAN already, expected one plan");
      }
      std::swap(plan_, model_.model);
      plan_ = placement_;
    }
    const Exporter& exporter = format_.empty() ? ExporterFor(output_) : ExporterNamed(format_);
    CheckOutput(exporter, output_);
    const SavedPlacement plan = ReadPlacement(plan_);
    for (const std::string& warning : Write(exporter, plan, console)) {
      console.err << "placer: warning: " << warning << '\n';
    }
    return ExitCode::kDone;
  }

 private:
  [[nodiscard]] std::vector<std::string> Write(const Exporter& exporter, const SavedPlacement& plan,
                                               const Console& console) const {
    ExportRequest request{.plan = plan, .model = model_.model};
    std::optional<Workbench> bench;
    std::optional<LoadedModel> loaded;
    if (exporter.needs_model && !model_.model.empty()) {
      loaded = model_.Load(console.stop);
      PrintWarnings(console.err, loaded->warnings);
      if (exporter.needs_cluster && (!problem_.cluster.empty() || !problem_.devices.empty())) {
        bench.emplace(std::move(*loaded), problem_);
        request.bench = &*bench;
      }
      request.graph = bench ? &bench->graph() : &loaded->graph;
      try {
        request.device_of_op = DevicesOfOps(plan, *request.graph);
      } catch (const InputError& error) {
        throw error.In(plan_);
      }
    }
    return Export(exporter, request, output_);
  }

  ModelOptions model_;
  ProblemOptions problem_;
  std::string plan_, placement_, format_, output_;
};

}  // namespace

std::unique_ptr<Subcommand> MakeExportCommand() { return std::make_unique<ExportCommand>(); }

}  // namespace placer
