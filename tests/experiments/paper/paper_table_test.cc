#include "experiments/paper/paper_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace placer {
namespace {

using ::testing::HasSubstr;

PaperSetting Setting() {
  PaperSetting setting{PaperModels()[1], PaperModels()[1].rows[0]};  // NMT on 2 GPUs
  setting.num_ops = 7;
  setting.num_groups = 3;
  setting.bound_seconds = 0.5;
  setting.cells = {{kOneCpu, 10.72, {10.0}, 1},
                   {kOneGpu, std::nullopt, {}, 1},
                   {"expert", 4.99, {2.0, 2.0}, 2},
                   {"annealing", std::nullopt, {0.5, 1.5}, 2},
                   {"reinforce", 4.04, {1.0, 1.5}, 3}};
  return setting;
}

TEST(PaperTable, PutsOursThePapersAndTheRatioBelowEachOther) {
  std::ostringstream out;
  PrintPaperTable(out, {Setting()});
  EXPECT_THAT(out.str(), HasSubstr("| NMT (64) | 2 | ours | 10.00 | OOM | 2.00 | 1.00 | 1.25 |"));
  EXPECT_THAT(out.str(), HasSubstr("|  |  | paper (recalled) | 10.72 | OOM | 4.99 | - | 4.04 |"));
  EXPECT_THAT(out.str(), HasSubstr("|  |  | ours / paper | 0.93 | - | 0.40 | - | 0.31 |"));
  EXPECT_THAT(out.str(), HasSubstr("recalled, not verified"));
}

TEST(PaperTable, SpreadSaysHowManySeedsFitAndHowFarTheBoundIs) {
  std::ostringstream out;
  PrintPaperTable(out, {Setting()});
  // 1.25 / 0.5 - 1
  EXPECT_THAT(out.str(),
              HasSubstr("| reinforce | 1.250 s | 1.000 s | 1.500 s | 2 of 3 | 150.0 % |"));
  EXPECT_THAT(out.str(),
              HasSubstr("| 1 GPU | does not fit | does not fit | does not fit | 0 of 1"));
}

TEST(PaperTable, FasterAndShorterAreTheTwoWaysToSayIt) {
  std::ostringstream out;
  PrintPaperTable(out, {Setting()});
  // 2 / 1.25 - 1 and 1 - 1.25 / 2; the paper's 4.99 / 4.04 - 1 and 1 - 4.04 / 4.99.
  EXPECT_THAT(out.str(),
              HasSubstr("| NMT (64) | 2 | expert | +60.0 % | +37.5 % | - | +23.5 % | +19.0 % |"));
  EXPECT_THAT(out.str(), HasSubstr("| annealing | -20.0 % | -25.0 % | - | - | - |"));
}

/// Nine tenths, once eight tenths, of annealing's time; half of what one GPU takes, or more.
PaperSetting FiveSeeds() {
  PaperSetting setting{PaperModels()[0], PaperModels()[0].rows[0]};  // RNNLM on 2 GPUs
  setting.bound_seconds = 0.5;
  setting.cells = {{kOneGpu, 1.57, {2.0}, 1},
                   {"annealing", std::nullopt, {1.0, 1.0, 1.0, 2.0, 1.0}, 5},
                   {"reinforce", 1.57, {0.9, 0.9, 0.9, 1.6, 0.9}, 5}};
  return setting;
}

TEST(PaperTable, ClaimsHaveAnIntervalPairedBySeed) {
  const std::vector<PaperClaim> claims = ClaimsOf(FiveSeeds());
  ASSERT_EQ(claims.size(), 2U);
  const PaperClaim& annealing = claims[1];
  EXPECT_EQ(annealing.against, "annealing");
  EXPECT_NEAR(*annealing.shorter, 1 - 5.2 / 6, 1e-12);  // of the means
  // 0.1, 0.1, 0.1, 0.2, 0.1: mean 0.12, deviation 0.0447214, t of four degrees of freedom 2.776445.
  ASSERT_TRUE(annealing.shorter_at_same_seed && annealing.shorter_at_same_seed->interval);
  EXPECT_NEAR(annealing.shorter_at_same_seed->mean, 0.12, 1e-12);
  EXPECT_NEAR(annealing.shorter_at_same_seed->interval->low, 0.12 - 0.0555289, 1e-6);
  EXPECT_NEAR(annealing.shorter_at_same_seed->interval->high, 0.12 + 0.0555289, 1e-6);
  EXPECT_FALSE(annealing.paper_shorter);
  std::ostringstream out;
  PrintPaperTable(out, {FiveSeeds()});
  EXPECT_THAT(out.str(),
              HasSubstr("| annealing | +15.4 % | +13.3 % | +12.0 % (+6.4 % .. +17.6 %) | - | - |"));
}

TEST(PaperTable, WhatHasNoSeedsIsTheSameForEverySeed) {
  const PaperClaim gpu = ClaimsOf(FiveSeeds()).front();
  EXPECT_EQ(gpu.against, "best of 1 GPU, expert");
  ASSERT_TRUE(gpu.shorter_at_same_seed);
  EXPECT_NEAR(gpu.shorter_at_same_seed->mean, 1 - 1.04 / 2, 1e-12);
}

TEST(PaperTable, WhereASeedDoesNotFitNothingIsPaired) {
  PaperSetting setting = FiveSeeds();
  setting.cells[1].seconds.pop_back();
  EXPECT_TRUE(ClaimsOf(setting)[1].shorter);
  EXPECT_FALSE(ClaimsOf(setting)[1].shorter_at_same_seed);
  setting.cells.back().seconds.clear();
  EXPECT_TRUE(ClaimsOf(setting).empty());
}

TEST(PaperTable, TheBestOfOneGpuAndTheExpert) {
  PaperSetting setting = Setting();
  EXPECT_EQ(setting.BestOfGpuAndExpert()->method, "expert");
  setting.cells[1].seconds = {1.75};
  EXPECT_EQ(setting.BestOfGpuAndExpert()->method, kOneGpu);
  EXPECT_EQ(setting.name(), "nmt-2gpu");
  EXPECT_EQ(setting.cell("expert").trials, 2U);
  EXPECT_THROW((void)setting.cell("nobody"), std::logic_error);
}

TEST(PaperTable, JsonHoldsEverySeed) {
  const nlohmann::ordered_json json = ToJson(Setting());
  EXPECT_EQ(json.at("cells").at(4).at("seconds"), (std::vector<double>{1.0, 1.5}));
  EXPECT_EQ(json.at("cells").at(4).at("paper_seconds"), 4.04);
  EXPECT_TRUE(json.at("cells").at(3).at("paper_seconds").is_null());
  const nlohmann::ordered_json claim = ToJson(FiveSeeds()).at("reinforce").at(1);
  EXPECT_EQ(claim.at("against"), "annealing");
  EXPECT_NEAR(claim.at("shorter_by_at_same_seed_95").at(0), 0.12 - 0.0555289, 1e-6);
  EXPECT_TRUE(claim.at("paper_faster_by").is_null());
}

TEST(PaperModels, HaveTheGroupsAndRowsOfThePaper) {
  ASSERT_EQ(PaperModels().size(), 3U);
  for (const PaperModel& model : PaperModels()) {
    EXPECT_EQ(model.max_groups, model.paper_groups);
    ASSERT_EQ(model.rows.size(), 2U);
    EXPECT_EQ(model.rows[0].num_gpus, 2U);
    EXPECT_EQ(model.rows[1].num_gpus, 4U);
  }
}

}  // namespace
}  // namespace placer
