#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "cost_model/placement_io.h"
#include "experiments/format.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"

namespace placer {
namespace {

/// The saved plan against the graph and cluster by name; ops it has no device for are left out of
/// `placement`.
std::vector<std::string> CompareNames(const SavedPlacement& saved, const Workbench& bench,
                                      std::optional<Placement>& placement) {
  const Graph& graph = bench.graph();
  const Cluster& cluster = bench.cluster();
  std::vector<std::string> faults;
  if (saved.graph_fingerprint != 0 && saved.graph_fingerprint != graph.fingerprint()) {
    faults.push_back(fmt::format("made for another graph: found {} ({}), expected {} ({})",
                                 saved.graph_name, FormatFingerprint(saved.graph_fingerprint),
                                 graph.name(), FormatFingerprint(graph.fingerprint())));
  }
  if (saved.cluster_fingerprint != 0 && saved.cluster_fingerprint != cluster.fingerprint()) {
    faults.push_back(fmt::format("made for another cluster: found {} ({}), expected {} ({})",
                                 saved.cluster_name, FormatFingerprint(saved.cluster_fingerprint),
                                 cluster.name(), FormatFingerprint(cluster.fingerprint())));
  }
  std::map<std::string_view, std::string_view> devices;
  for (const auto& [op, device] : saved.device_of_op) {
    if (!devices.emplace(op, device).second) {
      faults.push_back("op '" + op + "': placed twice");
    }
    if (!graph.FindOp(op)) {
      faults.push_back("op '" + op + "': not in the graph");
    }
    if (!cluster.FindDevice(device)) {
      faults.push_back(fmt::format("op '{}': device '{}' is not in the cluster", op, device));
    }
  }
  std::vector<DeviceId> device_of_op;
  for (const Op& op : graph.ops()) {
    const auto found = devices.find(op.name);
    if (found == devices.end()) {
      faults.push_back("op '" + op.name + "': has no device");
    } else if (const auto device = cluster.FindDevice(found->second)) {
      device_of_op.push_back(*device);
    }
  }
  if (device_of_op.size() == graph.num_ops()) {
    placement = Placement(std::move(device_of_op));
  }
  return faults;
}

class CheckCommand final : public Subcommand {
 public:
  CheckCommand() : Subcommand("check", "verify a plan: complete, allowed, co-located, fits") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("PLAN", plan_, "the plan, as written by optimize")->required();
    model_.AddTo(app);
    problem_.AddClusterTo(app, /*required=*/true);
    problem_.AddSimulationTo(app);
    app.add_flag("--json", json_, "print one JSON object instead of lines");
  }

  ExitCode Run(const Console& console) override {
    const SavedPlacement saved = ReadPlacement(plan_);
    const Workbench bench(model_.Load(), problem_);
    PrintWarnings(console.err, bench.warnings());
    std::optional<Placement> placement;
    std::vector<std::string> faults = CompareNames(saved, bench, placement);
    std::optional<StepReport> report;
    if (placement) {
      const std::vector<std::string> broken =
          FindFaults(*placement, bench.graph(), bench.cluster());
      faults.insert(faults.end(), broken.begin(), broken.end());
      if (broken.empty()) {
        report = bench.runner().Run(*placement);
        AddShortages(bench, *report, faults);
      }
    }
    Print(console.out, faults, report);
    return faults.empty() ? ExitCode::kDone : ExitCode::kCheckFailed;
  }

 private:
  static void AddShortages(const Workbench& bench, const StepReport& report,
                           std::vector<std::string>& faults) {
    for (const MemoryShortage& shortage : report.shortages) {
      faults.push_back(
          fmt::format("device '{}': needs {}, has {}", bench.cluster().device(shortage.device).name,
                      FormatBytes(shortage.required_bytes), FormatBytes(shortage.available_bytes)));
    }
  }

  void Print(std::ostream& out, const std::vector<std::string>& faults,
             const std::optional<StepReport>& report) const {
    if (json_) {
      nlohmann::ordered_json json = {{"ok", faults.empty()}, {"faults", faults}};
      if (report) {
        json["step_time_seconds"] = ToSeconds(report->step_time).count();
      }
      out << json.dump(2) << std::endl;
      return;
    }
    for (const std::string& fault : faults) {
      out << plan_ << ": " << fault << '\n';
    }
    if (faults.empty()) {
      out << plan_ << ": ok, step time " << FormatTime(report->step_time) << '\n';
    }
  }

  std::string plan_;
  ModelOptions model_;
  ProblemOptions problem_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeCheckCommand() { return std::make_unique<CheckCommand>(); }

}  // namespace placer
