#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cost_model/cluster_io.h"
#include "cost_model/model_cluster.h"
#include "cost_model/placement_io.h"
#include "experiments/format.h"
#include "experiments/output_file.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "experiments/table.h"
#include "graphs/base/error.h"
#include "graphs/graph_io.h"
#include "graphs/partitioning.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

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

/// What a device of a split has to do.
struct SplitLoad {
  std::string device;
  std::size_t nodes = 0;
  double load_ms = 0;
};
using Split = std::vector<SplitLoad>;

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
    app.add_flag("--json", json_, "print one JSON object: the graph, and the loads of a split");
  }

  ExitCode Run(const Console& console) override {
    CheckOutputs();
    const LoadedModel model = model_.Load(console.stop);
    PrintWarnings(console.err, model.warnings);
    const std::optional<Cluster> cluster = ClusterOf(model);
    WriteGraph(model.graph, output_);
    if (!cluster_output_.empty()) {
      WriteCluster(*cluster, cluster_output_);
    }
    Json json = {{"output", output_},
                 {"graph",
                  {{"name", model.graph.name()},
                   {"ops", model.graph.num_ops()},
                   {"fingerprint", FormatFingerprint(model.graph.fingerprint())}}},
                 {"warnings", model.warnings}};
    if (!split_.empty()) {
      const Split split = ReadSplit(model.graph, *cluster);
      if (!json_) {
        Print(console.out, split);
      }
      json["split"] = ToJson(split);
    }
    if (json_) {
      console.out << json.dump(2) << std::endl;
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

  /// A split of the model's nodes, which is also kept as a plan if one is asked for.
  [[nodiscard]] Split ReadSplit(const Graph& graph, const Cluster& cluster) const {
    const std::vector<PartitioningShare> shares = ReadPartitioningSplit(split_, graph);
    const std::vector<double> loads = SplitLoadsMs(shares, graph);
    Split split;
    Placement placement(graph.num_ops(), DeviceId(0));
    for (std::size_t s = 0; s < shares.size(); ++s) {
      const std::string name =
          "/" + std::string(shares[s].kind) + ":" + std::to_string(shares[s].index);
      split.push_back({name, shares[s].ops.size(), loads[s]});
      const std::optional<DeviceId> device = cluster.FindDevice(name);
      if (!device) {
        throw InputError(split_ + ": has device " + name + ", but the workload has " +
                         std::to_string(cluster.num_devices()) + " devices and not this one");
      }
      for (const OpId op : shares[s].ops) {
        placement.set_device(op, *device);
      }
    }
    if (!plan_output_.empty()) {
      SavedPlacement saved = Save(placement, graph, cluster);
      saved.method = "split";
      WritePlacement(saved, plan_output_);
    }
    return split;
  }

  static double MaxLoadMs(const Split& split) {
    return std::ranges::max_element(split, {}, &SplitLoad::load_ms)->load_ms;
  }

  static void Print(std::ostream& out, const Split& split) {
    Table table({{"device", Table::Align::kLeft}, {"nodes"}, {"load, ms"}});
    for (const SplitLoad& each : split) {
      table.AddRow({each.device, std::to_string(each.nodes), Digits(each.load_ms)});
    }
    table.Print(out);
    out << "\nmax load " << Digits(MaxLoadMs(split)) << " ms\n";
  }

  static Json ToJson(const Split& split) {
    Json devices = Json::array();
    for (const SplitLoad& each : split) {
      devices.push_back(
          {{"device", each.device}, {"nodes", each.nodes}, {"load_seconds", each.load_ms * 1e-3}});
    }
    return {{"devices", devices}, {"max_load_seconds", MaxLoadMs(split) * 1e-3}};
  }

  ModelOptions model_;
  std::string output_, cluster_output_, split_, plan_output_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeImportCommand() { return std::make_unique<ImportCommand>(); }

}  // namespace placer
