#include "experiments/report/baselines.h"

#include <algorithm>
#include <set>

#include "experiments/methods.h"
#include "experiments/progress.h"
#include "experiments/report/method_table.h"
#include "experiments/trials.h"

namespace placer {
namespace {

constexpr const char* kYardstick = "annealing";

/// For methods that do not spend it.
ReportBudget LargestBudget(const ReportProblem& problem) {
  ReportBudget largest{.samples = 1};
  for (const ReportMethod& method : problem.methods) {
    largest.samples = std::max(largest.samples, method.budget.samples);
  }
  return largest;
}

/// Methods without trials.
std::vector<ReportMethod> MethodsToRun(const ReportOptions& options, const PlacerRegistry& registry,
                                       const ReportProblem& problem) {
  std::vector<std::string> names;
  if (options.baselines) {
    names = *options.baselines;
  } else {
    names = registry.Names();
    std::erase_if(names,
                  [](const std::string& name) { return UsesBudget(name) && name != kYardstick; });
  }
  const std::set<ReportBudget> largest = {LargestBudget(problem)};
  const std::set<ReportBudget> given = BudgetsOf(problem);
  std::vector<ReportMethod> methods;
  for (const std::string& name : names) {
    const bool uses_budget = UsesBudget(name);
    for (const ReportBudget& budget : uses_budget && !given.empty() ? given : largest) {
      const auto is_it = [&](const ReportMethod& method) {
        return method.label == name && (!uses_budget || method.budget == budget);
      };
      if (std::ranges::none_of(problem.methods, is_it)) {
        methods.push_back({name, true, uses_budget, budget, {}});
      }
    }
  }
  return methods;
}

/// Of all methods there are, in order of their appearance.
std::vector<Seed> SeedsOf(const ReportProblem& problem) {
  std::vector<Seed> seeds;
  for (const ReportMethod& method : problem.methods) {
    for (const ReportTrial& trial : method.trials) {
      if (std::ranges::find(seeds, trial.seed) == seeds.end()) {
        seeds.push_back(trial.seed);
      }
    }
  }
  return seeds;
}

ReportTrial TrialOf(Seed seed, const PlaceResult& result) {
  ReportTrial trial;
  trial.seed = seed;
  trial.feasible = result.groups && result.best.outcome == StepOutcome::kOk;
  trial.step_time = ToSeconds(result.best.step_time);
  trial.samples = result.samples;
  trial.unique_samples = result.unique_samples;
  trial.wall = result.wall;
  trial.curve = CurveOf(result);
  return trial;
}

}  // namespace

std::vector<ComputedPlan> AddBaselines(const Workbench& bench, const ReportOptions& options,
                                       const Console& console, ReportProblem& problem) {
  const PlacerRegistry registry = AllPlacers();
  std::vector<ReportMethod> methods = MethodsToRun(options, registry, problem);
  const std::vector<Seed> seeds = SeedsOf(problem);
  if (seeds.empty()) {
    problem.notes.emplace_back("no seed has found a placement yet, and no baselines were computed");
    return {};
  }
  std::vector<TrialSpec> specs;
  for (const ReportMethod& method : methods) {
    for (const Seed seed : seeds) {
      Budget budget{method.budget.samples, std::nullopt};
      if (method.budget.seconds) {
        budget.seconds = Seconds(*method.budget.seconds);
      }
      specs.push_back({method.label, budget, seed, {}});
    }
  }
  TrialOptions trials;
  const bool timed = std::ranges::any_of(
      specs, [](const TrialSpec& spec) { return spec.budget.seconds.has_value(); });
  trials.jobs = timed ? 1 : options.jobs;  // or they would take time from each other
  if (timed) {
    problem.notes.emplace_back(
        "baselines with a limit in seconds had them on the machine of this "
        "report");
  }
  trials.stop = console.stop;
  ProgressMeter progress(console, "baselines");
  const std::vector<PlaceResult> results =
      RunTrials(bench.problem(), registry, specs, trials, progress);

  std::vector<ComputedPlan> plans;
  for (std::size_t m = 0; m < methods.size(); ++m) {
    const auto first = results.begin() + static_cast<std::ptrdiff_t>(m * seeds.size());
    const auto last = first + static_cast<std::ptrdiff_t>(seeds.size());
    if (std::any_of(first, last, [](const PlaceResult& result) { return result.interrupted; })) {
      problem.notes.push_back("baseline " + methods[m].label + " is left out: it was interrupted");
      continue;
    }
    ReportMethod& method = methods[m];
    const PlaceResult* best = nullptr;
    for (std::size_t s = 0; s < seeds.size(); ++s) {
      const PlaceResult& result = first[static_cast<std::ptrdiff_t>(s)];
      method.trials.push_back(TrialOf(seeds[s], result));
      if (method.trials.back().feasible && (best == nullptr || IsBetter(result.best, best->best))) {
        best = &result;
      }
    }
    if (best != nullptr) {
      plans.push_back({problem.methods.size(), seeds[static_cast<std::size_t>(best - &*first)],
                       ToSeconds(best->best.step_time), bench.problem().Expand(*best->groups)});
    }
    problem.methods.push_back(std::move(method));
  }
  return plans;
}

}  // namespace placer
