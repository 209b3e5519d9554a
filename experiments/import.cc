#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "cost_model/cluster_io.h"
#include "cost_model/model_cluster.h"
#include "cost_model/placement_io.h"
#include "experiments/output_file.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "experiments/table.h"
#include "graphs/base/error.h"
#include "graphs/graph_io.h"
#include "graphs/partitioning.h"

namespace placer {
namespace {

/// The fewest digits that are read back as the same number, 15 at most.
std::string Digits(double number) {
  char text[40];
  for (int digits = 1; digits <= 15; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, number);
    if (std::stod(text) == number) {
      break;
    }
  }
  return text;
}

class ImportCommand final : public Subcommand {
 public:
  ImportCommand() : Subcommand("import", "read a model once and keep it as a Placer graph") {}

  void AddOptions(CLI::App& app) override {
    model_.AddTo(app);
    app.add_option("-o,--output", output_, "where to: .txtpb, .pb or .json")->required();
    app.add_option("--cluster-output", cluster_output_,
                   "also write the devices that a workload file is about: .txtpb, .pb or .json");
    CLI::Option* split = app.add_option(
        "--split", split_, "a split of a partitioning workload: print the loads of its devices");
    app.add_option("--plan-output", plan_output_,
                   "also write the split as a plan: .txtpb, .pb, .json or .csv")
        ->needs(split);
  }

  ExitCode Run(const Console& console) override {
    CheckOutputs();
    const LoadedModel model = model_.Load();
    PrintWarnings(console.err, model.warnings);
    const std::optional<Cluster> cluster = ClusterOf(model);
    WriteGraph(model.graph, output_);
    if (!cluster_output_.empty()) {
      WriteCluster(*cluster, cluster_output_);
    }
    if (!split_.empty()) {
      UseSplit(model.graph, *cluster, console.out);
    }
    return ExitCode::kDone;
  }

 private:
  void CheckOutputs() const {
    CheckWritable(output_, {".txtpb", ".pb", ".json"});
    if (!cluster_output_.empty()) {
      CheckWritable(cluster_output_, {".txtpb", ".pb", ".json"});
    }
    if (!plan_output_.empty()) {
      CheckWritable(plan_output_, {".txtpb", ".pb", ".json", ".csv"});
    }
  }

  /// If one is asked for.
  [[nodiscard]] std::optional<Cluster> ClusterOf(const LoadedModel& model) const {
    if (cluster_output_.empty() && split_.empty()) {
      return std::nullopt;
    }
    if (!model.devices || model.devices->pools.empty()) {
      throw InputError(model_.model + ": does not say which devices it is about, expected a " +
                       "partitioning workload or a DOPPLER graph for " +
                       (split_.empty() ? "--cluster-output" : "--split"));
    }
    return MakeModelCluster(model.graph.name(), *model.devices);
  }

  void UseSplit(const Graph& graph, const Cluster& cluster, std::ostream& out) const {
    const std::vector<PartitioningShare> split = ReadPartitioningSplit(split_, graph);
    const std::vector<double> loads = SplitLoadsMs(split, graph);
    Table table({{"device", Table::Align::kLeft}, {"nodes"}, {"load, ms"}});
    Placement placement(graph.num_ops(), DeviceId(0));
    for (std::size_t s = 0; s < split.size(); ++s) {
      const std::string name =
          "/" + std::string(split[s].kind) + ":" + std::to_string(split[s].index);
      table.AddRow({name, std::to_string(split[s].ops.size()), Digits(loads[s])});
      const std::optional<DeviceId> device = cluster.FindDevice(name);
      if (!device) {
        throw InputError(split_ + ": has device " + name + ", but the workload has " +
                         std::to_string(cluster.num_devices()) + " devices and not this one");
      }
      for (const OpId op : split[s].ops) {
        placement.set_device(op, *device);
      }
    }
    table.Print(out);
    out << "\nmax load " << Digits(*std::max_element(loads.begin(), loads.end())) << " ms\n";
    if (!plan_output_.empty()) {
      SavedPlacement saved = Save(placement, graph, cluster);
      saved.method = "split";
      WritePlacement(saved, plan_output_);
    }
  }

  ModelOptions model_;
  std::string output_, cluster_output_, split_, plan_output_;
};

}  // namespace

std::unique_ptr<Subcommand> MakeImportCommand() { return std::make_unique<ImportCommand>(); }

}  // namespace placer
