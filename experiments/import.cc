#include <CLI/CLI.hpp>
#include <ostream>

#include "experiments/output_file.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "graphs/graph_io.h"

namespace placer {
namespace {

class ImportCommand final : public Subcommand {
 public:
  ImportCommand() : Subcommand("import", "read a model once and keep it as a Placer graph") {}

  void AddOptions(CLI::App& app) override {
    model_.AddTo(app);
    app.add_option("-o,--output", output_, "where to: .txtpb, .pb or .json")->required();
  }

  ExitCode Run(const Console& console) override {
    CheckWritable(output_, {".txtpb", ".pb", ".json"});
    const LoadedModel model = model_.Load();
    PrintWarnings(console.err, model.warnings);
    WriteGraph(model.graph, output_);
    return ExitCode::kDone;
  }

 private:
  ModelOptions model_;
  std::string output_;
};

}  // namespace

std::unique_ptr<Subcommand> MakeImportCommand() { return std::make_unique<ImportCommand>(); }

}  // namespace placer
