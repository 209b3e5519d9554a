#include "experiments/report/report_builder.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cost_model/placement_io.h"
#include "experiments/headroom.h"
#include "experiments/picture/palette.h"
#include "experiments/plan_facts.h"
#include "experiments/report/baselines.h"
#include "experiments/report/method_table.h"
#include "experiments/report/plan_view.h"
#include "graphs/base/error.h"
#include "runner/step_worker.h"

namespace placer {
namespace {

// A plan with its timeline may take a megabyte of the page.
constexpr std::size_t kMaxPlans = 4;
// Of a page with several problems; each has one plan at least, as long as they are not too many.
constexpr std::size_t kMaxSharedPlans = 24, kMaxPlansOfPage = 40;

/// A placement to be shown, of one trial.
struct Candidate {
  std::size_t method = 0;
  Seed seed = 1;
  Seconds step_time{0};
  std::function<SavedPlacement()> stored;  ///< or else:
  std::optional<Placement> placement;
};

void Note(ReportProblem& problem, const Console& console, const std::string& text) {
  problem.notes.push_back(text);
  console.err << "placer: warning: " << text << '\n';
}

std::string WordsOf(const ModelSpec& model, const ProblemSpec& problem) {
  return model.model + " on " + (problem.devices.empty() ? problem.cluster : problem.devices);
}

/// nullptr, with a note, if the model or the cluster cannot be had any more.
std::unique_ptr<Workbench> OpenBench(const ExperimentConfig& config, const Console& console,
                                     ReportProblem& problem) {
  try {
    return std::make_unique<Workbench>(config.model.Load(), config.problem);
  } catch (const InputError& error) {
    Note(problem, console, std::string("the placement is not shown: ") + error.what());
  } catch (const WorkerError& error) {
    Note(problem, console, std::string("the placement is not shown: ") + error.what());
  }
  return nullptr;
}

/// A run whose step times the simulator made: only these compare with baselines made here.
bool IsSimulated(const ExperimentConfig& config) {
  return config.execution.Kind(config.model, config.problem) == RunnerKind::kSimulated;
}

/// @param method  label of what the source has
void AddSource(const ReportSource& source, const std::string& method, ReportProblem& problem) {
  auto at = std::ranges::find_if(
      problem.sources, [&source](const ReportSource& each) { return each.IsSameAs(source); });
  if (at == problem.sources.end()) {
    problem.sources.push_back({"", source.path, source.command, source.config, {}});
    at = std::prev(problem.sources.end());
  }
  at->method += (at->method.empty() ? "" : "; ") + method;
  for (const Environment& environment : source.environments) {
    if (std::ranges::find(at->environments, environment) == at->environments.end()) {
      at->environments.push_back(environment);
    }
  }
}

/// The runs of a sweep share their source. `runs` are the first methods of the problem.
void AddSources(const std::vector<const StoredRun*>& runs, ReportProblem& problem) {
  for (std::size_t m = 0; m < runs.size(); ++m) {
    for (const ReportSource& source : runs[m]->sources) {
      AddSource(source, problem.methods[m].label, problem);
    }
  }
}

void AddFacts(const Workbench& bench, ReportProblem& problem) {
  problem.name = bench.graph().name() + " on " + bench.cluster().name();
  problem.facts = ProblemToJson(bench);
  problem.bound_seconds = ToSeconds(bench.bound()).count();
  problem.device_colors = DeviceColors(bench.cluster());
  for (const Device& device : bench.cluster().devices()) {
    problem.device_names.push_back(device.name);
    problem.device_kinds.push_back(device.kind);
  }
}

/// @param measured  the step times of the methods were: they do not compare with simulated ones
void AddLines(const Workbench& bench, bool measured, ReportProblem& problem) {
  for (const ReportRow& row : problem.rows) {
    const ReportMethod& method = problem.methods[row.method];
    if (!method.uses_budget && row.step_seconds) {
      problem.lines.push_back({method.label, Seconds(row.step_seconds->mean)});
    }
  }
  const std::optional<SingleDevice> single = BestSingleDevice(bench);
  std::optional<Picoseconds> best;
  for (const ReportRow& row : problem.rows) {
    if (row.step_seconds && !measured) {
      const Picoseconds least = std::chrono::round<Picoseconds>(Seconds(row.step_seconds->min));
      best = best ? std::min(*best, least) : least;
    }
  }
  const HeadRoom room = AssessHeadRoom(bench, single, {StepTimeOf(single), best});
  problem.head_room = room.statement;
  if (single) {
    problem.facts["best_single_device"] = {
        {"device", bench.cluster().device(single->device).name},
        {"step_time_seconds", ToSeconds(single->step_time).count()}};
  }
  problem.facts["work_over_critical_path"] = room.work_over_critical_path;
}

/// The best trial of each run that left a plan.
std::vector<Candidate> StoredCandidates(const std::vector<const StoredRun*>& runs) {
  std::vector<Candidate> candidates;
  for (std::size_t m = 0; m < runs.size(); ++m) {
    const std::vector<ReportTrial>& trials = runs[m]->method.trials;
    std::optional<std::size_t> best;
    for (std::size_t t = 0; t < trials.size(); ++t) {
      if (trials[t].feasible && runs[m]->plans[t] &&
          (!best || trials[t].step_time < trials[*best].step_time)) {
        best = t;
      }
    }
    if (best) {
      candidates.push_back(
          {m, trials[*best].seed, trials[*best].step_time, runs[m]->plans[*best], {}});
    }
  }
  return candidates;
}

/// The best plan that a baseline found, if it beats all that is stored.
void AddComputedCandidate(std::vector<ComputedPlan> computed, std::vector<Candidate>& candidates) {
  std::optional<Candidate> best;
  for (ComputedPlan& plan : computed) {
    if (!best || plan.step_time < best->step_time) {
      best = Candidate{plan.method, plan.seed, plan.step_time, {}, std::move(plan.placement)};
    }
  }
  const bool beaten =
      best && std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& candidate) {
        return candidate.step_time <= best->step_time;
      });
  if (best && !beaten) {
    candidates.push_back(std::move(*best));
  }
}

/// The best `max_plans` of them.
void AddPlans(const Workbench& bench, std::vector<Candidate> candidates, std::size_t max_plans,
              const Console& console, ReportProblem& problem) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const auto& a, const auto& b) { return a.step_time < b.step_time; });
  std::size_t tried = 0;
  while (tried < candidates.size() && problem.plans.size() < max_plans) {
    const Candidate& candidate = candidates[tried++];
    try {
      ReportPlan plan = ViewPlan(
          bench, candidate.placement ? *candidate.placement
                                     : Restore(candidate.stored(), bench.graph(), bench.cluster()));
      plan.method = candidate.method;
      plan.seed = candidate.seed;
      plan.label =
          problem.methods[candidate.method].label + ", seed " + std::to_string(candidate.seed);
      problem.plans.push_back(std::move(plan));
    } catch (const InputError& error) {
      Note(problem, console,
           "the plan of " + problem.methods[candidate.method].label +
               " is not shown: " + error.what());
    }
  }
  const std::size_t shown = problem.plans.size();
  if (const std::size_t of = std::min(shown + candidates.size() - tried, kMaxPlans); shown < of) {
    problem.notes.push_back(std::to_string(shown) + " of " + std::to_string(of) +
                            (shown == 1 ? " plans is" : " plans are") +
                            " shown, as this page has many problems: a report of the runs on this "
                            "problem alone has them all");
  }
}

ReportProblem BuildProblem(const std::vector<const StoredRun*>& runs, std::size_t max_plans,
                           const ReportOptions& options, const Console& console) {
  const ExperimentConfig& config = runs.front()->config;
  ReportProblem problem;
  problem.name = WordsOf(config.model, config.problem);
  for (const StoredRun* run : runs) {
    problem.methods.push_back(run->method);
  }
  const std::unique_ptr<Workbench> bench = OpenBench(config, console, problem);
  if (bench == nullptr) {
    FillMethodTable(problem);
    AddSources(runs, problem);
    return problem;
  }
  AddFacts(*bench, problem);
  std::vector<Candidate> candidates = StoredCandidates(runs);
  if (!IsSimulated(config)) {
    problem.notes.emplace_back(
        "the step times of the methods were measured; bound, best single device, timeline and "
        "memory "
        "are simulated, and no baselines were computed");
  } else if (!options.baselines || !options.baselines->empty()) {
    AddComputedCandidate(AddBaselines(*bench, options, console, problem), candidates);
  }
  FillMethodTable(problem);
  AddSources(runs, problem);
  AddLines(*bench, !IsSimulated(config), problem);
  if (max_plans > 0) {
    problem.graph = ViewGraph(*bench);
  }
  AddPlans(*bench, std::move(candidates), max_plans, console, problem);
  return problem;
}

}  // namespace

std::size_t PlansOfNextProblem(std::size_t shown, std::size_t problems_left) noexcept {
  if (shown >= kMaxPlansOfPage) {
    return 0;
  }
  const std::size_t room = shown < kMaxSharedPlans ? kMaxSharedPlans - shown : 0;
  return std::clamp(room / std::max<std::size_t>(problems_left, 1), std::size_t{1}, kMaxPlans);
}

ReportModel BuildReport(const std::vector<StoredRun>& runs, const ReportOptions& options,
                        const Console& console) {
  std::vector<std::pair<std::string, std::vector<const StoredRun*>>> problems;
  for (const StoredRun& run : runs) {
    const std::string key = ProblemKey(run.config);
    auto at = std::ranges::find(problems, key, &decltype(problems)::value_type::first);
    if (at == problems.end()) {
      problems.push_back({key, {}});
      at = std::prev(problems.end());
    }
    at->second.push_back(&run);
  }
  ReportModel model;
  std::size_t shown = 0;
  for (const auto& [key, members] : problems) {
    const std::size_t left = problems.size() - model.problems.size();
    model.problems.push_back(
        BuildProblem(members, PlansOfNextProblem(shown, left), options, console));
    shown += model.problems.back().plans.size();
  }
  model.title = runs.size() == 1 ? runs.front().config.name + ": " + model.problems.front().name
                : model.problems.size() == 1
                    ? model.problems.front().name
                    : std::to_string(runs.size()) + " runs on " +
                          std::to_string(model.problems.size()) + " problems";
  model.environment = ThisEnvironment();
  return model;
}

}  // namespace placer
