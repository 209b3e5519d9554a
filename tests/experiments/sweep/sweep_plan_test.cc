#include "experiments/sweep/sweep_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/experiment_config.h"
#include "experiments/sweep/spec_parameter.h"
#include "experiments/sweep/sweep_run.h"
#include "graphs/base/error.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SweepPlanTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string Write(const std::string& axes, const std::string& base = "") const {
    return files_.dir.Write("s.txtpb", "base { model: \"" + files_.model + "\" cluster: \"" +
                                           files_.cluster + "\" method: \"annealing\" " + base +
                                           " }\noutput_dir: \"" + (files_.dir / "out").string() +
                                           "\"\n" + axes);
  }
  [[nodiscard]] std::vector<std::string> Trials(const std::string& axes,
                                                const std::string& base = "") const {
    std::vector<std::string> described;
    for (const SweepTrial& trial : ReadSweep(Write(axes, base)).trials) {
      described.push_back(Describe(trial.axes));
    }
    return described;
  }
  [[nodiscard]] std::string FaultOf(const std::string& axes, const std::string& base = "") const {
    try {
      static_cast<void>(ReadSweep(Write(axes, base)));
    } catch (const InputError& error) {
      return error.what();
    }
    return "no fault";
  }
  test::TestFiles files_;
};

TEST(SpecParameter, IsReadAndReplacedWhereItStands) {
  EXPECT_EQ(SpecParameter("zoo:nmt?batch=64&layers=2", "batch"), "64");
  EXPECT_EQ(SpecParameter("zoo:nmt", "batch"), "");
  EXPECT_EQ(WithSpecParameter("zoo:nmt", "batch", "8"), "zoo:nmt?batch=8");
  EXPECT_EQ(WithSpecParameter("zoo:nmt?batch=64&layers=2", "batch", "8"),
            "zoo:nmt?batch=8&layers=2");
  EXPECT_EQ(WithSpecParameter("zoo:nmt?batch=64&layers=2", "batch", ""), "zoo:nmt?layers=2");
  EXPECT_EQ(WithSpecParameter("zoo:nmt?layers=2", "batch", "8"), "zoo:nmt?layers=2&batch=8");
}

TEST(SpecParameter, IsOneParameter) {
  for (const char* value : {"8&layers=3", "8?layers=3", "&"}) {
    EXPECT_THROW(static_cast<void>(WithSpecParameter("zoo:nmt", "batch", value)), InputError)
        << value;
  }
}

TEST_F(SweepPlanTest, MultipliesAxesOutTheFirstSlowest) {
  EXPECT_THAT(Trials("axes { field: \"samples\" values: [\"10\", \"20\"] } axes { field: \"seed\" "
                     "range { from: 1 to: 2 } }"),
              ElementsAre("samples=10 seed=1", "samples=10 seed=2", "samples=20 seed=1",
                          "samples=20 seed=2"));
}

TEST_F(SweepPlanTest, SeedsOfTheBaseAreTrialsOfTheirOwn) {
  EXPECT_THAT(Trials("", "seeds: [4, 2]"), ElementsAre("seed=4", "seed=2"));
}

TEST_F(SweepPlanTest, ZippedFieldsMoveTogether) {
  EXPECT_THAT(Trials("axes { field: \"method\" values: [\"etf\", \"reinforce\"] zip { field: "
                     "\"preset\" values: [\"\", \"paper\"] } }"),
              ElementsAre("method=etf preset= seed=1", "method=reinforce preset=paper seed=1"));
}

TEST_F(SweepPlanTest, RangesHaveStepsAndFactors) {
  EXPECT_THAT(Trials("axes { field: \"samples\" range { from: 10 to: 45 factor: 2 } }"),
              ElementsAre("samples=10 seed=1", "samples=20 seed=1", "samples=40 seed=1"));
  EXPECT_THAT(Trials("axes { field: \"seconds\" range { from: 0.1 to: 0.3 step: 0.1 } }"),
              ElementsAre("seconds=0.1 seed=1", "seconds=0.2 seed=1", "seconds=0.3 seed=1"));
}

TEST_F(SweepPlanTest, ConditionsKeepAndLeaveOutTrials) {
  const std::string axes =
      "axes { field: \"method\" values: [\"annealing\", \"etf\"] } axes { field: \"samples\" "
      "values: [\"50\", \"2000\"] }";
  EXPECT_THAT(Trials(axes + "exclude: \"method=annealing && samples<1000\""),
              ElementsAre("method=annealing samples=2000 seed=1", "method=etf samples=50 seed=1",
                          "method=etf samples=2000 seed=1"));
  EXPECT_THAT(Trials(axes + "include: \"method=e*\" include: \"samples>=2000\" exclude: "
                            "\"method!=etf && groups=100\""),
              ElementsAre("method=etf samples=50 seed=1", "method=etf samples=2000 seed=1"));
}

TEST_F(SweepPlanTest, ParametersOfModelAndClusterAreAxes) {
  const std::string path = files_.dir.Write(
      "z.txtpb",
      "base { method: \"etf\" cluster: \"zoo:k80x2\" } output_dir: \"out\" axes { field: "
      "\"model.layers\" values: \"1\" } axes { field: \"model\" values: \"zoo:rnnlm\" } axes { "
      "field: \"cluster.links.bandwidth\" values: [\"1x\", \"2x\"] }");
  const SweepPlan plan = ReadSweep(path);
  ASSERT_EQ(plan.trials.size(), 2U);
  const ExperimentConfig config = ParseExperiment(plan.trials[1].config, "trial");
  EXPECT_EQ(config.model.model, "zoo:rnnlm?layers=1");
  EXPECT_EQ(config.problem.cluster, "zoo:k80x2?links.bandwidth=2x");
}

TEST_F(SweepPlanTest, AListTakesAnElementForEachLine) {
  const SweepPlan plan = ReadSweep(
      Write(R"(axes { field: "constraints.pin" values: ["left=a", "left=a\nright=b", ""] })"));
  ASSERT_EQ(plan.trials.size(), 3U);
  const auto pins = [&](std::size_t trial) {
    return ParseExperiment(plan.trials[trial].config, "trial").problem.constraints.pin.size();
  };
  EXPECT_EQ(pins(0), 1U);
  EXPECT_EQ(pins(1), 2U);
  EXPECT_EQ(pins(2), 0U);
}

TEST_F(SweepPlanTest, KeysChangeWithTheConfigAndWithTheFilesItNames) {
  const std::string path = Write("");
  const std::string key = ReadSweep(path).trials.at(0).key;
  EXPECT_EQ(ReadSweep(path).trials.at(0).key, key);
  EXPECT_NE(ReadSweep(Write("", "samples: 7")).trials.at(0).key, key);
  WriteGraph(test::TwoBranches("another"), files_.model);
  EXPECT_NE(ReadSweep(Write("")).trials.at(0).key, key);
  WriteGraph(test::TwoBranches(), files_.model);
  EXPECT_EQ(ReadSweep(Write("")).trials.at(0).key, key);
  WriteCluster(Cluster(test::ThroughHost()), files_.cluster);
  EXPECT_NE(ReadSweep(Write("")).trials.at(0).key, key);
}

TEST_F(SweepPlanTest, KeysChangeWithTheProfile) {
  const auto key = [&](const std::string& content) {
    const std::string profile = files_.dir.Write("profile.txtpb", content);
    return ReadSweep(Write("", "profile: \"" + profile + "\"")).trials.at(0).key;
  };
  const std::string first = key("one");
  EXPECT_EQ(key("one"), first);
  EXPECT_NE(key("two"), first);
}

TEST_F(SweepPlanTest, TrialsOfOneProblemKnowIt) {
  const SweepPlan plan = ReadSweep(
      Write("axes { field: \"groups\" values: [\"1\", \"2\"] } axes { field: \"method\" values: "
            "[\"etf\", \"annealing\"] }"));
  EXPECT_EQ(plan.trials[0].problem, plan.trials[1].problem);
  EXPECT_NE(plan.trials[1].problem, plan.trials[2].problem);
}

TEST_F(SweepPlanTest, LeavesOutWhatIsTheSameExperiment) {
  const SweepPlan plan = ReadSweep(Write("axes { field: \"samples\" values: [\"\", \"4000\"] }"));
  EXPECT_EQ(plan.trials.size(), 1U);
  EXPECT_EQ(plan.repeated, 1U);
}

TEST_F(SweepPlanTest, FaultsNameFileAndPlace) {
  const auto expect = [&](const std::string& axes, const std::string& part) {
    const std::string fault = FaultOf(axes);
    EXPECT_THAT(fault, HasSubstr(part));
    EXPECT_THAT(fault, HasSubstr("s.txtpb: "));
    EXPECT_EQ(fault.find('\n'), std::string::npos);
  };
  expect("axes { field: \"methd\" values: \"etf\" }", "axes[0].field: found 'methd', expected one");
  expect("axes { field: \"constraints\" values: \"x\" }", "constraints.NAME");
  expect("axes { field: \"method.name\" values: \"x\" }", "nothing behind method");
  expect("axes { field: \"output_dir\" values: \"x\" }", "axes[0].field: found 'output_dir'");
  expect("axes { field: \"samples\" values: [\"1\", \"many\"] }",
         "axes[0].values[1]: samples: found 'many', expected a whole number");
  expect("axes { field: \"training\" values: \"yes\" }", "expected true or false");
  expect("axes { field: \"samples\" }", "axes[0]: found none, expected values or a range");
  expect("axes { field: \"samples\" values: [\"1\", \"1\"] }", "the same value twice");
  expect("axes { field: \"seed\" values: \"1\" } axes { field: \"seeds\" values: \"2\" }",
         "axes[1].field: found 'seeds' twice");
  expect(
      "axes { field: \"method\" values: [\"etf\"] zip { field: \"samples\" values: [\"1\", "
      "\"2\"] } }",
      "axes[0].zip[0]: found 2 values, expected 1");
  expect("axes { field: \"samples\" range { from: 3 to: 1 } }", "ascending");
  expect("axes { field: \"samples\" range { from: 1 to: 1e12 } }", "fewer");
  expect("axes { field: \"method\" values: \"magic\" }", "trial method=magic: ");
  expect("axes { field: \"model.depth\" values: \"1\" }", "takes no parameters");
  expect("axes { field: \"model\" values: \"zoo:rnnlm?lyers=1\" }", "lyers");
  expect(
      "axes { field: \"model\" values: \"zoo:rnnlm\" } axes { field: \"model.batch\" values: "
      "\"8&layers=3\" }",
      "batch: found '8&layers=3', expected a value without & and ?");
  expect("include: \"method\"", "include[0]: found 'method', expected FIELD=VALUE");
  expect("exclude: \"samples<few\"", "exclude[0]: found 'samples<few', expected a number");
  expect("exclude: \"smples<3\"", "exclude[0]: found 'smples'");
  expect("exclude: \"samples>0\"", "leave none of 1 trials");
}

TEST(Shard, CountsFromZero) {
  EXPECT_EQ(ParseShard("2/3").index, 2U);
  EXPECT_EQ(ParseShard("2/3").count, 3U);
  for (const char* bad : {"3/3", "1", "", "-1/3", "0/0", "1/2x", "a/b"}) {
    EXPECT_THROW(static_cast<void>(ParseShard(bad)), InputError) << bad;
  }
}

}  // namespace
}  // namespace placer
