#include "cost_model/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cost_model/cost_model.h"
#include "graphs/base/error.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_devices.h"

namespace placer {
namespace {

using ::testing::HasSubstr;

Graph Chain() {
  GraphBuilder builder("chain");
  const OpId input = builder.AddOp(test::ComputeOp("in", 0, OpRole::kInput), {}, {test::Bytes(8)});
  TensorSpec spec;
  spec.shape = {2, 3};
  const OpId a = builder.AddOp(test::ComputeOp("a", 100), {builder.Output(input)}, {spec});
  builder.AddOp(test::ComputeOp("b", 100), {builder.Output(a)}, {spec});
  return std::move(builder).Build();
}

Profile Example() {
  Profile profile;
  profile.hardware["test"] = "Some CPU";
  const Graph graph = Chain();
  profile.ops[{OpSignature(graph, OpId(1)), "test"}] = {{3e-6, 10}, {2e-6, 5}};
  profile.copies[{"test", "test", 100}] = {1e-6, 4};
  profile.copies[{"test", "test", 1100}] = {3e-6, 4};
  profile.launch_overheads["test"] = {1e-7, 50};
  return profile;
}

TEST(OpSignature, TellsOpsApartByWhatCostsTime) {
  const Graph graph = Chain();
  EXPECT_EQ(OpSignature(graph, OpId(1)), "MatMul(float32[])->float32[2,3] 100F 0B");
  EXPECT_EQ(OpSignature(graph, OpId(2)), "MatMul(float32[2,3])->float32[2,3] 100F 0B");
}

TEST(MeasuredMean, MergesByCount) {
  MeasuredMean mean{1, 3};
  mean.Merge({5, 1});
  EXPECT_EQ(mean, (MeasuredMean{2, 4}));
  mean.Merge({7, 0});
  EXPECT_EQ(mean, (MeasuredMean{2, 4}));
}

TEST(Profile, PrefersTimesTakenWhileTheOthersWereBusy) {
  Profile profile = Example();
  const std::string signature = OpSignature(Chain(), OpId(1));
  EXPECT_NEAR(*profile.OpSeconds(signature, "test"), 3.1e-6, 1e-15);
  profile.ops.begin()->second.busy = {};
  EXPECT_NEAR(*profile.OpSeconds(signature, "test"), 2.1e-6, 1e-15);
  EXPECT_FALSE(profile.OpSeconds(signature, "other"));
  EXPECT_FALSE(profile.OpSeconds("other", "test"));
}

TEST(Profile, InterpolatesCopies) {
  const Profile profile = Example();
  EXPECT_NEAR(*profile.CopySeconds("test", "test", 100), 1e-6, 1e-15);
  EXPECT_NEAR(*profile.CopySeconds("test", "test", 600), 2e-6, 1e-15);
  EXPECT_NEAR(*profile.CopySeconds("test", "test", 0), 1e-6, 1e-15);
  EXPECT_NEAR(*profile.CopySeconds("test", "test", 2200), 6e-6, 1e-15);
  EXPECT_FALSE(profile.CopySeconds("test", "other", 100));
}

TEST(Profile, OverridesTheCostModel) {
  const Graph graph = Chain();
  const Cluster cluster(test::TwoDevices());
  const Profile profile = Example();
  const CostModel costs(graph, cluster, &profile);
  EXPECT_EQ(costs.op_time(OpId(0), DeviceId(0)), Picoseconds(0)) << "resident";
  EXPECT_EQ(costs.op_time(OpId(1), DeviceId(1)), Picoseconds(3'100'000));
  EXPECT_EQ(costs.op_time(OpId(2), DeviceId(1)), Picoseconds(100)) << "never measured";
  EXPECT_EQ(costs.control_hop_time(0), Picoseconds(1'000'000));
  const ProfileCoverage coverage = Coverage(profile, graph, cluster);
  EXPECT_EQ(coverage.measured, 1U);
  EXPECT_EQ(coverage.ops, 2U);
}

TEST(Profile, MergesAndRefusesOtherHardware) {
  Profile profile = Example();
  profile.Merge(Example());
  EXPECT_EQ(profile.ops.begin()->second.busy, (MeasuredMean{3e-6, 20}));
  Profile other = Example();
  other.hardware["test"] = "Another CPU";
  EXPECT_THROW(profile.Merge(other), InputError);
  EXPECT_TRUE(profile.HardwareWarnings({{"test", "Some CPU"}}).empty());
  EXPECT_THAT(profile.HardwareWarnings({{"test", "Another CPU"}}).at(0), HasSubstr("Some CPU"));
  EXPECT_THAT(profile.HardwareWarnings({{"gpu", "X"}}).at(0), HasSubstr("kind gpu"));
}

class ProfileFile : public ::testing::TestWithParam<const char*> {};

TEST_P(ProfileFile, RoundTrips) {
  const test::TempDir dir;
  WriteProfile(Example(), dir / GetParam());
  EXPECT_EQ(ReadProfile(dir / GetParam()), Example());
}

// However much is missing at the end: never a smaller profile, always a word about the file.
TEST_P(ProfileFile, IsRefusedWhenItIsCutOff) {
  const test::TempDir dir;
  WriteProfile(Example(), dir / GetParam());
  const std::string whole = dir.Read(GetParam());
  const std::size_t text_end = whole.find_last_not_of("\n");
  for (std::size_t size = 0; size <= text_end; ++size) {
    const std::string path = dir.Write(std::string("cut_") + GetParam(), whole.substr(0, size));
    try {
      static_cast<void>(ReadProfile(path));
      FAIL() << "a file of " << size << " of " << whole.size() << " bytes was read";
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()).find(path), 0U) << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, ProfileFile, ::testing::Values("p.pb", "p.txtpb", "p.json"),
                         [](const auto& param) { return std::string(param.param).substr(2); });

TEST(Profile, NamesTheFieldThatIsWrong) {
  const test::TempDir dir;
  const auto message = [&](const std::string& text) -> std::string {
    try {
      static_cast<void>(ReadProfile(dir.Write("p.txtpb", text)));
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("ops { signature: 'a' kind: 'cpu' busy_s: -1 busy_count: 1 }"),
              HasSubstr("ops[0].busy_s: found -1"));
  EXPECT_THAT(message("ops { signature: 'a' kind: 'cpu' idle_s: 1 }"), HasSubstr("ops[0].idle_s"));
  EXPECT_THAT(message("ops { kind: 'cpu' }"), HasSubstr("ops[0].signature: missing"));
  EXPECT_THAT(message("copies { from_kind: 'a' to_kind: 'b' bytes: -4 }"),
              HasSubstr("copies[0].bytes: found -4"));
  EXPECT_THAT(message("ops { signature: 'a' kind: 'cpu' busy_s: nan busy_count: 1 }"),
              HasSubstr("ops[0].busy_s"));
  EXPECT_THAT(message("num_entries: 3"), HasSubstr("num_entries: found 0 entries"));
}

}  // namespace
}  // namespace placer
