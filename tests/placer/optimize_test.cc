#include "placer/optimize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cost_model/cluster_io.h"
#include "graphs/base/error.h"
#include "graphs/zoo.h"
#include "placer/auto_placer.h"
#include "tests/support/test_devices.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using testing::HasSubstr;
using testing_support::CompleteCluster;
using testing_support::RandomDag;
using testing_support::RandomGraph;
using testing_support::TestProblem;

PlaceResult PlaceAuto(const Problem& problem, std::int64_t samples) {
  return MakeAutoPlacer()->Place({problem, {samples, {}}, 1, {}, {}, {}});
}

TEST(AutoPlacer, IsAtLeastAsGoodAsEveryQuickMethod) {
  for (const Seed seed : {1U, 2U, 3U}) {
    const TestProblem t(RandomDag(40, seed), CompleteCluster(3));
    const PlaceResult found = PlaceAuto(t.problem, 400);
    EXPECT_EQ(found.samples, 400);
    EXPECT_EQ(t.runner.Run(t.problem.Expand(*found.groups)).summary(), found.best);
    EXPECT_THAT(found.note, HasSubstr("found by "));
    for (const char* method : {"heft", "etf", "topological", "single_device", "scotch"}) {
      const PlaceResult alone =
          HeuristicPlacers().Make(method)->Place({t.problem, {400, {}}, 1, {}, {}, {}});
      EXPECT_FALSE(IsBetter(alone.best, found.best)) << method << ", seed " << seed;
    }
  }
}

TEST(AutoPlacer, KeepsToItsBudget) {
  const TestProblem t(RandomGraph(50, 9), CompleteCluster(3));
  for (const std::int64_t samples : {1, 2, 7, 30}) {
    const PlaceResult found = PlaceAuto(t.problem, samples);
    EXPECT_EQ(found.samples, samples);
    EXPECT_TRUE(found.groups.has_value());
  }
  const PlaceResult none = MakeAutoPlacer()->Place({t.problem, {1000, Seconds(0)}, 1, {}, {}, {}});
  EXPECT_FALSE(none.groups.has_value());
}

TEST(AutoPlacer, TellsTheProgressOfTheWhole) {
  const TestProblem t(RandomGraph(50, 9), CompleteCluster(3));
  std::vector<Progress> seen;
  const PlaceResult found = MakeAutoPlacer()->Place(
      {t.problem, {500, {}}, 1, {}, [&](const Progress& at) { seen.push_back(at); }, {}});
  ASSERT_FALSE(seen.empty());
  for (std::size_t i = 1; i < seen.size(); ++i) {
    EXPECT_GE(seen[i].samples, seen[i - 1].samples);
    EXPECT_FALSE(IsBetter(seen[i - 1].best, seen[i].best));
  }
  EXPECT_EQ(seen.back().samples, found.samples);
  EXPECT_EQ(seen.back().unique_samples, found.unique_samples);
  EXPECT_EQ(seen.back().best, found.best);
}

TEST(AutoPlacer, StopsWhenAsked) {
  const TestProblem t(RandomGraph(50, 9), CompleteCluster(3));
  std::stop_source stop;
  const PlaceResult found = MakeAutoPlacer()->Place({t.problem,
                                                     {1'000'000'000, {}},
                                                     1,
                                                     stop.get_token(),
                                                     [&](const Progress& at) {
                                                       if (at.samples > 20) {
                                                         stop.request_stop();
                                                       }
                                                     },
                                                     {}});
  EXPECT_TRUE(found.interrupted);
  EXPECT_TRUE(found.groups.has_value());
}

Workbench Bench() {
  return Workbench({MakeZooGraph("rnnlm?unroll=4"), {}}, MakeZooCluster("k80x2"));
}

TEST(Optimize, GivesThePlanThatItsStepTimeBelongsTo) {
  const Workbench bench = Bench();
  OptimizeOptions options;
  options.budget.samples = 100;
  options.seed = 7;
  const OptimizedPlan found = Optimize(bench, options);
  ASSERT_TRUE(found.fits());
  EXPECT_EQ(found.plan->method, "auto");
  EXPECT_EQ(found.plan->seed, 7U);
  const SimulatedStep step = Simulate(bench, *found.plan);
  EXPECT_DOUBLE_EQ(ToSeconds(step.report.step_time).count(), *found.plan->step_time_seconds);
  double last = 0;
  for (std::size_t op = 0; op < bench.graph().num_ops(); ++op) {
    EXPECT_EQ(std::isnan(step.start[op]), bench.graph().is_resident(OpId(op)));
    if (!std::isnan(step.end[op])) {
      EXPECT_LE(step.start[op], step.end[op]);
      last = std::max(last, step.end[op]);
    }
  }
  EXPECT_DOUBLE_EQ(last, *found.plan->step_time_seconds);
}

TEST(Optimize, ListsTheMethodsForAnUnknownOne) {
  OptimizeOptions options;
  options.method = "magic";
  const Workbench bench = Bench();
  try {
    static_cast<void>(Optimize(bench, options));
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("reinforce"));
    EXPECT_THAT(error.what(), HasSubstr("auto"));
  }
}

TEST(Simulate, RefusesWhatMayNotBe) {
  const Workbench bench = Bench();
  OptimizeOptions options;
  options.method = "heft";
  SavedPlacement plan = *Optimize(bench, options).plan;
  plan.device_of_op.back().second = "/tpu:0";
  EXPECT_THROW(static_cast<void>(Simulate(bench, plan)), InputError);
  plan.device_of_op.pop_back();
  EXPECT_THROW(static_cast<void>(Simulate(bench, plan)), InputError);
}

}  // namespace
}  // namespace placer
