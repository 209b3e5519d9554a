// The built binary under real signals.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "cost_model/placement_io.h"
#include "tests/experiments/child_command.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

class SignalTest : public ::testing::TestWithParam<int> {};

TEST_P(SignalTest, StopsCleanlyAndKeepsTheBestSoFar) {
  const test::TestFiles files;
  const std::string err = (files.dir / "err.txt").string();
  const test::ChildCommand child(
      {"optimize", files.model, "--cluster", files.cluster, "--space", "ops", "--method",
       "annealing", "--samples", "1000000000000", "-o", files.plan},
      err);
  child.WaitUntilComputed(std::chrono::milliseconds(200));
  child.Send(GetParam());
  EXPECT_EQ(child.Wait(), 130) << files.dir.Read("err.txt");
  EXPECT_NE(files.dir.Read("err.txt").find("interrupted"), std::string::npos);
  const SavedPlacement saved = ReadPlacement(files.plan);
  EXPECT_NEAR(saved.step_time_seconds.value(), 131e-12, 1e-18);
}

INSTANTIATE_TEST_SUITE_P(, SignalTest, ::testing::Values(SIGINT, SIGTERM), [](const auto& param) {
  return std::string(param.param == SIGINT ? "SIGINT" : "SIGTERM");
});

TEST(Binary, ReturnsTheExitCodeOfTheCommand) {
  const test::TempDir dir;
  EXPECT_EQ(test::ChildCommand({"--help"}, (dir / "err.txt").string()).Wait(), 0);
  EXPECT_EQ(test::ChildCommand({"optimize"}, (dir / "err.txt").string()).Wait(), 2);
  EXPECT_EQ(dir.Read("err.txt").find("placer: error: "), 0U);
}

TEST(Binary, SaysInOneLineThatWhatLearnsIsMissing) {
  const test::TestFiles files;
  const std::string err = (files.dir / "err.txt").string();
  setenv("PLACER_POLICY_LIBRARY", "/nonexistent/placer_policy_torch.so", 1);
  const test::ChildCommand child({"optimize", files.model, "--cluster", files.cluster, "--method",
                                  "reinforce", "--samples", "16"},
                                 err);
  unsetenv("PLACER_POLICY_LIBRARY");
  EXPECT_EQ(child.Wait(), 2);
  const std::string text = files.dir.Read("err.txt");
  EXPECT_EQ(text.find("placer: error: the LSTM policy needs placer_policy_torch.so"), 0U) << text;
  EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
}

}  // namespace
}  // namespace placer
