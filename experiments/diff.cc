#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "cost_model/placement_io.h"
#include "experiments/format.h"
#include "experiments/plan_facts.h"
#include "experiments/subcommand.h"
#include "experiments/table.h"
#include "experiments/workbench.h"
#include "graphs/base/error.h"
#include "placer/plan_diff.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

/// What a plan costs.
struct Cost {
  StepReport report;
  std::int64_t cut_bytes = 0;
};

struct Costs {
  Cluster cluster;
  Cost a, b;
};

double Change(std::int64_t from, std::int64_t to) {
  return from == 0 ? 0 : static_cast<double>(to) / static_cast<double>(from) - 1;
}

class DiffCommand final : public Subcommand {
 public:
  DiffCommand()
      : Subcommand("diff", "what changes from one plan to another: ops, bytes, memory, step time") {
  }

  void AddOptions(CLI::App& app) override {
    app.add_option("A", first_, "a plan")->required();
    app.add_option("B", second_, "another plan, for the same model or a changed one")->required();
    model_.AddTo(app);
    app.get_option("MODEL")->required(false)->description(
        "the model; with --cluster the change of bytes, memory and step time is told too");
    app.add_option("--model-a", model_a_, "the model of A, if it is another one");
    app.add_option("--batch-a", batch_a_, "the batch of A, if it is another one")
        ->check(CLI::PositiveNumber);
    problem_.AddClusterTo(app, /*required=*/false);
    problem_.AddSimulationTo(app);
    app.add_flag("--all", all_, "list every op that moved, not only the first of each kind");
    app.add_flag("--json", json_, "print one JSON object instead of tables");
  }

  ExitCode Run(const Console& console) override {
    const bool no_cluster = problem_.cluster.empty() && problem_.devices.empty();
    if (model_.model.empty() != no_cluster) {
      throw InputError(model_.model.empty() ? "diff: --cluster needs MODEL after A and B"
                                            : "diff: MODEL needs --cluster");
    }
    if (no_cluster && (!model_a_.empty() || batch_a_)) {
      throw InputError("diff: --model-a and --batch-a need MODEL and --cluster");
    }
    const SavedPlacement first = ReadPlacement(first_);
    const SavedPlacement second = ReadPlacement(second_);
    const PlanDifference difference = ComparePlans(first, second);
    std::optional<Costs> costs;
    if (!model_.model.empty()) {
      costs = Compare(first, second, console);
    }
    if (json_) {
      console.out << ToJson(difference, costs).dump(2) << std::endl;
      return ExitCode::kDone;
    }
    PrintMoves(console.out, difference);
    if (costs) {
      PrintCosts(console.out, *costs);
    }
    return ExitCode::kDone;
  }

 private:
  [[nodiscard]] Costs Compare(const SavedPlacement& first, const SavedPlacement& second,
                              const Console& console) const {
    const Cluster cluster = problem_.LoadTarget();
    const Workbench bench(model_.Load(console.stop), cluster, problem_);
    PrintWarnings(console.err, bench.warnings());
    if (model_a_.empty() && !batch_a_) {
      return {cluster, CostOf(bench, first, first_), CostOf(bench, second, second_)};
    }
    ModelSpec model = model_;
    model.model = model_a_.empty() ? model.model : model_a_;
    model.batch = batch_a_ ? batch_a_ : model.batch;
    const Workbench bench_a(model.Load(console.stop), cluster, problem_);
    PrintWarnings(console.err, bench_a.warnings());
    return {cluster, CostOf(bench_a, first, first_), CostOf(bench, second, second_)};
  }

  static Cost CostOf(const Workbench& bench, const SavedPlacement& saved, const std::string& path) {
    try {
      const Placement placement = Restore(saved, bench.graph(), bench.cluster());
      return {bench.runner().Run(placement), CutBytes(bench.graph(), placement)};
    } catch (const InputError& error) {
      throw error.In(path);
    }
  }

  void PrintMoves(std::ostream& out, const PlanDifference& difference) const {
    out << fmt::format("{} ops moved, {} stay, {} only in {}, {} only in {}\n",
                       FormatCount(static_cast<std::int64_t>(difference.moved.size())),
                       FormatCount(static_cast<std::int64_t>(difference.same)),
                       difference.only_in_first.size(), first_, difference.only_in_second.size(),
                       second_);
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> by_ends;
    for (const PlanDifference::Move& move : difference.moved) {
      by_ends[{move.from, move.to}].push_back(move.op);
    }
    if (!by_ends.empty()) {
      out << '\n';
      Table table({{"from", Table::Align::kLeft},
                   {"to", Table::Align::kLeft},
                   {"ops"},
                   {all_ ? "op" : "first op", Table::Align::kLeft}});
      for (const auto& [ends, ops] : by_ends) {
        table.AddRow({ends.first, ends.second, FormatCount(static_cast<std::int64_t>(ops.size())),
                      ops.front()});
        for (std::size_t i = 1; all_ && i < ops.size(); ++i) {
          table.AddRow({"", "", "", ops[i]});
        }
      }
      table.Print(out);
    }
    PrintOnly(out, first_, difference.only_in_first);
    PrintOnly(out, second_, difference.only_in_second);
  }

  void PrintOnly(std::ostream& out, const std::string& plan,
                 const std::vector<std::string>& ops) const {
    constexpr std::size_t kShown = 5;
    for (std::size_t i = 0; i < ops.size() && (all_ || i < kShown); ++i) {
      out << "only in " << plan << ": " << ops[i] << '\n';
    }
    if (!all_ && ops.size() > kShown) {
      out << "only in " << plan << ": and " << ops.size() - kShown << " more (--all)\n";
    }
  }

  static std::string TimeOf(const Cost& cost) {
    return FormatTime(cost.report.step_time) +
           (cost.report.outcome == StepOutcome::kOk ? "" : " (does not fit)");
  }

  static void PrintCosts(std::ostream& out, const Costs& costs) {
    const auto& [cluster, a, b] = costs;
    out << '\n';
    Table table({{"", Table::Align::kLeft}, {"A"}, {"B"}, {"change"}});
    table.AddRow({"step time", TimeOf(a), TimeOf(b),
                  FormatChange(Change(a.report.step_time.count(), b.report.step_time.count()))});
    table.AddRow({"bytes cut", FormatBytes(a.cut_bytes), FormatBytes(b.cut_bytes),
                  FormatChange(Change(a.cut_bytes, b.cut_bytes))});
    for (std::size_t d = 0; d < cluster.num_devices(); ++d) {
      table.AddRow({"peak memory " + cluster.devices()[d].name, FormatBytes(a.report.peak_bytes[d]),
                    FormatBytes(b.report.peak_bytes[d]),
                    FormatChange(Change(a.report.peak_bytes[d], b.report.peak_bytes[d]))});
    }
    table.Print(out);
  }

  static Json CostToJson(const Cluster& cluster, const Cost& cost) {
    Json memory = Json::object();
    for (std::size_t d = 0; d < cluster.num_devices(); ++d) {
      memory[cluster.devices()[d].name] = cost.report.peak_bytes[d];
    }
    return {{"feasible", cost.report.outcome == StepOutcome::kOk},
            {"step_time_seconds", ToSeconds(cost.report.step_time).count()},
            {"cut_bytes", cost.cut_bytes},
            {"peak_bytes", memory}};
  }

  static Json ToJson(const PlanDifference& difference, const std::optional<Costs>& costs) {
    Json moved = Json::array();
    for (const PlanDifference::Move& move : difference.moved) {
      moved.push_back({{"op", move.op}, {"from", move.from}, {"to", move.to}});
    }
    Json json = {{"same", difference.same},
                 {"moved", moved},
                 {"only_in_a", difference.only_in_first},
                 {"only_in_b", difference.only_in_second}};
    if (costs) {
      json["a"] = CostToJson(costs->cluster, costs->a);
      json["b"] = CostToJson(costs->cluster, costs->b);
    }
    return json;
  }

  std::string first_, second_, model_a_;
  std::optional<std::int64_t> batch_a_;
  ModelOptions model_;
  ProblemOptions problem_;
  bool all_ = false, json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeDiffCommand() { return std::make_unique<DiffCommand>(); }

}  // namespace placer
