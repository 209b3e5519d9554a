#include "experiments/paper/sensitivity.h"

#include <gtest/gtest.h>

#include "cost_model/cluster_io.h"

namespace placer {
namespace {

const KnobFlip& Of(const std::vector<KnobFlip>& flips, const std::string& knob) {
  return *std::find_if(flips.begin(), flips.end(),
                       [&](const KnobFlip& flip) { return flip.knob == knob; });
}

TEST(Sensitivity, FindsTheValueAtWhichSomethingTurns) {
  const ClusterSpec spec = MakeZooCluster("tf_k80x2").spec();  // 50 us to start a copy, 12 GB/s
  const auto flips = FindFlips(spec, [](const Cluster& cluster) {
    return cluster.links()[0].latency.count() - 400e-6;  // turns at 8 times the latency
  });
  EXPECT_NEAR(Of(flips, "start of a copy").now, 50, 1e-9);
  ASSERT_TRUE(Of(flips, "start of a copy").needed);
  EXPECT_NEAR(*Of(flips, "start of a copy").needed, 400, 2);
  EXPECT_FALSE(Of(flips, "bandwidth of a link").needed);
  EXPECT_FALSE(Of(flips, "gpu: per op").needed);
}

TEST(Sensitivity, FindsSmallerValuesToo) {
  const auto flips = FindFlips(MakeZooCluster("tf_k80x2").spec(), [](const Cluster& cluster) {
    return cluster.links()[0].bytes_per_s - 3e9;
  });
  ASSERT_TRUE(Of(flips, "bandwidth of a link").needed);
  EXPECT_NEAR(*Of(flips, "bandwidth of a link").needed, 3e9, 0.02e9);
}

TEST(Sensitivity, EveryKnobTurnsWhatItSays) {
  const ClusterSpec spec = MakeZooCluster("tf_k80x4").spec();
  for (const Knob& knob : ClusterKnobs()) {
    ClusterSpec scaled = spec;
    knob.scale(2, scaled);
    EXPECT_NEAR(knob.value(scaled), 2 * knob.value(spec), 1e-9 * knob.value(spec)) << knob.name;
    EXPECT_NE(scaled, spec) << knob.name;
  }
}

}  // namespace
}  // namespace placer
