#include "experiments/paper/paper_run.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "cost_model/placement_io.h"
#include "experiments/experiment_run.h"
#include "experiments/format.h"
#include "experiments/picture/learning_curves.h"
#include "experiments/picture/placement_picture.h"
#include "experiments/picture/timeline.h"
#include "experiments/plan_facts.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

constexpr const char* kReinforce = "reinforce";

ModelOptions ModelOf(const PaperModel& model) {
  ModelOptions options;
  options.model = model.spec;
  return options;
}

ProblemOptions ProblemOf(const PaperModel& model, const PaperRow& row) {
  ProblemOptions options;
  options.cluster = "zoo:tf_k80x" + std::to_string(row.num_gpus);
  options.space = "scopes";
  options.max_groups = model.max_groups;
  return options;
}

std::string FolderOf(const std::string& method) {
  return method == kPaperPresetLabel ? "reinforce-paper-preset" : method;
}

PaperCell CellOf(std::string method, std::optional<double> paper_seconds,
                 const std::vector<nlohmann::ordered_json>& results) {
  PaperCell cell{std::move(method), paper_seconds, {}, results.size()};
  for (const auto& result : results) {
    if (result.at("feasible").get<bool>()) {
      cell.seconds.push_back(result.at("step_time_seconds").get<double>());
    }
    const auto count = static_cast<double>(results.size());
    cell.mean_samples += result.at("samples").get<double>() / count;
    cell.mean_unique += result.at("unique_samples").get<double>() / count;
    cell.mean_wall_seconds += result.at("wall_seconds").get<double>() / count;
  }
  return cell;
}

}  // namespace

PaperRun::PaperRun(const PaperModel& model, const PaperRow& row, const PaperOptions& options,
                   const Console& console)
    : options_(options),
      setting_{model, row},
      model_(ModelOf(model)),
      problem_(ProblemOf(model, row)),
      execution_(model_, problem_, {}, console) {
  setting_.num_ops = bench().graph().num_ops();
  setting_.num_groups = bench().problem().num_groups();
  setting_.bound_seconds = ToSeconds(bench().bound()).count();
}

std::vector<std::string> PaperRun::Methods() const {
  std::vector<std::string> methods = options_.methods;
  if (options_.paper_preset_seeds > 0) {
    methods.emplace_back(kPaperPresetLabel);
  }
  return methods;
}

std::optional<double> PaperRun::PaperSecondsOf(const std::string& method) const {
  const std::map<std::string, double> seconds = {{"scotch", setting_.row.scotch},
                                                 {"min_cut", setting_.row.min_cut},
                                                 {"expert", setting_.row.expert},
                                                 {kReinforce, setting_.row.reinforce}};
  const auto it = seconds.find(method);
  return it == seconds.end() ? std::nullopt : std::optional(it->second);
}

ExperimentConfig PaperRun::ConfigOf(const std::string& method) const {
  const bool paper_preset = method == kPaperPresetLabel;
  ExperimentConfig config;
  config.name = name() + " " + method;
  config.model = model_;
  config.problem = problem_;
  config.method.name = paper_preset ? kReinforce : method;
  if (Learns(config.method.name)) {
    config.method.preset = paper_preset ? "paper" : "default";
    if (!paper_preset) {
      config.method.options = options_.learning_options;
    }
  }
  config.samples = options_.samples;
  config.seeds.clear();
  for (Seed seed = 1; seed <= (paper_preset ? options_.paper_preset_seeds : options_.num_seeds);
       ++seed) {
    config.seeds.push_back(seed);
  }
  config.output_dir = options_.out / name() / FolderOf(method);
  return config;
}

PaperCell PaperRun::SingleDevice(const std::string& label, DeviceId device,
                                 std::optional<double> paper_seconds) const {
  PaperCell cell{label, paper_seconds, {}, 1, 1, 1};
  const StepReport report = bench().runner().Run(Placement(bench().graph().num_ops(), device));
  if (report.outcome == StepOutcome::kOk) {
    cell.seconds.push_back(ToSeconds(report.step_time).count());
  }
  return cell;
}

std::optional<PaperSetting> PaperRun::Run(const PlacerRegistry& registry, const Console& console) {
  PaperSetting setting = setting_;
  setting.cells.push_back(SingleDevice(kOneCpu, DeviceId(0), setting.model.cpu));
  setting.cells.push_back(SingleDevice(kOneGpu, DeviceId(1), setting.model.gpu));
  for (const std::string& method : Methods()) {
    const ExperimentConfig config = ConfigOf(method);
    const RunDirectory directory(config, /*resume=*/true);
    ExperimentRun run(config, registry, directory, execution_);
    run.RunSeeds(console, options_.jobs);
    static_cast<void>(run.WriteReport());
    if (console.stop.stop_requested()) {
      return std::nullopt;
    }
    setting.cells.push_back(CellOf(method, PaperSecondsOf(method), run.results()));
  }
  return setting;
}

std::optional<Placement> PaperRun::Best(const std::string& method) const {
  if (method == kOneCpu || method == kOneGpu) {
    return Placement(bench().graph().num_ops(), DeviceId(method == kOneCpu ? 0 : 1));
  }
  const std::filesystem::path path = options_.out / name() / FolderOf(method) / "placement.txtpb";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return std::nullopt;
  }
  return Restore(ReadPlacement(path), bench().graph(), bench().cluster());
}

void PaperRun::Draw(const PaperSetting& setting) const {
  const std::string title =
      std::string(setting.model.title) + " on " + std::to_string(setting.row.num_gpus) + " GPUs";
  std::vector<LearningSeries> series;
  std::vector<Baseline> baselines;
  for (const PaperCell& cell : setting.cells) {
    const bool draws_curve =
        cell.method == kPaperPresetLabel ||
        (cell.method != kOneCpu && cell.method != kOneGpu && UsesBudget(cell.method));
    if (draws_curve) {
      LearningSeries& added = series.emplace_back(LearningSeries{cell.method, {}});
      const RunDirectory directory(ConfigOf(cell.method), /*resume=*/true);
      for (std::size_t seed = 1; seed <= cell.trials; ++seed) {
        LearningCurve& curve = added.seeds.emplace_back();
        const auto result = directory.FinishedSeed(seed);
        for (const auto& point : result->at("curve")) {
          curve.push_back({point.at(0).get<std::int64_t>(), Seconds(point.at(1).get<double>())});
        }
      }
    } else if (const std::optional<Sample> sample = cell.sample()) {
      baselines.push_back({cell.method, Seconds(sample->mean)});
    }
  }
  const std::filesystem::path out = options_.out;
  ReplaceFile(out / (name() + "-curves.svg"), DrawLearningCurves(title, series, baselines));
  const std::optional<Placement> best = Best(kReinforce);
  if (!best) {
    return;
  }
  const PlanFacts facts = ExaminePlan(bench(), *best);
  const std::string found =
      title + ", found by reinforce: " + FormatTime(facts.report.step_time) + " per step";
  ReplaceFile(out / (name() + "-placement.svg"),
              DrawPlacement({bench().graph(), bench().problem().grouping(), bench().cluster(),
                             bench().costs(), *best},
                            found));
  ReplaceFile(out / (name() + "-timeline.svg"),
              DrawTimeline(bench().graph(), bench().cluster(), facts.trace, found));
}

}  // namespace placer
