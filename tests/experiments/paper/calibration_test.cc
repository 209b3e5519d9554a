#include "experiments/paper/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cost_model/cluster_io.h"
#include "cost_model/cost_model.h"

namespace placer {
namespace {

class PaperCalibration : public ::testing::Test {
 protected:
  static const Calibration& fit() {
    static const Calibration calibration = FitCalibration();
    return calibration;
  }
};

TEST_F(PaperCalibration, TheZooHoldsWhatTheFitGives) {
  EXPECT_EQ(fit().fitted, FittedTfK80());
  EXPECT_EQ(MakeZooCluster("tf_k80x2").spec(), TfK80("tf_k80x2", 2, fit().fitted));
  EXPECT_EQ(MakeZooCluster("tf_k80x4").spec(), TfK80("tf_k80x4", 4, fit().fitted));
}

TEST_F(PaperCalibration, SeesTheFiveTimesOnOneDeviceAlone) {
  ASSERT_EQ(fit().targets.size(), 5U);
  for (const CalibrationTarget& target : fit().targets) {
    EXPECT_TRUE(target.device == "1 CPU" || target.device == "1 GPU") << target.device;
    EXPECT_LT(std::abs(target.residual()), 0.02) << target.model << ' ' << target.device;
    EXPECT_GT(target.start_seconds, 0);
  }
}

TEST_F(PaperCalibration, TheMemoryFactsHold) {
  const MemoryFacts& memory = fit().memory;
  EXPECT_EQ(memory.fits.size(), 3U);
  for (const MemoryFacts::Need& need : memory.fits) {
    EXPECT_LT(need.bytes, fit().fitted.gpu_usable_bytes) << need.what;
  }
  EXPECT_GT(memory.too_large.bytes, fit().fitted.gpu_usable_bytes);
}

TEST(TfK80, ConstantsBecomePropertiesOfTheCluster) {
  const Cluster cluster(TfK80("k", 2, {{0.5, 0.25, 0.5, 1e-3}, {0.125, 0.1, 2, 2e-3}, 7}));
  EXPECT_EQ(EfficiencyOf(OpClass::kMatMul, cluster.device(DeviceId(0))), (Efficiency{0.5, 0.4}));
  EXPECT_EQ(EfficiencyOf(OpClass::kConvolution, cluster.device(DeviceId(1))),
            (Efficiency{0.1, 1}));  // 0.75 x 2 is more than all
  EXPECT_EQ(EfficiencyOf(OpClass::kElementwise, cluster.device(DeviceId(0))),
            (Efficiency{0.125, 0.4}));
  EXPECT_EQ(cluster.device(DeviceId(0)).launch_overhead, Seconds(1e-3));
  EXPECT_EQ(cluster.device(DeviceId(1)).launch_overhead, Seconds(2e-3));
  EXPECT_EQ(cluster.device(DeviceId(1)).memory_bytes, 7);
  EXPECT_EQ(cluster.device(DeviceId(0)).memory_bytes, 128'000'000'000);
  // To the host, and from there to the other GPU.
  EXPECT_EQ(cluster.route(DeviceId(1), DeviceId(2)).size(), 2U);
  EXPECT_EQ(cluster.hops()[0].latency, Seconds(50e-6));
}

}  // namespace
}  // namespace placer
