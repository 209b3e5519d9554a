#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cost_model/device_list.h"
#include "experiments/execution.h"
#include "experiments/format.h"
#include "experiments/output_file.h"
#include "experiments/plan_facts.h"
#include "experiments/status_line.h"
#include "experiments/subcommand.h"
#include "experiments/table.h"
#include "graphs/base/error.h"
#include "runner/profiler.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kRowsShown = 12;

/// What the ops of one signature cost in a step, all of them together.
struct Cost {
  std::string signature, kind;
  Profile::OpTime time;
  std::int64_t ops = 0;
  [[nodiscard]] double seconds() const {
    return (time.idle.count > 0 ? time.idle.seconds : time.busy.seconds) * static_cast<double>(ops);
  }
};

std::vector<Cost> Costs(const Profile& profile, const Graph& graph) {
  std::map<std::string, std::int64_t> count;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    ++count[OpSignature(graph, OpId(i))];
  }
  std::vector<Cost> costs;
  for (const auto& [key, time] : profile.ops) {
    if (const auto found = count.find(key.first); found != count.end()) {
      costs.push_back({key.first, key.second, time, found->second});
    }
  }
  std::stable_sort(costs.begin(), costs.end(),
                   [](const Cost& a, const Cost& b) { return a.seconds() > b.seconds(); });
  return costs;
}

/// Time of all ops that were run both ways, busy / idle: how much devices slow each other down.
std::optional<double> Slowdown(const std::vector<Cost>& costs, const std::string& kind) {
  double busy = 0, idle = 0;
  for (const Cost& cost : costs) {
    if (cost.kind == kind && cost.time.busy.count > 0 && cost.time.idle.count > 0) {
      busy += cost.time.busy.seconds * static_cast<double>(cost.ops);
      idle += cost.time.idle.seconds * static_cast<double>(cost.ops);
    }
  }
  return idle > 0 ? std::optional(busy / idle) : std::nullopt;
}

class ProfileCommand final : public Subcommand {
 public:
  ProfileCommand()
      : Subcommand("profile", "execute a model and measure its ops and copies on devices here") {}

  void AddOptions(CLI::App& app) override {
    model_.AddTo(app);
    app.add_option("--devices", problem_.devices, "devices of this machine, as cpu:0,cpu:1")
        ->required();
    app.add_option("-o,--output", output_, "write the profile: .pb, .txtpb or .json")->required();
    app.add_option("--merge", merge_, "profiles whose measurements are added");
    app.add_option(
           "--placements", options_.placements,
           fmt::format("placements that keep all devices busy (default {})", options_.placements))
        ->check(CLI::PositiveNumber);
    app.add_option("--steps", options_.steps_per_placement,
                   fmt::format("steps recorded under each of them (default {})",
                               options_.steps_per_placement))
        ->check(CLI::PositiveNumber);
    app.add_option("--seed", options_.seed, "of the placements (default 1)");
    AddWorkerOptions(app, execution_);
    app.add_flag("--json", json_, "print one JSON object instead of tables");
  }

  ExitCode Run(const Console& console) override {
    CheckWritable(output_, {".pb", ".txtpb", ".json"});
    std::vector<Profile> others;  // before the work: a file that is cut off is told at once
    for (const std::string& path : merge_) {
      others.push_back(ReadProfile(path));
    }
    const std::unique_ptr<StepWorker> worker = StartWorker(model_, problem_, execution_, console);
    PrintWarnings(console.err, worker->warnings());
    const Cluster cluster = problem_.LoadTarget();
    Profile profile = Measure(*worker, cluster, console);
    profile.hardware = HardwareOf(cluster);
    for (std::size_t i = 0; i < others.size(); ++i) {
      try {
        profile.Merge(others[i]);
      } catch (const InputError& error) {
        throw error.In(merge_[i]);
      }
    }
    WriteProfile(profile, output_);
    if (json_) {
      console.out << ToJson(profile, worker->graph()).dump(2) << std::endl;
    } else {
      Print(console.out, profile, worker->graph());
    }
    return ExitCode::kDone;
  }

 private:
  [[nodiscard]] Profile Measure(StepWorker& worker, const Cluster& cluster,
                                const Console& console) const {
    StatusLine status(console, "profiling steps");
    return MeasureProfile(worker, cluster, options_,
                          [&](int done, int total) { status.Show(done, total); });
  }

  void Print(std::ostream& out, const Profile& profile, const Graph& graph) const {
    const std::vector<Cost> costs = Costs(profile, graph);
    Table ops({{"ops that take longest", Table::Align::kLeft},
               {"kind", Table::Align::kLeft},
               {"per step"},
               {"others idle"},
               {"others busy"}});
    for (std::size_t i = 0; i < std::min(costs.size(), kRowsShown); ++i) {
      const Cost& cost = costs[i];
      const auto time = [](const MeasuredMean& mean) {
        return mean.count > 0 ? FormatTime(Seconds(mean.seconds), TimeUnit::kMicroseconds) : "-";
      };
      ops.AddRow({cost.signature, cost.kind, std::to_string(cost.ops), time(cost.time.idle),
                  time(cost.time.busy)});
    }
    ops.Print(out);
    out << '\n';
    PrintCopies(out, profile);
    for (const auto& [kind, launch] : profile.launch_overheads) {
      out << fmt::format("\nLaunch overhead on {}: {}\n", kind,
                         FormatTime(Seconds(launch.seconds), TimeUnit::kMicroseconds));
      if (const auto slowdown = Slowdown(costs, kind)) {
        out << fmt::format("Ops on {} take {} while the other devices are busy\n", kind,
                           FormatChange(*slowdown - 1));
      }
    }
    out << fmt::format("{} signatures, {} sizes of copies\n\nWrote {}\n",
                       FormatCount(static_cast<std::int64_t>(profile.ops.size())),
                       FormatCount(static_cast<std::int64_t>(profile.copies.size())), output_);
  }

  static void PrintCopies(std::ostream& out, const Profile& profile) {
    Table copies({{"copies", Table::Align::kLeft}, {"size"}, {"time"}, {"speed"}, {"measured"}});
    const std::size_t stride = profile.copies.size() / kRowsShown + 1;
    std::size_t i = 0;
    for (const auto& [key, time] : profile.copies) {
      const auto& [from, to, bytes] = key;
      if (i++ % stride == 0) {
        copies.AddRow({from + " -> " + to, FormatBytes(bytes),
                       FormatTime(Seconds(time.seconds), TimeUnit::kMicroseconds),
                       time.seconds > 0 ? fmt::format("{:.2f} GB/s", static_cast<double>(bytes) /
                                                                         time.seconds * 1e-9)
                                        : "-",
                       FormatCount(time.count)});
      }
    }
    copies.Print(out);
  }

  [[nodiscard]] Json ToJson(const Profile& profile, const Graph& graph) const {
    const std::vector<Cost> costs = Costs(profile, graph);
    Json json = {{"output", output_},
                 {"hardware", profile.hardware},
                 {"signatures", profile.ops.size()},
                 {"copy_sizes", profile.copies.size()}};
    auto kinds = Json::array();
    for (const auto& [kind, launch] : profile.launch_overheads) {
      Json entry = {{"kind", kind}, {"launch_overhead_seconds", launch.seconds}};
      if (const auto slowdown = Slowdown(costs, kind)) {
        entry["busy_over_idle"] = *slowdown;
      }
      kinds.push_back(entry);
    }
    json["kinds"] = kinds;
    return json;
  }

  ModelOptions model_;
  ProblemOptions problem_;
  ExecutionOptions execution_;
  ProfilerOptions options_;
  std::string output_;
  std::vector<std::string> merge_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeProfileCommand() { return std::make_unique<ProfileCommand>(); }

}  // namespace placer
