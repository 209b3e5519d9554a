#include "experiments/measured_search.h"

#include <gtest/gtest.h>

namespace placer {
namespace {

constexpr const char* kAlone = "cpu:0 alone";

MeasuredCandidate Candidate(const std::string& source, double seconds) {
  Placement placement(2, DeviceId(0));
  placement.set_device(OpId(1), DeviceId(source == kAlone ? 0 : 1));
  MeasuredCandidate candidate{source, placement, std::nullopt, {}};
  if (seconds > 0) {
    candidate.timing.times = {seconds};
    candidate.timing.time = TrimmedMean(candidate.timing.times);
  } else {
    candidate.timing.outcome = StepOutcome::kFailed;
  }
  return candidate;
}

TEST(MeasuredSearch, TheBestOfTheConfirmedWins) {
  MeasuredSearch search;
  EXPECT_EQ(search.winner(), nullptr);
  search.candidates = {Candidate("lucky", 1), Candidate("steady", 1.1), Candidate(kAlone, 2)};
  EXPECT_EQ(search.winner()->source, "lucky");
  search.confirmed = {Candidate("lucky", 1.2), Candidate("steady", 1.1), Candidate(kAlone, 2.1)};
  EXPECT_EQ(search.winner()->source, "steady");
  EXPECT_EQ(search.single_device(), &search.confirmed[2]);
}

// As when the model's file is gone by the time the fresh process starts.
TEST(MeasuredSearch, WhereNoneCouldBeConfirmedTheFirstTimesCount) {
  MeasuredSearch search;
  search.candidates = {Candidate("lucky", 1), Candidate(kAlone, 2)};
  search.confirmed = {Candidate("lucky", 0), Candidate(kAlone, 0)};
  EXPECT_EQ(search.winner(), &search.candidates[0]);
  EXPECT_EQ(search.single_device(), &search.candidates[1]);
}

}  // namespace
}  // namespace placer
