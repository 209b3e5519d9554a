// check, diff and apply, and the constraint flags of optimize.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cost_model/placement_io.h"
#include "experiments/experiment_config.h"
#include "tests/experiments/command_runner.h"
#include "tests/experiments/test_files.h"

namespace placer::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PlanCommandsTest : public testing::Test {
 protected:
  CommandResult Optimize(const std::string& output, std::vector<std::string> more) const {
    std::vector<std::string> args = {"optimize", files_.model, "--cluster", files_.cluster,
                                     "--method", "annealing",  "--samples", "200",
                                     "--space",  "ops",        "-o",        output};
    args.insert(args.end(), more.begin(), more.end());
    return RunPlacer(args);
  }
  [[nodiscard]] std::vector<std::string> Devices(const std::string& plan) const {
    std::vector<std::string> devices;
    for (const auto& [op, device] : ReadPlacement(plan).device_of_op) {
      devices.push_back(device);
    }
    return devices;
  }

  TestFiles files_;
  std::string other_ = (files_.dir / "other.txtpb").string();
};

TEST_F(PlanCommandsTest, ConstraintsShapeThePlan) {
  const auto result =
      Optimize(files_.plan, {"--pin", "first=b", "--pin", "last=b", "--apart", "left,right"});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::vector<std::string> devices = Devices(files_.plan);
  EXPECT_EQ(devices[0], "b");
  EXPECT_NE(devices[1], devices[2]);
  EXPECT_EQ(devices[3], "b");
  ASSERT_EQ(Optimize(files_.plan, {"--together", "*"}).code, 0);
  EXPECT_THAT(Devices(files_.plan), ElementsAre("a", "a", "a", "a"));
  // The plan is one for the model as it is: nothing else asks for the constraints.
  EXPECT_EQ(
      RunPlacer({"simulate", files_.model, "--placement", files_.plan, "--cluster", files_.cluster})
          .code,
      0);
}

TEST_F(PlanCommandsTest, ContradictionsAreBadInput) {
  const auto result = Optimize(files_.plan, {"--pin", "first=a", "--pin", "f*=b"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("constraints: op 'first' has no device left on cluster "
                                    "'two_devices': pin 'f*=b', pin 'first=a'"));
}

TEST_F(PlanCommandsTest, ConstraintsInAConfigAreThoseOfTheFlags) {
  const std::string config = files_.dir.Write(
      "e.txtpb", "model: \"" + files_.model + "\" cluster: \"" + files_.cluster +
                     "\" method: \"annealing\" samples: 50 output_dir: \"" +
                     (files_.dir / "run").string() +
                     "\" constraints { pin: \"first=b\" apart: \"left,right\" }\n");
  const ExperimentConfig read = ReadExperiment(config);
  EXPECT_THAT(read.problem.constraints.pin, ElementsAre("first=b"));
  const std::string again = files_.dir.Write("again.txtpb", ExperimentToText(read));
  EXPECT_EQ(ReadExperiment(again).problem.constraints, read.problem.constraints);
  ASSERT_EQ(RunPlacer({"train", config}).code, 0);
  const std::vector<std::string> devices = Devices((files_.dir / "run/placement.txtpb").string());
  EXPECT_EQ(devices[0], "b");
  EXPECT_NE(devices[1], devices[2]);
}

TEST_F(PlanCommandsTest, CheckHoldsAPlanAgainstConstraints) {
  ASSERT_EQ(Optimize(files_.plan, {"--together", "*"}).code, 0);
  const std::vector<std::string> check = {"check", files_.plan, files_.model, "--cluster",
                                          files_.cluster};
  EXPECT_EQ(RunPlacer(check).code, 0);
  std::vector<std::string> apart = check;
  apart.insert(apart.end(), {"--apart", "left,right"});
  const auto result = RunPlacer(apart);
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(Lines(result.out),
              ElementsAre(files_.plan + ": op 'right': is on 'a' with op 'left', expected another "
                                        "device (apart 'left,right')"));
}

TEST_F(PlanCommandsTest, CheckWorksWithoutACluster) {
  ASSERT_EQ(Optimize(files_.plan, {}).code, 0);
  const auto fine = RunPlacer({"check", files_.plan, files_.model});
  EXPECT_EQ(fine.code, 0) << fine.out;
  EXPECT_THAT(fine.out, HasSubstr("ok; without --cluster"));
  SavedPlacement plan = ReadPlacement(files_.plan);
  plan.device_of_op.erase(plan.device_of_op.begin());
  plan.device_of_op.emplace_back("nobody", "a");
  plan.graph_fingerprint += 1;
  WritePlacement(plan, files_.plan);
  const auto broken = RunPlacer({"check", files_.plan, files_.model});
  EXPECT_EQ(broken.code, 3);
  EXPECT_THAT(Lines(broken.out),
              ElementsAre(HasSubstr("made for another graph"), HasSubstr("op 'nobody': not in"),
                          HasSubstr("op 'first': has no device")));
}

TEST_F(PlanCommandsTest, DiffTellsWhatMovedAndWhatItCosts) {
  ASSERT_EQ(Optimize(files_.plan, {"--together", "*"}).code, 0);
  ASSERT_EQ(Optimize(other_, {"--pin", "right=b", "--pin", "*t=a", "--pin", "last=a"}).code, 2)
      << "right is pinned to both";
  ASSERT_EQ(Optimize(other_,
                     {"--pin", "right=b", "--pin", "left=a", "--pin", "last=a", "--pin", "first=a"})
                .code,
            0);
  const auto result =
      RunPlacer({"diff", files_.plan, other_, files_.model, "--cluster", files_.cluster, "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = result.json();
  EXPECT_EQ(json.at("same"), 3);
  EXPECT_EQ(json.at("moved").size(), 1U);
  EXPECT_EQ(json.at("moved").at(0).at("op"), "right");
  EXPECT_EQ(json.at("a").at("cut_bytes"), 0);
  EXPECT_EQ(json.at("b").at("cut_bytes"), 2) << "first's byte there, right's byte back";
  EXPECT_DOUBLE_EQ(json.at("a").at("step_time_seconds"), 220e-12);
  EXPECT_DOUBLE_EQ(json.at("b").at("step_time_seconds"), 142e-12);
  const auto text = RunPlacer({"diff", files_.plan, other_});
  EXPECT_EQ(text.code, 0);
  EXPECT_THAT(text.out, HasSubstr("1 ops moved, 3 stay"));
}

TEST_F(PlanCommandsTest, ApplyPutsAPlanOnAChangedModel) {
  ASSERT_EQ(Optimize(files_.plan,
                     {"--pin", "right=b", "--pin", "left=a", "--pin", "last=a", "--pin", "first=a"})
                .code,
            0);
  GraphBuilder builder("changed");
  const OpId first = builder.AddOp(ComputeOp("first", 10), {}, {Bytes(1)});
  const OpId right = builder.AddOp(ComputeOp("right", 100), {builder.Output(first)}, {Bytes(1)});
  builder.AddOp(ComputeOp("after_right", 100), {builder.Output(right)}, {Bytes(1)});
  const std::string changed = (files_.dir / "changed.txtpb").string();
  WriteGraph(std::move(builder).Build(), changed);
  const auto result = RunPlacer(
      {"apply", files_.plan, changed, "--cluster", files_.cluster, "-o", other_, "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json().at("kept"), 2);
  EXPECT_EQ(result.json().at("followed"), nlohmann::json({"after_right"}));
  EXPECT_EQ(result.json().at("dropped"), nlohmann::json({"left", "last"}));
  EXPECT_THAT(Devices(other_), ElementsAre("a", "b", "b"));
  EXPECT_EQ(RunPlacer({"check", other_, changed, "--cluster", files_.cluster}).code, 0);
}

}  // namespace
}  // namespace placer::test
