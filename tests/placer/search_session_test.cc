#include "placer/search_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "graphs/base/error.h"
#include "tests/support/fake_runner.h"
#include "tests/support/test_problem.h"

namespace placer {
namespace {

using testing::HasSubstr;
using testing_support::CompleteCluster;
using testing_support::FakeRunner;
using testing_support::RandomDag;

/// Four groups on three devices. The step takes 100 minus the number of groups on the last device;
/// with all there it does not fit.
class SearchSessionTest : public testing::Test {
 protected:
  static StepSummary Judge(const Placement& placement) {
    StepSummary summary{StepOutcome::kOk, Picoseconds(100), 0};
    int last = 0;
    for (const DeviceId device : placement.device_of_op()) {
      last += device == DeviceId(2) ? 1 : 0;
    }
    summary.step_time -= Picoseconds(last);
    if (last == 4) {
      summary.outcome = StepOutcome::kOutOfMemory;
      summary.excess_bytes = 10;
    }
    return summary;
  }
  static GroupPlacement On(std::size_t a, std::size_t b, std::size_t c) {
    return {DeviceId(0), DeviceId(a), DeviceId(b), DeviceId(c)};  // the first op is tied to d0
  }
  [[nodiscard]] PlaceRequest Request(std::int64_t samples) const {
    return {problem, {samples, {}}, 1, {}, {}, {}};
  }

  Graph graph = RandomDag(4, 1);
  Cluster cluster = CompleteCluster(3);
  CostModel costs{graph, cluster};
  FakeRunner runner{graph, cluster, Judge};
  Problem problem{costs, runner, GroupByColocation(graph)};
};

TEST_F(SearchSessionTest, KeepsTheBestAndItsCurve) {
  const PlaceRequest request = Request(10);
  SearchSession session(request);
  EXPECT_FALSE(session.has_best());
  EXPECT_EQ(session.Evaluate(On(0, 0, 0))->step_time, Picoseconds(100));
  EXPECT_EQ(session.Evaluate(On(2, 0, 0))->step_time, Picoseconds(99));
  EXPECT_EQ(session.Evaluate(On(0, 0, 1))->step_time, Picoseconds(100));
  EXPECT_EQ(session.Evaluate(On(2, 2, 2))->step_time, Picoseconds(97));
  EXPECT_EQ(session.Evaluate(On(2, 0, 0))->step_time, Picoseconds(99));  // seen before: a sample
  EXPECT_EQ(session.samples(), 5);
  EXPECT_EQ(session.unique_samples(), 4);
  EXPECT_EQ(session.samples_left(), 5);
  EXPECT_DOUBLE_EQ(session.spent(), 0.5);
  EXPECT_TRUE(session.seen(On(0, 0, 1)));
  EXPECT_FALSE(session.seen(On(0, 1, 0)));
  const PlaceResult result = std::move(session).Finish("note");
  EXPECT_EQ(result.groups, On(2, 2, 2));
  EXPECT_EQ(result.best.step_time, Picoseconds(97));
  ASSERT_EQ(result.curve.size(), 4U);
  EXPECT_EQ(result.curve[1].samples, 2);
  EXPECT_EQ(result.curve[2].samples, 4);
  EXPECT_EQ(result.curve[3].samples, 5);
  EXPECT_EQ(result.curve[3].best, result.best);
  EXPECT_EQ(result.note, "note");
  EXPECT_FALSE(result.interrupted);
}

TEST_F(SearchSessionTest, StopsAtTheBudget) {
  const PlaceRequest request = Request(2);
  SearchSession session(request);
  EXPECT_TRUE(session.Evaluate(On(0, 0, 0)));
  EXPECT_TRUE(session.Evaluate(On(0, 0, 0)));
  EXPECT_TRUE(session.exhausted());
  EXPECT_FALSE(session.Evaluate(On(2, 2, 0)));
  EXPECT_EQ(session.samples(), 2);
  EXPECT_EQ(session.best().step_time, Picoseconds(100));
}

TEST_F(SearchSessionTest, EvaluatesOnlyTheFrontOfALargeBatch) {
  const PlaceRequest request = Request(101);
  SearchSession session(request);
  ASSERT_TRUE(session.Evaluate(On(0, 0, 0)));
  std::vector<GroupPlacement> batch(150, On(1, 1, 1));
  batch[99] = On(2, 0, 0);
  batch[100] = On(2, 2, 0);  // the first one beyond the budget
  std::vector<StepSummary> summaries(150);
  EXPECT_EQ(session.EvaluateBatch(batch, summaries), 100U);
  EXPECT_EQ(session.best_groups(), On(2, 0, 0));
  EXPECT_EQ(summaries[98].step_time, Picoseconds(100));
  EXPECT_EQ(summaries[99].step_time, Picoseconds(99));
  EXPECT_EQ(summaries[100], StepSummary());
  EXPECT_EQ(session.samples(), 101);
  EXPECT_EQ(session.unique_samples(), 3);
}

TEST_F(SearchSessionTest, RefusesADeviceThatAGroupMayNotUse) {
  const PlaceRequest request = Request(10);
  SearchSession session(request);
  GroupPlacement wrong = On(0, 0, 0);
  wrong[0] = DeviceId(1);
  EXPECT_THROW(session.Evaluate(wrong), std::logic_error);
  wrong[0] = DeviceId(3);  // no such device
  EXPECT_THROW(session.Evaluate(wrong), std::logic_error);
  EXPECT_THROW(session.Evaluate(GroupPlacement(3)), std::logic_error);
  EXPECT_EQ(session.samples(), 0);
  EXPECT_EQ(session.Evaluate(On(2, 0, 0))->step_time, Picoseconds(99));  // and goes on
}

TEST_F(SearchSessionTest, KnowsItsStateBeforeTheLastBatch) {
  const PlaceRequest request = Request(100);
  SearchSession session(request);
  std::vector<StepSummary> summaries(3);
  session.EvaluateBatch(std::vector{On(0, 0, 0), On(2, 0, 0)}, summaries);
  const std::string state = session.SaveState();
  EXPECT_EQ(session.BeforeLastBatch().SaveState(), SearchSession(request).SaveState());
  // One that is new and better, one that is known, one that is new.
  session.EvaluateBatch(std::vector{On(2, 2, 0), On(2, 0, 0), On(1, 0, 0)}, summaries);
  EXPECT_NE(session.SaveState(), state);
  EXPECT_EQ(session.BeforeLastBatch().SaveState(), state);
}

TEST_F(SearchSessionTest, AbsorbedPlacementsAreKnown) {
  const PlaceRequest request = Request(100);
  PlaceRequest part = request;
  part.keep_hashes = true;
  SearchSession other(part);
  other.Evaluate(On(0, 0, 0));
  other.Evaluate(On(2, 0, 0));
  SearchSession session(request);
  session.Evaluate(On(0, 0, 0));
  session.Absorb(std::move(other).Finish());
  EXPECT_EQ(session.samples(), 3);
  EXPECT_EQ(session.unique_samples(), 2);
  EXPECT_TRUE(session.seen(On(2, 0, 0)));
  EXPECT_EQ(session.best_groups(), On(2, 0, 0));
  EXPECT_TRUE(std::move(session).Finish().hashes.empty());  // nobody asked for them
}

TEST_F(SearchSessionTest, StopsWhenAsked) {
  std::stop_source stop;
  PlaceRequest request = Request(10);
  request.stop = stop.get_token();
  SearchSession session(request);
  EXPECT_TRUE(session.Evaluate(On(0, 0, 0)));
  stop.request_stop();
  EXPECT_FALSE(session.Evaluate(On(0, 0, 0)));
  const PlaceResult result = std::move(session).Finish();
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(result.samples, 1);
  EXPECT_EQ(result.groups, On(0, 0, 0));
}

TEST_F(SearchSessionTest, StopsWhenTimeIsUp) {
  PlaceRequest request = Request(10);
  request.budget.seconds = Seconds(0);
  SearchSession session(request);
  EXPECT_TRUE(session.exhausted());
  EXPECT_DOUBLE_EQ(session.spent(), 1);
  const PlaceResult result = std::move(session).Finish();
  EXPECT_EQ(result.groups, std::nullopt);
  EXPECT_TRUE(result.curve.empty());
  EXPECT_FALSE(result.interrupted);
}

TEST_F(SearchSessionTest, TellsProgressAtTheEnd) {
  std::vector<Progress> told;
  PlaceRequest request = Request(1000);
  request.progress = [&](const Progress& progress) { told.push_back(progress); };
  SearchSession session(request);
  for (int i = 0; i < 1000; ++i) {
    session.Evaluate(On(1, 0, 0));
  }
  const PlaceResult result = std::move(session).Finish();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().samples, 1000);
  EXPECT_EQ(told.back().best, result.best);
  EXPECT_EQ(told.back().unique_samples, 1);
  // Ten times a second at most, and once at the end.
  EXPECT_LE(static_cast<double>(told.size()), result.wall.count() * 10 + 1);
}

TEST_F(SearchSessionTest, PlaceRefusesImpossibleRequests) {
  class Nothing final : public Placer {
    [[nodiscard]] PlaceResult DoPlace(const PlaceRequest&) const override { return {}; }
  };
  const auto error_of = [&](const PlaceRequest& request) -> std::string {
    try {
      (void)Nothing().Place(request);
    } catch (const InputError& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_EQ(error_of(Request(1)), "no error");
  EXPECT_THAT(error_of(Request(0)), HasSubstr("samples is 0, expected at least 1"));
  PlaceRequest request = Request(1);
  request.budget.seconds = Seconds(-1);
  EXPECT_THAT(error_of(request), HasSubstr("seconds is -1"));
  request.budget.seconds = Seconds(std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(error_of(request), HasSubstr("expected a number"));

  const Graph empty;
  const CostModel no_costs(empty, cluster);
  const FakeRunner idle(empty, cluster, Judge);
  const Problem nothing(no_costs, idle, GroupByColocation(empty));
  EXPECT_THAT(error_of({nothing, {1, {}}, 1, {}, {}, {}}), HasSubstr("0 ops found"));
}

}  // namespace
}  // namespace placer
