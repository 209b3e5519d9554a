#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "experiments/format.h"
#include "experiments/headroom.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "experiments/table.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

struct TypeCount {
  std::string type;
  std::int64_t ops = 0, flops = 0, traffic_bytes = 0;
};

struct GraphTotals {
  std::int64_t ops = 0, tensors = 0, parameters = 0, parameter_bytes = 0, persistent_bytes = 0,
               flops = 0, traffic_bytes = 0, output_bytes = 0, groups = 0, colocation_classes = 0;
  std::vector<TypeCount> types;  ///< most flops first, then most traffic, then by name
};

GraphTotals CountGraph(const Graph& graph, const Grouping& grouping) {
  GraphTotals totals;
  totals.ops = static_cast<std::int64_t>(graph.num_ops());
  totals.tensors = static_cast<std::int64_t>(graph.num_tensors());
  totals.groups = static_cast<std::int64_t>(grouping.num_groups());
  totals.colocation_classes = static_cast<std::int64_t>(graph.num_colocation_classes());
  std::map<std::string, TypeCount> by_type;
  for (const Op& op : graph.ops()) {
    TypeCount& count = by_type[op.type];
    ++count.ops;
    count.flops += op.flops;
    count.traffic_bytes += op.traffic_bytes;
    totals.flops += op.flops;
    totals.traffic_bytes += op.traffic_bytes;
    totals.persistent_bytes += op.persistent_bytes;
    totals.parameters += op.role == OpRole::kParameter ? 1 : 0;
  }
  for (std::size_t t = 0; t < graph.num_tensors(); ++t) {
    const Tensor& tensor = graph.tensor(TensorId(t));
    const bool parameter = graph.op(tensor.producer).role == OpRole::kParameter;
    (parameter ? totals.parameter_bytes : totals.output_bytes) += tensor.held_bytes;
  }
  for (auto& [type, count] : by_type) {
    count.type = type;
    totals.types.push_back(count);
  }
  std::stable_sort(
      totals.types.begin(), totals.types.end(), [](const TypeCount& a, const TypeCount& b) {
        return a.flops != b.flops ? a.flops > b.flops : a.traffic_bytes > b.traffic_bytes;
      });
  return totals;
}

Json TotalsToJson(const Graph& graph, const GraphTotals& totals) {
  auto types = Json::array();
  for (const TypeCount& count : totals.types) {
    types.push_back({{"type", count.type},
                     {"ops", count.ops},
                     {"flops", count.flops},
                     {"traffic_bytes", count.traffic_bytes}});
  }
  return {{"name", graph.name()},
          {"fingerprint", FormatFingerprint(graph.fingerprint())},
          {"ops", totals.ops},
          {"tensors", totals.tensors},
          {"groups", totals.groups},
          {"colocation_classes", totals.colocation_classes},
          {"flops", totals.flops},
          {"traffic_bytes", totals.traffic_bytes},
          {"parameters", totals.parameters},
          {"parameter_bytes", totals.parameter_bytes},
          {"persistent_bytes", totals.persistent_bytes},
          {"activation_bytes", totals.output_bytes},
          {"types", types}};
}

void PrintTotals(std::ostream& out, const Graph& graph, const GraphTotals& totals) {
  out << graph.name() << " (" << FormatFingerprint(graph.fingerprint()) << ")\n"
      << "ops            " << FormatCount(totals.ops) << '\n'
      << "tensors        " << FormatCount(totals.tensors) << '\n'
      << "groups         " << FormatCount(totals.groups) << " (of "
      << FormatCount(totals.colocation_classes) << " co-location classes)\n"
      << "flops          " << FormatFlops(totals.flops) << '\n'
      << "memory traffic " << FormatBytes(totals.traffic_bytes) << '\n'
      << "parameters     " << FormatCount(totals.parameters) << ", "
      << FormatBytes(totals.parameter_bytes) << '\n'
      << "optimizer      " << FormatBytes(totals.persistent_bytes) << '\n'
      << "other tensors  " << FormatBytes(totals.output_bytes) << "\n\n";
  Table table({{"op type", Table::Align::kLeft}, {"ops"}, {"flops"}, {"share"}, {"traffic"}});
  for (const TypeCount& count : totals.types) {
    const double share = totals.flops == 0
                             ? 0
                             : static_cast<double>(count.flops) / static_cast<double>(totals.flops);
    table.AddRow({count.type, FormatCount(count.ops), FormatFlops(count.flops),
                  FormatPercent(share), FormatBytes(count.traffic_bytes)});
  }
  table.Print(out);
}

class InspectCommand final : public Subcommand {
 public:
  InspectCommand()
      : Subcommand("inspect", "what is in a model, and what a cluster can make of it") {}

  void AddOptions(CLI::App& app) override {
    model_.AddTo(app);
    problem_.AddClusterTo(app, /*required=*/false);
    problem_.AddGroupingTo(app);
    app.add_flag("--json", json_, "print one JSON object instead of tables");
  }

  ExitCode Run(const Console& console) override {
    LoadedModel model = model_.Load(console.stop);
    PrintWarnings(console.err, model.warnings);
    const Grouping grouping = problem_.Group(model.graph);
    const GraphTotals totals = CountGraph(model.graph, grouping);
    Json json = {{"model", TotalsToJson(model.graph, totals)}, {"warnings", model.warnings}};
    if (!json_) {
      PrintTotals(console.out, model.graph, totals);
    }
    if (!problem_.cluster.empty()) {
      const Workbench bench(std::move(model), problem_);
      const std::optional<SingleDevice> single = BestSingleDevice(bench);
      if (json_) {
        json["cluster"] = ClusterToJson(bench, single);
      } else {
        PrintCluster(console.out, bench, single);
      }
    }
    if (json_) {
      console.out << json.dump(2) << std::endl;
    }
    return ExitCode::kDone;
  }

 private:
  static HeadRoom Assess(const Workbench& bench, const std::optional<SingleDevice>& single) {
    return AssessHeadRoom(bench, single);
  }

  static Json ClusterToJson(const Workbench& bench, const std::optional<SingleDevice>& single) {
    const HeadRoom room = Assess(bench, single);
    Json json = ProblemToJson(bench);
    json.erase("warnings");
    json["work_over_critical_path"] = room.work_over_critical_path;
    json["head_room"] = room.statement;
    json["resident_bytes"] = bench.resident_bytes();
    json["capacity_bytes"] = bench.capacity_bytes();
    if (single) {
      json["best_single_device"] = {{"device", bench.cluster().device(single->device).name},
                                    {"step_time_seconds", ToSeconds(single->step_time).count()},
                                    {"gap_limit", bench.GapLimit(single->step_time)}};
    }
    return json;
  }

  static void PrintCluster(std::ostream& out, const Workbench& bench,
                           const std::optional<SingleDevice>& single) {
    const HeadRoom room = Assess(bench, single);
    out << "\nOn " << bench.cluster().name() << " (" << bench.cluster().num_devices()
        << " devices)\n"
        << "bound          " << FormatTime(bench.bound()) << " (" << bench.binding() << ")\n"
        << "critical path  " << FormatTime(bench.lower_bound().critical_path)
        << fmt::format("; work / critical path {:.2f}\n", room.work_over_critical_path)
        << "single device  ";
    if (single) {
      out << FormatTime(single->step_time) << " on " << bench.cluster().device(single->device).name
          << ", at most " << FormatPercent(bench.GapLimit(single->step_time))
          << " above the optimum\n";
    } else {
      out << "none can hold the model\n";
    }
    out << "resident       " << FormatBytes(bench.resident_bytes()) << " of "
        << FormatBytes(bench.capacity_bytes()) << " in all devices\n"
        << "head-room      "
        << (room.statement.empty() ? std::string("yes, nothing speaks against it") : room.statement)
        << '\n';
  }

  ModelOptions model_;
  ProblemOptions problem_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeInspectCommand() { return std::make_unique<InspectCommand>(); }

}  // namespace placer
