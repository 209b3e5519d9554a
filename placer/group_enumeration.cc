#include "placer/group_enumeration.h"

#include <algorithm>
#include <string>
#include <vector>

#include "graphs/base/error.h"

namespace placer {
namespace {

constexpr std::size_t kBatch = 1024;  // keeps the runner's threads busy

std::int64_t CountPlacements(const Problem& problem, std::int64_t limit) {
  std::int64_t count = 1;
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    const auto choices = static_cast<std::int64_t>(problem.allowed_devices(GroupId(g)).size());
    if (count > limit / choices) {
      throw InputError("graph '" + problem.graph().name() +
                       "': " + std::to_string(problem.num_groups()) + " groups on " +
                       std::to_string(problem.num_devices()) +
                       " devices have too many placements to enumerate, expected at most " +
                       std::to_string(limit));
    }
    count *= choices;
  }
  return count;
}

/// The next placement in counting order. @return false after the last
bool Advance(const Problem& problem, std::vector<std::size_t>* digits, GroupPlacement* groups) {
  for (std::size_t g = digits->size(); g-- > 0;) {
    const auto allowed = problem.allowed_devices(GroupId(g));
    std::size_t& digit = (*digits)[g];
    digit = digit + 1 == allowed.size() ? 0 : digit + 1;
    (*groups)[g] = allowed[digit];
    if (digit != 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

EnumerationResult EnumerateGroupPlacements(const Problem& problem, std::int64_t limit) {
  if (problem.num_groups() == 0) {
    throw InputError("graph '" + problem.graph().name() +
                     "': 0 groups found, expected at least 1 to enumerate");
  }
  EnumerationResult result;
  result.placements = CountPlacements(problem, limit);
  std::vector<std::size_t> digits(problem.num_groups(), 0);
  GroupPlacement groups;
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    groups.push_back(problem.allowed_devices(GroupId(g)).front());
  }
  std::vector<GroupPlacement> batch;
  std::vector<Placement> expanded;
  std::vector<StepSummary> summaries(kBatch);
  for (bool more = true; more;) {
    batch.clear();
    expanded.clear();
    do {
      if (problem.separation().Holds(groups)) {
        batch.push_back(groups);
        expanded.push_back(problem.Expand(groups));
      }
      more = Advance(problem, &digits, &groups);
    } while (more && batch.size() < kBatch);
    problem.runner().RunBatch(expanded, std::span(summaries).first(batch.size()));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (result.optima == 0 || IsBetter(summaries[i], result.best)) {
        result.groups = batch[i];
        result.best = summaries[i];
        result.optima = 1;
      } else if (!IsBetter(result.best, summaries[i])) {
        ++result.optima;
      }
    }
  }
  return result;
}

}  // namespace placer
