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

/// A plan of a model with 2 MB of weights, on devices of 1 MB, that is wrong in every way at once.
class EveryFaultTest : public testing::Test {
 protected:
  static Graph Model() {
    GraphBuilder builder("model");
    const OpId weights =
        builder.AddOp(ComputeOp("weights", 0, OpRole::kParameter), {}, {Bytes(2'000'000)});
    Op picky = ComputeOp("picky", 1), tied = ComputeOp("tied", 1), too = ComputeOp("too", 1);
    picky.allowed_devices = {"b"};
    tied.colocation_group = too.colocation_group = "pair";
    for (const Op& op : {picky, tied, too, ComputeOp("left", 1), ComputeOp("right", 1),
                         ComputeOp("pinned", 1), ComputeOp("lost", 1)}) {
      builder.AddOp(op, {builder.Output(weights)}, {});
    }
    return std::move(builder).Build();
  }

  [[nodiscard]] CommandResult Check(std::vector<std::pair<std::string, std::string>> devices,
                                    std::uint64_t fingerprint) const {
    SavedPlacement plan;
    plan.graph_name = "older";
    plan.graph_fingerprint = fingerprint;
    plan.device_of_op = std::move(devices);
    WritePlacement(plan, files_.plan);
    return RunPlacer({"check", files_.plan, files_.model, "--cluster", files_.cluster, "--pin",
                      "pinned=b", "--apart", "left,right", "--headroom", "a=250kB"});
  }

  TestFiles files_{Model(), TwoDevices()};
};

TEST_F(EveryFaultTest, KindsDoNotHideEachOther) {
  const auto result = Check({{"weights", "a"},
                             {"picky", "a"},
                             {"tied", "a"},
                             {"too", "b"},
                             {"left", "b"},
                             {"right", "b"},
                             {"pinned", "a"},
                             {"nobody", "c"}},
                            1);
  EXPECT_EQ(result.code, 3) << result.err;
  const std::string plan = files_.plan + ": ";
  EXPECT_THAT(
      Lines(result.out),
      ElementsAre(HasSubstr(plan + "made for another graph: found older (0000000000000001)"),
                  plan + "op 'nobody': not in the graph",
                  plan + "op 'nobody': device 'c' is not in the cluster",
                  plan + "op 'lost': has no device",
                  plan + "op 'picky': is on 'a', expected one of 'b'",
                  plan + "op 'too': is on 'b', expected 'a', which it must share with op 'tied'",
                  plan + "op 'pinned': is on 'a', expected one of 'b'",
                  plan + "op 'right': is on 'b' with op 'left', expected another device (apart "
                         "'left,right')",
                  plan + "device 'a': needs at least 2.00 MB, has 750.00 kB"));
}

/// What only constraints forbid can be simulated: memory is that of a step.
TEST_F(EveryFaultTest, BrokenConstraintsDoNotHideMemory) {
  const auto result = Check({{"weights", "b"},
                             {"picky", "b"},
                             {"tied", "a"},
                             {"too", "a"},
                             {"left", "b"},
                             {"right", "b"},
                             {"pinned", "a"},
                             {"lost", "b"}},
                            Model().fingerprint());
  EXPECT_EQ(result.code, 3) << result.err;
  const std::string plan = files_.plan + ": ";
  EXPECT_THAT(Lines(result.out),
              ElementsAre(plan + "op 'pinned': is on 'a', expected one of 'b'",
                          plan + "op 'right': is on 'b' with op 'left', expected another device "
                                 "(apart 'left,right')",
                          plan + "device 'a': needs 2.00 MB, has 750.00 kB",
                          plan + "device 'b': needs 2.00 MB, has 1.00 MB"));
}

TEST_F(EveryFaultTest, NoneIsLeftOut) {
  std::vector<std::pair<std::string, std::string>> devices;
  for (int i = 0; i < 100; ++i) {
    devices.emplace_back("gone" + std::to_string(i), "a");
  }
  EXPECT_EQ(Lines(Check(devices, 0).out).size(), 108U) << "and eight ops have no device";
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

/// TwoBranches with the left branch gone, an op behind the right one, and one beside it all; and a
/// plan for TwoBranches with only the right branch on b.
class ChangedModelTest : public PlanCommandsTest {
 protected:
  ChangedModelTest() {
    EXPECT_EQ(Optimize(files_.plan, {"--pin", "right=b", "--pin", "left=a", "--pin", "last=a",
                                     "--pin", "first=a"})
                  .code,
              0);
    GraphBuilder builder("changed");
    const OpId first = builder.AddOp(ComputeOp("first", 10), {}, {Bytes(1)});
    const OpId right = builder.AddOp(ComputeOp("right", 100), {builder.Output(first)}, {Bytes(1)});
    builder.AddOp(ComputeOp("after_right", 100), {builder.Output(right)}, {Bytes(1)});
    builder.AddOp(ComputeOp("beside", 5), {}, {Bytes(1)});
    WriteGraph(std::move(builder).Build(), changed_);
  }

  [[nodiscard]] CommandResult Apply(const std::vector<std::string>& more) const {
    std::vector<std::string> args = {"apply",        files_.plan, changed_, "--cluster",
                                     files_.cluster, "-o",        other_};
    args.insert(args.end(), more.begin(), more.end());
    return RunPlacer(args);
  }

  std::string changed_ = (files_.dir / "changed.txtpb").string();
};

TEST_F(ChangedModelTest, ApplyPutsThePlanOnIt) {
  const auto result = Apply({"--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json().at("kept"), 2);
  EXPECT_EQ(result.json().at("followed"), nlohmann::json({"after_right"}));
  EXPECT_EQ(result.json().at("alone"), nlohmann::json({"beside"}));
  EXPECT_EQ(result.json().at("dropped"), nlohmann::json({"left", "last"}));
  EXPECT_EQ(result.json().at("faults"), nlohmann::json::array());
  EXPECT_THAT(Devices(other_), ElementsAre("a", "b", "b", "a"));
  EXPECT_EQ(RunPlacer({"check", other_, changed_, "--cluster", files_.cluster}).code, 0);
  EXPECT_THAT(Lines(Apply({}).out),
              testing::IsSupersetOf(
                  {"1 new, placed with their neighbours: after_right",
                   "1 new without a placed neighbour, on the first device that they may use: "
                   "beside"}));
}

TEST_F(ChangedModelTest, ApplyKeepsToConstraints) {
  const auto result = Apply({"--json", "--forbid", "*=a", "--pin", "after*=b"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json().at("moved"), nlohmann::json({"first"}));
  EXPECT_THAT(Devices(other_), ElementsAre("b", "b", "b", "b"));
  ASSERT_EQ(Apply({"--together", "/right|beside/"}).code, 0);
  EXPECT_THAT(Devices(other_), ElementsAre("a", "b", "b", "b"));
}

TEST_F(ChangedModelTest, ApplySaysWhatItCannotKeepTo) {
  const auto apart = Apply({"--apart", "right,after_right"});
  EXPECT_EQ(apart.code, 3);
  EXPECT_THAT(Lines(apart.out),
              testing::Contains(other_ + ": op 'after_right': is on 'b' with op 'right', expected "
                                         "another device (apart 'right,after_right')"));
  EXPECT_THAT(Devices(other_), ElementsAre("a", "b", "b", "a")) << "written all the same";
  const auto full = Apply({"--headroom", "b=999999B"});
  EXPECT_EQ(full.code, 3);
  EXPECT_THAT(full.err, HasSubstr("does not fit: b needs"));
}

TEST_F(ChangedModelTest, DiffComparesWithThePlanOfTheOldOne) {
  ASSERT_EQ(Apply({}).code, 0);
  std::vector<std::string> diff = {"diff",      files_.plan,    other_,  changed_,
                                   "--cluster", files_.cluster, "--json"};
  const auto refused = RunPlacer(diff);
  EXPECT_EQ(refused.code, 2);
  diff.insert(diff.end(), {"--model-a", files_.model});
  const auto result = RunPlacer(diff);
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = result.json();
  EXPECT_EQ(json.at("same"), 2);
  EXPECT_EQ(json.at("only_in_a"), nlohmann::json({"left", "last"}));
  EXPECT_DOUBLE_EQ(json.at("a").at("step_time_seconds"), 142e-12);
  EXPECT_DOUBLE_EQ(json.at("b").at("step_time_seconds"), 221e-12) << "10, 11 to send, 100, 100";
  EXPECT_EQ(RunPlacer({"diff", files_.plan, other_, "--model-a", files_.model}).code, 2);
}

TEST_F(PlanCommandsTest, DiffComparesPlansOfTwoBatches) {
  const std::string cluster = "zoo:k80x2", model = std::string(SAMPLES_DIR) + "/googlenet.onnx";
  for (const auto& [plan, batch] : {std::pair(files_.plan, "8"), std::pair(other_, "16")}) {
    ASSERT_EQ(RunPlacer({"optimize", model, "--batch", batch, "--cluster", cluster, "--method",
                         "single_device", "-o", plan})
                  .code,
              0);
  }
  const auto result = RunPlacer({"diff", files_.plan, other_, model, "--batch", "16", "--batch-a",
                                 "8", "--cluster", cluster, "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json().at("moved").size(), 0U);
  const double ratio = result.json().at("b").at("step_time_seconds").get<double>() /
                       result.json().at("a").at("step_time_seconds").get<double>();
  EXPECT_GT(ratio, 1.5);
  EXPECT_LE(ratio, 2);
}

}  // namespace
}  // namespace placer::test
