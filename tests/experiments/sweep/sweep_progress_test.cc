#include "experiments/sweep/sweep_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <thread>

namespace placer {
namespace {

using namespace std::chrono_literals;

class SweepProgressTest : public ::testing::Test {
 protected:
  std::ostringstream out_, err_;
  Console console_{out_, err_, /*err_is_terminal=*/true, {}};
  const SweepProgress::Clock::time_point start_ = SweepProgress::Clock::now();
};

TEST_F(SweepProgressTest, EstimatesFromRunningTrialsUntilOneHasEnded) {
  SweepProgress progress(console_, "demo", 10, 2, 2);
  EXPECT_EQ(progress.Line(start_), "demo: 2/10 trials, 0 running");
  progress.Start(2, start_);
  progress.Start(3, start_);
  EXPECT_EQ(progress.Line(start_ + 4s), "demo: 2/10 trials, 2 running");
  // A quarter in 4 s is 16 s for each of the 7.75 that are left, two at a time.
  progress.Report(2, 0.25);
  EXPECT_EQ(progress.Line(start_ + 4s), "demo: 2/10 trials, 2 running, 62 s left");
  // The slowest counts: the other one looks like 8 s. 7.25 trials of 16 s.
  progress.Report(3, 0.5);
  EXPECT_EQ(progress.Line(start_ + 4s), "demo: 2/10 trials, 2 running, 58 s left");
}

TEST_F(SweepProgressTest, EstimatesFromTheTrialsThatEnded) {
  SweepProgress progress(console_, "demo", 1004, 0, 2);
  progress.Start(0, start_);
  progress.Start(1, start_);
  progress.Report(1, 0.5);
  progress.Finish(0, true, start_ + 16s);
  // 1002.5 trials of 16 s by two: 8020 s.
  EXPECT_EQ(progress.Line(start_ + 16s), "demo: 1/1,004 trials, 1 running, 2 h 14 min left");
  progress.Finish(1, false, start_ + 24s);
  // 1002 trials of (16 + 24) / 2 s by two.
  EXPECT_EQ(progress.Line(start_ + 24s),
            "demo: 2/1,004 trials, 0 running, 1 unsuccessful, 2 h 47 min left");
}

TEST_F(SweepProgressTest, ATrialThatIsDroppedIsStillToBeDone) {
  SweepProgress progress(console_, "demo", 4, 0, 1);
  progress.Start(0, start_);
  progress.Finish(0, true, start_ + 10s);
  progress.Start(1, start_ + 10s);
  progress.Report(1, 0.5);
  EXPECT_EQ(progress.Line(start_ + 15s), "demo: 1/4 trials, 1 running, 25 s left");
  progress.Drop(1);
  EXPECT_EQ(progress.Line(start_ + 15s), "demo: 1/4 trials, 0 running, 30 s left");
}

TEST_F(SweepProgressTest, TheLastTrialHasNoHelp) {
  SweepProgress progress(console_, "demo", 2, 0, 2);
  progress.Start(0, start_);
  progress.Start(1, start_);
  progress.Finish(0, true, start_ + 20s);
  progress.Report(1, 0.5);
  EXPECT_EQ(progress.Line(start_ + 20s), "demo: 1/2 trials, 1 running, 10 s left");
  progress.Report(1, 7);  // time over its budget does not count
  EXPECT_EQ(progress.Line(start_ + 40s), "demo: 1/2 trials, 1 running, 0 s left");
  progress.Finish(1, true, start_ + 40s);
  EXPECT_EQ(progress.Line(start_ + 40s), "demo: 2/2 trials, 0 running, 0 s left");
}

TEST_F(SweepProgressTest, OtherProcessesHelp) {
  SweepProgress progress(console_, "demo", 40, 10, 2);
  progress.SetFinished(12);  // nothing ran here that others compare with
  EXPECT_EQ(progress.Line(start_), "demo: 12/40 trials, 0 running");
  progress.SetFinished(10);
  progress.Start(10, start_);
  progress.Start(11, start_);
  progress.Finish(10, true, start_ + 10s);
  progress.Finish(11, true, start_ + 10s);
  // 28 trials of 10 s, two at a time.
  EXPECT_EQ(progress.Line(start_ + 10s), "demo: 12/40 trials, 0 running, 3 min left");
  progress.SetFinished(14);
  // 26 trials of 10 s; who ran as many as this process is as good as two more workers.
  EXPECT_EQ(progress.Line(start_ + 10s), "demo: 14/40 trials, 0 running, 65 s left");
  progress.Start(12, start_ + 10s);
  progress.Finish(12, true, start_ + 20s);
  EXPECT_THAT(progress.Line(start_ + 20s), ::testing::StartsWith("demo: 15/40 trials, "));
  progress.SetFinished(99);
  EXPECT_EQ(progress.Line(start_ + 20s), "demo: 40/40 trials, 0 running, 0 s left");
}

TEST_F(SweepProgressTest, TrialsThatOthersMakePendingAreLeftAgain) {
  SweepProgress progress(console_, "demo", 10, 4, 1);
  progress.Start(4, start_);
  progress.Finish(4, true, start_ + 10s);
  progress.SetFinished(2);
  EXPECT_EQ(progress.Line(start_ + 10s), "demo: 2/10 trials, 0 running, 80 s left");
}

TEST_F(SweepProgressTest, ShowsALineWhenItIsDue) {
  SweepProgress progress(console_, "demo", 3, 1, 1);
  std::this_thread::sleep_for(250ms);
  progress.ShowIfDue();
  EXPECT_EQ(err_.str(), "\rdemo: 1/3 trials, 0 running");
  EXPECT_EQ(out_.str(), "");
}

}  // namespace
}  // namespace placer
