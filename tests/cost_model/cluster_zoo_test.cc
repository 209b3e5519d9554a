#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cost_model/cluster_io.h"
#include "graphs/base/error.h"

namespace placer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::vector<Hop> HopsOf(const Cluster& cluster, const char* from, const char* to) {
  std::vector<Hop> hops;
  for (const auto hop : cluster.route(*cluster.FindDevice(from), *cluster.FindDevice(to))) {
    hops.push_back(cluster.hops()[hop]);
  }
  return hops;
}

TEST(ClusterZoo, IsSortedAndEveryEntryLoads) {
  const auto zoo = ClusterZoo();
  EXPECT_TRUE(std::ranges::is_sorted(zoo, {}, &ClusterZooEntry::name));
  for (const ClusterZooEntry& entry : zoo) {
    EXPECT_EQ(MakeZooCluster(entry.name).name(), entry.name);
    EXPECT_EQ(LoadCluster("zoo:" + entry.name), MakeZooCluster(entry.name));
    EXPECT_FALSE(entry.summary.empty());
  }
}

TEST(ClusterZoo, UnknownNamesListTheKnownOnes) {
  EXPECT_THAT([] { (void)LoadCluster("zoo:k90"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("'k90'"), HasSubstr("k80x2, k80x4"))));
}

TEST(ClusterZoo, K80GpusReachEachOtherThroughTheHost) {
  const Cluster cluster = MakeZooCluster("k80x4");
  ASSERT_EQ(cluster.num_devices(), 5U);
  EXPECT_EQ(cluster.device(DeviceId(0)).kind, "cpu");
  EXPECT_EQ(HopsOf(cluster, "/gpu:0", "/gpu:3").size(), 2U);
  EXPECT_EQ(HopsOf(cluster, "/cpu:0", "/gpu:3").size(), 1U);
  EXPECT_EQ(MakeZooCluster("k80x2").num_devices(), 3U);
}

TEST(ClusterZoo, V100CubeMeshHasSixNvlinksPerGpu) {
  const Cluster cluster = MakeZooCluster("v100x8");
  for (int i = 0; i < 8; ++i) {
    const std::string gpu = "/gpu:" + std::to_string(i);
    double rate = 0;
    for (const Link& link : cluster.links()) {
      const bool mesh = link.a.starts_with("/gpu") && link.b.starts_with("/gpu");
      rate += mesh && (link.a == gpu || link.b == gpu) ? link.bytes_per_s : 0;
    }
    EXPECT_DOUBLE_EQ(rate, 6 * 25e9) << gpu;
  }
  EXPECT_DOUBLE_EQ(HopsOf(cluster, "/gpu:0", "/gpu:3")[0].bytes_per_s, 50e9);
  EXPECT_EQ(HopsOf(cluster, "/gpu:0", "/gpu:5").size(), 2U);  // over a GPU between them
  EXPECT_EQ(HopsOf(cluster, "/cpu:0", "/gpu:5").size(), 1U);  // over a PCIe switch
}

TEST(ClusterZoo, H100PairsTalkThroughNvswitchNotThroughTheHost) {
  const Cluster cluster = MakeZooCluster("h100x8");
  for (int i = 1; i < 8; ++i) {
    const auto hops = HopsOf(cluster, "/gpu:0", ("/gpu:" + std::to_string(i)).c_str());
    ASSERT_EQ(hops.size(), 1U);
    EXPECT_DOUBLE_EQ(hops[0].bytes_per_s, 450e9);
  }
}

TEST(ClusterZoo, EdgeBoardCarriesOneCopyAtATime) {
  const Cluster cluster = MakeZooCluster("cpu_gpu_npu");
  EXPECT_EQ(cluster.device(DeviceId(0)).copied_by, CopiedBy::kSender);
  for (const Hop& a : cluster.hops()) {
    for (const Hop& b : cluster.hops()) {
      EXPECT_TRUE(std::ranges::any_of(a.channels, [&](Channel channel) {
        return std::ranges::find(b.channels, channel) != b.channels.end();
      }));
    }
  }
}

TEST(ClusterZoo, GpusOfTwoHostsAreThreeCopiesApart) {
  const Cluster cluster = MakeZooCluster("two_hosts");
  EXPECT_EQ(cluster.num_devices(), 6U);
  const auto hops = HopsOf(cluster, "/host:0/gpu:1", "/host:1/gpu:0");
  ASSERT_EQ(hops.size(), 3U);
  EXPECT_EQ(hops[1].channels.size(), 2U);  // through the Ethernet switch
  EXPECT_LT(hops[1].bytes_per_s, 25e9 / 8);
  EXPECT_EQ(MakeZooCluster("two_hosts_4").num_devices(), 10U);
}

}  // namespace
}  // namespace placer
