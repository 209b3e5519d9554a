#include "cost_model/cluster_variation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cost_model/cluster_io.h"
#include "graphs/base/error.h"
#include "tests/support/test_devices.h"

namespace placer {
namespace {

using ::testing::HasSubstr;

std::string FaultOf(const std::string& cluster) {
  try {
    static_cast<void>(LoadCluster(cluster));
  } catch (const InputError& error) {
    return error.what();
  }
  return "no fault";
}

TEST(ClusterVariation, ScalesAndSetsLinksAndDevices) {
  const Cluster before = LoadCluster("zoo:k80x2");
  const Cluster cluster = LoadCluster(
      "zoo:k80x2?links.bandwidth=2x&links.latency=5us&gpu.memory=32GB&devices.flops=0.5x&"
      "gpu.memory_bandwidth=300GB/s");
  EXPECT_EQ(cluster.links()[0].bytes_per_s, 2 * before.links()[0].bytes_per_s);
  EXPECT_DOUBLE_EQ(cluster.links()[1].latency.count(), 5e-6);
  EXPECT_EQ(cluster.devices()[0].memory_bytes, before.devices()[0].memory_bytes);
  EXPECT_EQ(cluster.devices()[1].memory_bytes, 32'000'000'000);
  EXPECT_EQ(cluster.devices()[2].memory_bytes_per_s, 300e9);
  for (std::size_t type = 0; type < kNumDataTypes; ++type) {
    EXPECT_DOUBLE_EQ(cluster.devices()[1].peak_flops_per_s[type],
                     before.devices()[1].peak_flops_per_s[type] / 2);
  }
  EXPECT_THAT(cluster.name(), HasSubstr("k80x2?links.bandwidth=2x"));
}

TEST(ClusterVariation, FewerGpusOfABiggerMachineAreTheSmallerOne) {
  ClusterSpec four = LoadCluster("zoo:k80x4").spec();
  VaryCluster(four, "devices", "2");
  four.name = "k80x2";
  EXPECT_EQ(four, LoadCluster("zoo:k80x2").spec());
}

TEST(ClusterVariation, MoreGpusOfASmallerMachineAreTheBiggerOne) {
  ClusterSpec two = LoadCluster("zoo:k80x2").spec();
  VaryCluster(two, "gpu", "4");
  two.name = "k80x4";
  EXPECT_EQ(two, LoadCluster("zoo:k80x4").spec());
}

TEST(ClusterVariation, DevicesThatAreAllLinkedStaySo) {
  ClusterSpec spec = test::TwoDevices();
  VaryCluster(spec, "devices", "4");
  const Cluster cluster(spec);
  EXPECT_EQ(cluster.num_devices(), 4U);
  EXPECT_EQ(cluster.links().size(), 6U);
  for (std::size_t a = 0; a < 4; ++a) {
    for (std::size_t b = 0; b < 4; ++b) {
      EXPECT_EQ(cluster.route(DeviceId(a), DeviceId(b)).size(), a == b ? 0U : 1U);
    }
  }
}

TEST(ClusterVariation, SaysWhatIsWrong) {
  EXPECT_THAT(FaultOf("zoo:v100x8?devices=9"), HasSubstr("cannot be told how more are linked"));
  EXPECT_THAT(FaultOf("zoo:v100x8?devices=4"), "no fault");
  EXPECT_THAT(FaultOf("zoo:k80x2?devices=two"), HasSubstr("devices: found 'two'"));
  EXPECT_THAT(FaultOf("zoo:k80x2?gpu.memory=12parsec"), HasSubstr("expected a factor such as 2x"));
  EXPECT_THAT(FaultOf("zoo:k80x2?npu=1"),
              HasSubstr("zoo:k80x2?npu=1: cluster 'k80x2' has no parameter 'npu', expected one of "
                        "devices, cpu, gpu"));
  EXPECT_THAT(FaultOf("zoo:k80x2?links"), HasSubstr("expected key=value"));
  EXPECT_THAT(FaultOf("zoo:k80x2?links.bandwidth=0x"), HasSubstr("zoo:k80x2"));
}

}  // namespace
}  // namespace placer
