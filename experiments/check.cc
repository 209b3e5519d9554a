#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "cost_model/placement_io.h"
#include "experiments/format.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "graphs/base/error.h"
#include "placer/constraints.h"

namespace placer {
namespace {

void CompareFingerprints(const SavedPlacement& saved, const Graph& graph, const Cluster* cluster,
                         std::vector<std::string>& faults) {
  if (saved.graph_fingerprint != 0 && saved.graph_fingerprint != graph.fingerprint()) {
    faults.push_back(fmt::format("made for another graph: found {} ({}), expected {} ({})",
                                 saved.graph_name, FormatFingerprint(saved.graph_fingerprint),
                                 graph.name(), FormatFingerprint(graph.fingerprint())));
  }
  if (cluster != nullptr && saved.cluster_fingerprint != 0 &&
      saved.cluster_fingerprint != cluster->fingerprint()) {
    faults.push_back(fmt::format("made for another cluster: found {} ({}), expected {} ({})",
                                 saved.cluster_name, FormatFingerprint(saved.cluster_fingerprint),
                                 cluster->name(), FormatFingerprint(cluster->fingerprint())));
  }
}

/// The saved plan against the graph, and the cluster if there is one, by name.
/// @return the devices that the plan names and the cluster has
KnownDevices CompareNames(const SavedPlacement& saved, const Graph& graph, const Cluster* cluster,
                          std::vector<std::string>& faults) {
  std::map<std::string_view, std::string_view> devices;
  for (const auto& [op, device] : saved.device_of_op) {
    if (!devices.emplace(op, device).second) {
      faults.push_back("op '" + op + "': placed twice");
    }
    if (!graph.FindOp(op)) {
      faults.push_back("op '" + op + "': not in the graph");
    }
    if (cluster != nullptr && !cluster->FindDevice(device)) {
      faults.push_back(fmt::format("op '{}': device '{}' is not in the cluster", op, device));
    }
  }
  KnownDevices device_of_op;
  for (const Op& op : graph.ops()) {
    const auto found = devices.find(op.name);
    device_of_op.push_back(found == devices.end() || cluster == nullptr
                               ? std::nullopt
                               : cluster->FindDevice(found->second));
    if (found == devices.end()) {
      faults.push_back("op '" + op.name + "': has no device");
    }
  }
  return device_of_op;
}

/// Without a cluster: ops that must share a device, by the names in the plan.
void CompareColocated(const SavedPlacement& saved, const Graph& graph,
                      std::vector<std::string>& faults) {
  std::map<std::uint32_t, std::pair<std::string, std::string>> first;
  for (const auto& [name, device] : saved.device_of_op) {
    const auto op = graph.FindOp(name);
    if (!op) {
      continue;
    }
    const auto [at, added] =
        first.try_emplace(graph.colocation_class(*op), std::pair(name, device));
    if (!added && at->second.second != device) {
      faults.push_back(
          fmt::format("op '{}': is on '{}', expected '{}', which it must share with op '{}'", name,
                      device, at->second.second, at->second.first));
    }
  }
}

class CheckCommand final : public Subcommand {
 public:
  CheckCommand() : Subcommand("check", "verify a plan: complete, allowed, co-located, fits") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("PLAN", plan_, "the plan, as written by optimize")->required();
    model_.AddTo(app);
    problem_.AddClusterTo(app, /*required=*/false);
    problem_.AddSimulationTo(app);
    problem_.AddConstraintsTo(app);
    app.add_flag("--json", json_, "print one JSON object instead of lines");
  }

  ExitCode Run(const Console& console) override {
    const SavedPlacement saved = ReadPlacement(plan_);
    std::vector<std::string> faults;
    std::optional<StepReport> report;
    if (problem_.cluster.empty() && problem_.devices.empty()) {
      if (!problem_.constraints.empty()) {
        throw InputError("check: constraints need --cluster");
      }
      const LoadedModel model = model_.Load(console.stop);
      PrintWarnings(console.err, model.warnings);
      CompareFingerprints(saved, model.graph, nullptr, faults);
      static_cast<void>(CompareNames(saved, model.graph, nullptr, faults));
      CompareColocated(saved, model.graph, faults);
    } else {
      report = CheckOnCluster(saved, console, faults);
    }
    Print(console.out, faults, report);
    return faults.empty() ? ExitCode::kDone : ExitCode::kCheckFailed;
  }

 private:
  /// @return the simulated step, if the model allows for one under this plan
  [[nodiscard]] std::optional<StepReport> CheckOnCluster(const SavedPlacement& saved,
                                                         const Console& console,
                                                         std::vector<std::string>& faults) const {
    // A runner refuses plans that break what it knows: it knows head-room alone, so that memory is
    // judged whatever else is broken.
    ProblemSpec judged = problem_;
    judged.constraints = {.headroom = problem_.constraints.headroom};
    const Workbench bench(model_.Load(console.stop), judged);
    PrintWarnings(console.err, bench.warnings());
    CompareFingerprints(saved, bench.graph(), &bench.cluster(), faults);
    const KnownDevices devices = CompareNames(saved, bench.graph(), &bench.cluster(), faults);
    const std::vector<std::string> broken =
        FindFaults(devices, ApplyConstraints(bench.graph(), bench.cluster(), problem_.constraints));
    faults.insert(faults.end(), broken.begin(), broken.end());
    const std::optional<Placement> placement = Complete(devices);
    if (!placement || !bench.Faults(*placement).empty()) {
      AddResidentShortages(bench, devices, faults);
      return std::nullopt;
    }
    StepReport report = bench.runner().Run(*placement);
    AddShortages(bench, report, faults);
    return report;
  }

  static std::optional<Placement> Complete(const KnownDevices& devices) {
    std::vector<DeviceId> all;
    for (const auto& device : devices) {
      if (!device) {
        return std::nullopt;
      }
      all.push_back(*device);
    }
    return Placement(std::move(all));
  }

  /// What can be said of memory without a simulated step.
  static void AddResidentShortages(const Workbench& bench, const KnownDevices& devices,
                                   std::vector<std::string>& faults) {
    const Cluster& cluster = bench.problem().cluster();  // less head-room
    std::vector<std::int64_t> bytes(cluster.num_devices(), 0);
    for (std::size_t i = 0; i < devices.size(); ++i) {
      if (devices[i]) {
        bytes[devices[i]->index()] += ResidentBytes(bench.graph(), OpId(i));
      }
    }
    for (std::size_t d = 0; d < bytes.size(); ++d) {
      const Device& device = cluster.device(DeviceId(d));
      if (bytes[d] > device.memory_bytes) {
        faults.push_back(fmt::format("device '{}': needs at least {}, has {}", device.name,
                                     FormatBytes(bytes[d]), FormatBytes(device.memory_bytes)));
      }
    }
  }

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
      out << plan_ << ": ok"
          << (report ? ", step time " + FormatTime(report->step_time)
                     : "; without --cluster devices and memory are not checked")
          << '\n';
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
