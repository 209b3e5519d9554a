#include "placer/rank_team.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "graphs/base/error.h"
#include "tests/support/local_ranks.h"

namespace placer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::LocalRanks;

std::string Echo(const std::string& job) { return "did " + job; }

/// A rank that is ready for `work` and answers by Echo().
RunEnd ServeEcho(LocalRanks& ranks, std::size_t rank, const std::string& work) {
  const std::unique_ptr<ProcessGroup> group = ranks.Join(rank);
  return ServeRankZero(*group, [&](std::string& ready) -> DoJob {
    ready = work;
    return Echo;
  });
}

TEST(PartOf, PartsFollowEachOtherAndDifferByOneAtMost) {
  for (const std::size_t count : {0U, 1U, 7U, 16U, 24U}) {
    for (const std::size_t parts : {1U, 2U, 3U, 4U, 9U}) {
      std::size_t at = 0;
      for (std::size_t part = 0; part < parts; ++part) {
        const Range range = PartOf(count, part, parts);
        EXPECT_EQ(range.first, at);
        EXPECT_GE(range.size(), count / parts);
        EXPECT_LE(range.size(), count / parts + 1);
        at = range.last;
      }
      EXPECT_EQ(at, count);
    }
  }
}

TEST(RankTeam, SharesJobsAndEndsTheRun) {
  LocalRanks ranks(3);
  RunEnd ends[2];
  std::jthread one([&] { ends[0] = ServeEcho(ranks, 1, "w"); });
  std::jthread two([&] { ends[1] = ServeEcho(ranks, 2, "w"); });
  const std::unique_ptr<ProcessGroup> group = ranks.Join(0);
  RankTeam team(*group);
  team.CheckReady("w");
  const std::string jobs[] = {"a", "", "c"};
  EXPECT_THAT(team.Share(jobs, [](const std::string& job) { return "here " + job; }),
              ElementsAre("here a", "", "did c"));
  team.TellAll("x");
  EXPECT_FALSE(team.lost());
  team.Finish({130, "stopped"});
  one.join();
  two.join();
  for (const RunEnd& end : ends) {
    EXPECT_EQ(end.exit_code, 130);
    EXPECT_EQ(end.message, "stopped");
  }
}

TEST(RankTeam, DoesTheShareOfALostRankItself) {
  LocalRanks ranks(3);
  RunEnd end;
  std::jthread one([&] { end = ServeEcho(ranks, 1, "w"); });
  std::jthread two([&] {
    const std::unique_ptr<ProcessGroup> group = ranks.Join(2);
    RunEnd unused;
    const auto begin = [](std::string& what) -> DoJob {
      what = "w";
      // An exception that is no Error ends the rank, as a signal would.
      return [](const std::string&) -> std::string { throw std::bad_alloc(); };
    };
    EXPECT_THROW(unused = ServeRankZero(*group, begin), std::bad_alloc);
  });
  const std::unique_ptr<ProcessGroup> group = ranks.Join(0);
  RankTeam team(*group);
  team.CheckReady("w");
  const std::string jobs[] = {"a", "b", "c"};
  const DoJob here = [](const std::string& job) { return "here " + job; };
  EXPECT_THAT(team.Share(jobs, here), ElementsAre("here a", "did b", "here c"));
  ASSERT_TRUE(team.lost());
  EXPECT_THAT(*team.lost(), HasSubstr("rank 2 is gone"));
  EXPECT_THAT(team.Share(jobs, here), ElementsAre("here a", "did b", "here c"));
  team.TellAll("x");
  team.Finish({1, *team.lost()});
  one.join();
  EXPECT_EQ(end.exit_code, 1);
  EXPECT_THAT(end.message, HasSubstr("rank 2 is gone"));
}

TEST(RankTeam, AllRanksMustWorkOnTheSame) {
  LocalRanks ranks(2);
  RunEnd end;
  std::jthread one([&] { end = ServeEcho(ranks, 1, "config 2"); });
  const std::unique_ptr<ProcessGroup> group = ranks.Join(0);
  RankTeam team(*group);
  try {
    team.CheckReady("config 1");
    ADD_FAILURE() << "expected an error";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("rank 1 runs something else: found config 2"));
  }
  one.join();
  EXPECT_EQ(end.exit_code, 2);
  EXPECT_THAT(end.message, HasSubstr("expected that of rank 0, config 1"));
}

TEST(RankTeam, ARankThatCannotBeginSaysWhy) {
  LocalRanks ranks(2);
  std::jthread one([&] {
    const std::unique_ptr<ProcessGroup> group = ranks.Join(1);
    const RunEnd end = ServeRankZero(
        *group, [](std::string&) -> DoJob { throw InputError("model.onnx: cannot be opened"); });
    EXPECT_EQ(end.exit_code, 2);
  });
  const std::unique_ptr<ProcessGroup> group = ranks.Join(0);
  RankTeam team(*group);
  try {
    team.CheckReady("w");
    ADD_FAILURE() << "expected an error";
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "rank 1: model.onnx: cannot be opened");
  }
}

TEST(RankTeam, AJobThatFailsElsewhereFailsHere) {
  LocalRanks ranks(2);
  RunEnd end;
  std::jthread one([&] {
    const std::unique_ptr<ProcessGroup> group = ranks.Join(1);
    end = ServeRankZero(*group, [](std::string& ready) -> DoJob {
      ready = "w";
      return [](const std::string&) -> std::string { throw Error("the norm is nan"); };
    });
  });
  {
    const std::unique_ptr<ProcessGroup> group = ranks.Join(0);
    RankTeam team(*group);
    team.CheckReady("w");
    const std::string jobs[] = {"a", "b"};
    try {
      static_cast<void>(team.Share(jobs, Echo));
      ADD_FAILURE() << "expected an error";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "rank 1: the norm is nan");
    }
  }  // ends without a word of how
  one.join();
  EXPECT_EQ(end.exit_code, 1);
  EXPECT_THAT(end.message, HasSubstr("rank 0 has failed"));
}

TEST(RankTeam, ARankWithoutRankZeroEnds) {
  LocalRanks ranks(2);
  std::jthread one(
      [&] { EXPECT_THROW(static_cast<void>(ServeEcho(ranks, 1, "w")), LostRankError); });
  ranks.Join(0).reset();
}

}  // namespace
}  // namespace placer
