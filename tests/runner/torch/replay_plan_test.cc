#include "runner/torch/detail/replay_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "graphs/base/error.h"
#include "runner/torch/detail/module_path.h"
#include "runner/torch/detail/names.h"
#include "runner/torch/input_spec.h"

namespace placer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// weight (resident) -> a -> {b, c} -> d, and c runs after b.
Graph Diamond() {
  GraphBuilder builder("diamond");
  const auto add = [&](const char* name, std::vector<TensorId> inputs, OpRole role,
                       std::vector<OpId> after = {}) {
    Op op;
    op.name = name;
    op.role = role;
    return builder.AddOp(op, std::move(inputs), {TensorSpec{.shape = {4}}}, std::move(after));
  };
  const OpId weight = add("weight", {}, OpRole::kParameter);
  const OpId a = add("a", {builder.Output(weight)}, OpRole::kForward);
  const OpId b = add("b", {builder.Output(a)}, OpRole::kForward);
  const OpId c = add("c", {builder.Output(a), builder.Output(weight)}, OpRole::kForward, {b});
  const OpId d = add("d", {builder.Output(b), builder.Output(c)}, OpRole::kForward);
  builder.MarkGraphOutput(builder.Output(d));
  return std::move(builder).Build();
}

TEST(ReplayPlan, OnOneDeviceNothingIsCopied) {
  const detail::ReplayPlan plan = detail::MakeReplayPlan(Diamond(), Placement(5, DeviceId(0)), 2);
  EXPECT_THAT(plan.copies, IsEmpty());
  EXPECT_EQ(plan.num_runs, 4);
  EXPECT_THAT(plan.first_ops, ElementsAre(1));
  EXPECT_THAT(plan.ops[1].next, ElementsAre(2, 3));
  EXPECT_THAT(plan.ops[2].next, ElementsAre(3, 4));
  EXPECT_EQ(plan.ops[3].num_waits, 2);                      // a, and b by order
  EXPECT_THAT(plan.cell_uses, ElementsAre(0, 2, 1, 1, 0));  // weight and result are kept
}

TEST(ReplayPlan, WhatCrossesIsCopiedOncePerDestination) {
  Placement placement(5, DeviceId(0));
  placement.set_device(OpId(2), DeviceId(1));
  placement.set_device(OpId(3), DeviceId(1));
  const detail::ReplayPlan plan = detail::MakeReplayPlan(Diamond(), placement, 2);
  // a to device 1 for b and c, weight to device 1 for c, b and c back to device 0.
  ASSERT_EQ(plan.copies.size(), 4);
  EXPECT_EQ(plan.copies[0].tensor, 1);
  EXPECT_THAT(plan.copies[0].consumers, ElementsAre(2, 3));
  ASSERT_THAT(plan.first_copies, ElementsAre(1));
  EXPECT_EQ(plan.copies[1].tensor, 0);
  EXPECT_THAT(plan.ops[1].next, IsEmpty());
  EXPECT_THAT(plan.ops[1].copies, ElementsAre(0));
  EXPECT_EQ(plan.ops[3].num_waits, 3);  // two copies, and b
  EXPECT_EQ(plan.ops[4].num_waits, 2);
  EXPECT_THAT(plan.ops[2].next, ElementsAre(3));
  EXPECT_THAT(plan.ops[2].next_elsewhere, IsEmpty()) << "d waits for the copy";
  // Homes: a is used by its copy alone; copies by their readers.
  EXPECT_THAT(plan.cell_uses, ElementsAre(0, 1, 1, 1, 0, 2, 1, 1, 1));
}

TEST(ReplayPlan, KnowsWhatWaitsForAnotherDeviceByOrderAlone) {
  Placement placement(5, DeviceId(0));
  placement.set_device(OpId(3), DeviceId(1));
  const detail::ReplayPlan plan = detail::MakeReplayPlan(Diamond(), placement, 2);
  EXPECT_THAT(plan.ops[2].next_elsewhere, ElementsAre(3));  // c, which reads nothing of b
  EXPECT_THAT(plan.ops[2].next, ElementsAre(4));
  EXPECT_EQ(plan.ops[3].num_waits, 3);  // a and the weight, copied, and b
}

TEST(InputSpec, ReadsTypeSizesAndBound) {
  const InputSpec spec = ParseInputSpec("int64[4,35]<1000");
  EXPECT_EQ(spec.dtype, DataType::kInt64);
  EXPECT_THAT(spec.shape, ElementsAre(4, 35));
  EXPECT_EQ(spec.below, 1000);
  for (const char* text : {"float32[8,3,299,299]", "bool[]", "int64[4,35]<1000"}) {
    EXPECT_EQ(ToString(ParseInputSpec(text)), text);
  }
}

TEST(InputSpec, SaysWhatIsWrong) {
  const auto fault = [](const char* text) -> std::string {
    try {
      static_cast<void>(ParseInputSpec(text));
    } catch (const InputError& error) {
      return error.what();
    }
    return "no fault";
  };
  EXPECT_THAT(fault("8,3"), HasSubstr("input '8,3': expected a type and sizes"));
  EXPECT_THAT(fault("floaty[8]"), HasSubstr("expected a type such as float32"));
  EXPECT_THAT(fault("string[8]"), HasSubstr("expected a type such as float32"));
  EXPECT_THAT(fault("float32[8,-3]"), HasSubstr("where '-3' is"));
  EXPECT_THAT(fault("float32[8,]"), HasSubstr("a size after the last ','"));
  EXPECT_THAT(fault("float32[8]x"), HasSubstr("after ']'"));
  EXPECT_THAT(fault("int64[8]<0"), HasSubstr("a bound of 1 or more"));
  EXPECT_NE(fault("float32[9999999999,9999999999]"), "no fault");
}

TEST(DistinctName, CountsWhatIsTaken) {
  std::set<std::string> taken{"mask", "mask_1"};
  EXPECT_EQ(detail::DistinctName("x", taken), "x");
  EXPECT_EQ(detail::DistinctName("mask", taken), "mask_2");
  EXPECT_EQ(detail::DistinctName("x", taken), "x_1");
}

TEST(FileNames, StayInTheirFolderAndApart) {
  EXPECT_THAT(
      detail::FileNames({"out.0", "out.../x", "out./abs", ".hidden", "out._abs", "", "out.\n"}),
      ElementsAre("out.0", "out..._x", "out._abs_1", "_hidden", "out._abs", "_", "out._"));
  EXPECT_THAT(detail::FileNames({"..", ".", "a/b", "a_b", "a_b"}),
              ElementsAre("_.", "_", "a_b_1", "a_b", "a_b_2"));
}

TEST(ModulePath, IsWhatPyTorchCallsTheModule) {
  EXPECT_EQ(detail::ParseModulePath({"TOP"}), "");
  EXPECT_EQ(detail::ParseModulePath({}), "");
  EXPECT_EQ(detail::ParseModulePath(
                {"TOP.SELF(Net)::forward.layer1(torch.nn.Sequential)::forward.0(Block)::forward"}),
            "layer1.0");
  EXPECT_EQ(detail::ParseModulePath({"TOP(Net)::forward", "SELF(Net)::_forward_impl",
                                     "features(Sequential)::forward", "2(Hardswish)::forward",
                                     "CALL_FUNCTION::hardswish()::hardswish"}),
            "features.2");
}

}  // namespace
}  // namespace placer
