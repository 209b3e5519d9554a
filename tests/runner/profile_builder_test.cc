#include "runner/profile_builder.h"

#include <gtest/gtest.h>

#include <utility>

#include "cost_model/device_list.h"
#include "tests/support/test_graphs.h"

namespace placer {
namespace {

using testing_support::Bytes;
using testing_support::TimedOp;

/// Ops v to z, each with a signature of its own, on two cores. Times are picoseconds.
class ProfileBuilderTest : public ::testing::Test {
 protected:
  enum Name : std::uint8_t { kV, kW, kX, kY, kZ };
  static Graph MakeGraph() {
    GraphBuilder builder("five");
    for (const char* name : {"v", "w", "x", "y", "z"}) {
      builder.AddOp(TimedOp(name, 1.0 + static_cast<double>(builder.num_ops())), {}, {Bytes(400)});
    }
    return std::move(builder).Build();
  }
  static Trace::OpRun Run(Name op, std::size_t device, std::int64_t start, std::int64_t end) {
    Trace::OpRun run;
    run.op = OpId(op);
    run.device = DeviceId(device);
    run.start = Picoseconds(start);
    run.end = Picoseconds(end);
    return run;
  }
  static ExecutedTrace::Copy Copy(std::int64_t bytes, std::int64_t requested, std::int64_t start,
                                  std::int64_t end) {
    return {.payload = 0,
            .from = DeviceId(0),
            .to = DeviceId(1),
            .bytes = bytes,
            .requested = Picoseconds(requested),
            .start = Picoseconds(start),
            .end = Picoseconds(end)};
  }
  [[nodiscard]] static double Picos(const MeasuredMean& mean) { return mean.seconds * 1e12; }
  [[nodiscard]] Profile::OpTime TimeOf(const Profile& profile, Name op) const {
    const auto found = profile.ops.find({OpSignature(graph_, OpId(op)), "cpu"});
    return found == profile.ops.end() ? Profile::OpTime{} : found->second;
  }

  Graph graph_ = MakeGraph();
  Cluster cluster_ = MakeDeviceCluster({"cpu:0", "cpu:1"});
  ProfileBuilder builder_{graph_, cluster_};
};

TEST_F(ProfileBuilderTest, TellsOpsBesideBusyDevicesFromOpsBesideIdleOnes) {
  builder_.Add({.ops = {Run(kX, 0, 0, 100), Run(kY, 1, 10, 95),       // 85 % of x, all of y
                        Run(kZ, 0, 100, 200),                         // 15 %, by the copy
                        Run(kW, 0, 200, 300), Run(kV, 1, 240, 300)},  // 60 % of w, all of v
                .copies = {Copy(400, 100, 120, 135)}},
               /*one_device=*/false);
  const Profile profile = std::move(builder_).Build();
  EXPECT_DOUBLE_EQ(Picos(TimeOf(profile, kX).busy), 100);
  EXPECT_EQ(TimeOf(profile, kX).idle.count, 0);
  EXPECT_DOUBLE_EQ(Picos(TimeOf(profile, kY).busy), 85);
  EXPECT_DOUBLE_EQ(Picos(TimeOf(profile, kZ).idle), 100);
  EXPECT_EQ(TimeOf(profile, kZ).busy.count, 0);
  EXPECT_DOUBLE_EQ(Picos(TimeOf(profile, kV).busy), 60);
  EXPECT_EQ(TimeOf(profile, kW), Profile::OpTime{}) << "60 % is neither";
  EXPECT_TRUE(profile.launch_overheads.empty()) << "gaps may be waiting";
}

TEST_F(ProfileBuilderTest, CountsCopiesFromWhenTensorAndReceiverWereReady) {
  builder_.Add({.ops = {Run(kX, 0, 0, 100), Run(kY, 1, 10, 95), Run(kV, 1, 240, 300)},
                .copies = {Copy(400, 100, 120, 135),    // the receiver waited and had to wake up
                           Copy(800, 200, 310, 320)}},  // the receiver was busy until 300
               false);
  const Profile profile = std::move(builder_).Build();
  ASSERT_EQ(profile.copies.size(), 2U);
  EXPECT_DOUBLE_EQ(Picos(profile.copies.at({"cpu", "cpu", 400})), 35);
  EXPECT_DOUBLE_EQ(Picos(profile.copies.at({"cpu", "cpu", 800})), 20);
}

TEST_F(ProfileBuilderTest, TakesTheGapsOfOneDeviceForItsLaunchOverhead) {
  builder_.Add({.ops = {Run(kX, 0, 0, 100), Run(kZ, 0, 103, 200), Run(kW, 0, 205, 300)}}, true);
  builder_.Add({.ops = {Run(kX, 0, 0, 110), Run(kZ, 0, 114, 200)}}, true);
  const Profile profile = std::move(builder_).Build();
  EXPECT_DOUBLE_EQ(Picos(profile.launch_overheads.at("cpu")), 4);  // of 3, 5 and 4
  EXPECT_EQ(profile.launch_overheads.at("cpu").count, 3);
  EXPECT_DOUBLE_EQ(Picos(TimeOf(profile, kX).idle), 105);
  EXPECT_EQ(TimeOf(profile, kX).idle.count, 2);
  EXPECT_EQ(TimeOf(profile, kX).busy.count, 0);
}

}  // namespace
}  // namespace placer
