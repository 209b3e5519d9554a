#include "experiments/report/method_table.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <set>

#include "experiments/format.h"

namespace placer {
namespace {

constexpr const char* kYardstick = "annealing";

/// The trials that a row is made of: a seed that has not spent its budget does not compare with one
/// that has.
std::vector<ReportTrial> Counted(const ReportMethod& method) {
  std::vector<ReportTrial> complete;
  std::ranges::copy_if(method.trials, std::back_inserter(complete), &ReportTrial::complete);
  return complete.empty() ? method.trials : complete;
}

/// Over the complete seeds of both; nothing unless there are some, and all fit.
std::optional<Change> Versus(const ReportMethod& method, const ReportMethod& reference) {
  std::vector<double> times, references;
  for (const ReportTrial& trial : method.trials) {
    const auto at = std::ranges::find(reference.trials, trial.seed, &ReportTrial::seed);
    if (at == reference.trials.end() || !trial.complete || !at->complete) {
      continue;
    }
    if (!trial.feasible || !at->feasible) {
      return std::nullopt;
    }
    times.push_back(trial.step_time.count());
    references.push_back(at->step_time.count());
  }
  return times.empty() ? std::nullopt : std::optional(PairedChange(times, references));
}

template <typename Value>
double Mean(const std::vector<ReportTrial>& trials, Value value) {
  double sum = 0;
  for (const ReportTrial& trial : trials) {
    sum += value(trial);
  }
  return trials.empty() ? 0 : sum / static_cast<double>(trials.size());
}

ReportRow RowOf(const ReportProblem& problem, std::size_t index) {
  const std::vector<ReportTrial> trials = Counted(problem.methods[index]);
  std::vector<double> times;
  for (const ReportTrial& trial : trials) {
    if (trial.feasible) {
      times.push_back(trial.step_time.count());
    }
  }
  ReportRow row;
  row.method = index;
  row.trials = trials.size();
  row.feasible = times.size();
  if (!times.empty()) {
    row.step_seconds = Summarize(times);
    if (problem.bound_seconds && *problem.bound_seconds > 0) {
      row.gap_limit = row.step_seconds->mean / *problem.bound_seconds - 1;
    }
  }
  row.mean_samples = Mean(trials, [](const auto& t) { return static_cast<double>(t.samples); });
  row.mean_unique =
      Mean(trials, [](const auto& t) { return static_cast<double>(t.unique_samples); });
  row.mean_wall = Seconds(Mean(trials, [](const auto& t) { return t.wall.count(); }));
  return row;
}

/// "4,000 samples", "4,000 samples in 2.5 s"
std::string Describe(const ReportBudget& budget) {
  return FormatCount(budget.samples) + " samples" +
         (budget.seconds ? " in " + FormatWall(Seconds(*budget.seconds)) : "");
}

/// What `annealing` finds with the budget of the method; where there is one only, heuristics, which
/// do not spend it, compare with that.
std::optional<std::size_t> YardstickFor(const ReportMethod& method, const ReportProblem& problem) {
  std::vector<std::size_t> all;
  for (std::size_t m = 0; m < problem.methods.size(); ++m) {
    if (problem.methods[m].label != kYardstick) {
      continue;
    }
    if (problem.methods[m].budget == method.budget) {
      return m;
    }
    all.push_back(m);
  }
  return !method.uses_budget && all.size() == 1 ? std::optional(all.front()) : std::nullopt;
}

void AddBudgetsToLabels(ReportProblem& problem) {
  const bool differ = BudgetsOf(problem).size() > 1;
  std::map<std::string, std::set<ReportBudget>> budgets_of_label;
  for (const ReportMethod& method : problem.methods) {
    budgets_of_label[method.label].insert(method.budget);
  }
  for (ReportMethod& method : problem.methods) {
    if ((differ && method.uses_budget) || budgets_of_label[method.label].size() > 1) {
      method.label += ", " + Describe(method.budget);
    }
  }
}

void AddNotes(ReportProblem& problem) {
  std::set<std::set<Seed>> seeds;
  for (const ReportMethod& method : problem.methods) {
    std::set<Seed> own;
    std::size_t unfinished = 0;
    for (const ReportTrial& trial : method.trials) {
      own.insert(trial.seed);
      unfinished += trial.complete ? 0 : 1;
    }
    seeds.insert(own);
    if (unfinished > 0) {
      problem.notes.push_back(method.label + ": " + std::to_string(unfinished) + " of " +
                              std::to_string(method.trials.size()) + " seeds are not complete" +
                              (unfinished == method.trials.size()
                                   ? "; the table has what they have found so far"
                                   : " and not in the table"));
    }
  }
  if (const std::set<ReportBudget> budgets = BudgetsOf(problem); budgets.size() > 1) {
    std::string list;
    for (const ReportBudget& budget : budgets) {
      list += (list.empty() ? "" : ", ") + Describe(budget);
    }
    problem.notes.push_back("the methods were not given the same budget (" + list +
                            "): only rows of equal budgets compare, and vs annealing is against "
                            "annealing with the budget of the row");
  }
  if (seeds.size() > 1) {
    problem.notes.push_back(
        "the methods do not have the same seeds; differences are over the seeds that two have in "
        "common");
  }
}

}  // namespace

std::set<ReportBudget> BudgetsOf(const ReportProblem& problem) {
  std::set<ReportBudget> budgets;
  for (const ReportMethod& method : problem.methods) {
    if (method.uses_budget) {
      budgets.insert(method.budget);
    }
  }
  return budgets;
}

void FillMethodTable(ReportProblem& problem) {
  problem.rows.clear();
  problem.best_heuristic.reset();
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t m = 0; m < problem.methods.size(); ++m) {
    const ReportMethod& method = problem.methods[m];
    problem.rows.push_back(RowOf(problem, m));
    const ReportRow& row = problem.rows.back();
    if (!method.uses_budget && row.step_seconds && row.feasible == row.trials &&
        row.step_seconds->mean < best) {
      best = row.step_seconds->mean;
      problem.best_heuristic = m;
    }
  }
  for (ReportRow& row : problem.rows) {
    const ReportMethod& method = problem.methods[row.method];
    if (problem.best_heuristic) {
      row.vs_heuristic = Versus(method, problem.methods[*problem.best_heuristic]);
    }
    if (const auto yardstick = YardstickFor(method, problem)) {
      row.vs_annealing = Versus(method, problem.methods[*yardstick]);
    }
  }
  std::stable_sort(problem.rows.begin(), problem.rows.end(),
                   [](const ReportRow& a, const ReportRow& b) {
                     if (a.step_seconds.has_value() != b.step_seconds.has_value()) {
                       return a.step_seconds.has_value();
                     }
                     return a.step_seconds && a.step_seconds->mean < b.step_seconds->mean;
                   });
  AddBudgetsToLabels(problem);
  AddNotes(problem);
}

}  // namespace placer
