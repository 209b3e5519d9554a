#include "experiments/sweep/sweep_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <span>
#include <thread>

#include "experiments/sweep/detail/sweep_database.h"
#include "experiments/sweep/sweep_plan.h"
#include "experiments/sweep/sweep_results.h"
#include "graphs/base/error.h"
#include "tests/experiments/sweep/other_process.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Pair;

PlannedTrial Trial(const std::string& key) {
  return {key, "method: \"etf\"", {{"method", "etf"}, {"seed", key}}};
}

TrialResult SomeResult() {
  TrialResult result;
  result.message = "found";
  result.metrics = {{"feasible", 1}, {"step_time_seconds", 0.125}};
  result.curve = {{1, Seconds(0.5)}, {7, Seconds(0.125)}};
  result.placement = SavedPlacement{};
  result.placement->graph_name = "g";
  result.placement->device_of_op = {{"a", "/gpu:0"}};
  return result;
}

class SweepStoreTest : public ::testing::Test {
 protected:
  [[nodiscard]] SweepStore Open() const { return SweepStore::Open(path_); }
  test::TempDir dir_;
  std::filesystem::path path_ = dir_ / "sweep.db";
};

TEST_F(SweepStoreTest, KeepsEverythingOfATrial) {
  {
    SweepStore store = Open();
    store.SetPlan("demo", "config", std::vector{Trial("k1"), Trial("k2")});
    EXPECT_TRUE(store.Claim("k2"));
    store.Finish("k2", SomeResult());
  }
  const SweepStore store = SweepStore::OpenToRead(path_.parent_path());
  EXPECT_EQ(store.name(), "demo");
  EXPECT_EQ(store.config(), "config");
  const std::vector<StoredTrial> trials = store.Trials();
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_EQ(trials[0].state, TrialState::kPending);
  EXPECT_EQ(trials[0].process, "");
  EXPECT_EQ(trials[1].state, TrialState::kDone);
  EXPECT_EQ(trials[1].axes, Trial("k2").axes);
  EXPECT_EQ(trials[1].axis("seed"), "k2");
  EXPECT_EQ(trials[1].attempts, 1);
  EXPECT_EQ(trials[1].message, "found");
  EXPECT_EQ(trials[1].metrics, SomeResult().metrics);
  EXPECT_TRUE(trials[1].feasible());
  EXPECT_THAT(trials[1].process, HasSubstr(", placer "));
  EXPECT_EQ(trials[1].environment, ThisEnvironment());
  EXPECT_EQ(trials[0].environment, std::nullopt);
  EXPECT_EQ(store.Placement("k2"), SomeResult().placement);
  EXPECT_EQ(store.Placement("k1"), std::nullopt);
  const LearningCurve curve = store.Curve("k2");
  ASSERT_EQ(curve.size(), 2U);
  EXPECT_EQ(curve[1].samples, 7);
  EXPECT_EQ(curve[1].best.count(), 0.125);
}

TEST_F(SweepStoreTest, AnotherPlanKeepsFinishedTrialsAndPutsOthersAside) {
  SweepStore store = Open();
  store.SetPlan("demo", "", std::vector{Trial("k1"), Trial("k2")});
  ASSERT_TRUE(store.Claim("k1"));
  store.Finish("k1", SomeResult());
  store.SetPlan("demo", "", std::vector{Trial("k3"), Trial("k1")});
  const std::vector<StoredTrial> trials = store.Trials();
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_EQ(trials[0].key, "k3");
  EXPECT_EQ(trials[1].state, TrialState::kDone);
  EXPECT_EQ(store.NumOutsidePlan(), 1U);
}

TEST_F(SweepStoreTest, TrialsOutsideThePlanAreKnownByKey) {
  SweepStore store = Open();
  store.SetPlan("demo", "", std::vector{Trial("k1"), Trial("k2"), Trial("k3")});
  ASSERT_TRUE(store.Claim("k1"));
  store.Finish("k1", SomeResult());
  test::OtherProcess other(path_, "k3");
  ASSERT_TRUE(other.has_claimed());
  store.SetPlan("demo", "", std::vector{Trial("k2")});
  EXPECT_THAT(store.States(),
              ElementsAre(Pair("k1", TrialState::kDone), Pair("k2", TrialState::kPending),
                          Pair("k3", TrialState::kRunning)));
  other.Kill();
  EXPECT_EQ(store.States().at("k3"), TrialState::kPending);
  const std::vector<StoredTrial> all = store.AllTrials();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].key, "k2");
  EXPECT_EQ(all[1].key, "k1");
  EXPECT_EQ(all[1].metrics, SomeResult().metrics);
  EXPECT_TRUE(all[1].axes.empty());
  EXPECT_EQ(all[2].state, TrialState::kPending);
  EXPECT_EQ(MergeAllTrials(std::span(&store, 1)).size(), 3U);
  EXPECT_EQ(MergeTrials(std::span(&store, 1)).size(), 1U);
}

TEST_F(SweepStoreTest, APlanFindsItsTrialsWhateverTheStoresPlanIs) {
  SweepStore store = Open();
  store.SetPlan("demo", "", std::vector{Trial("k1"), Trial("k2")});
  ASSERT_TRUE(store.Claim("k1"));
  store.Finish("k1", SomeResult());
  store.SetPlan("other", "", std::vector{Trial("k3")});
  SweepPlan plan;
  for (const char* key : {"k0", "k1"}) {
    SweepTrial trial;
    trial.key = key;
    trial.axes.push_back({"method", key});
    plan.trials.push_back(trial);
  }
  const PlanResults results = ResultsOf(plan, std::span<const SweepStore>(&store, 1));
  EXPECT_EQ(results.others, 2U);
  const std::vector<StoredTrial> trials = TrialsOf(plan, store);
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_EQ(trials[0].state, TrialState::kPending);
  EXPECT_EQ(trials[1].state, TrialState::kDone);
  EXPECT_EQ(trials[1].axis("method"), "k1");
  EXPECT_EQ(trials[1].metrics, SomeResult().metrics);
}

TEST_F(SweepStoreTest, IsReadWhereNothingCanBeWritten) {
  const std::filesystem::path folder = dir_ / "50% a?b#c";
  std::filesystem::create_directories(folder);
  const std::filesystem::path path = folder / "sweep.db";
  {
    SweepStore store = SweepStore::Open(path);
    store.SetPlan("demo", "", std::vector{Trial("k1"), Trial("k2")});
  }
  EXPECT_EQ(ImmutableUri(path, /*folder_is_writable=*/true), std::nullopt);
  const std::optional<std::string> uri = ImmutableUri(path, /*folder_is_writable=*/false);
  ASSERT_TRUE(uri.has_value());
  EXPECT_THAT(*uri, EndsWith("/50%25 a%3fb%23c/sweep.db?immutable=1"));
  {
    SQLite::Database database(*uri, SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    EXPECT_EQ(database.execAndGet("SELECT count(*) FROM trials").getInt(), 2);
    EXPECT_FALSE(std::filesystem::exists(folder / "sweep.db-shm"));
  }
  std::filesystem::permissions(
      folder, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  EXPECT_EQ(SweepStore::OpenToRead(folder).Trials().size(), 2U);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
}

TEST_F(SweepStoreTest, WhatWaitsInTheLogIsNotPassedOver) {
  SweepStore store = Open();
  store.SetPlan("demo", "", std::vector{Trial("k1")});
  ASSERT_GT(std::filesystem::file_size(dir_ / "sweep.db-wal"), 0U);
  EXPECT_EQ(ImmutableUri(path_, /*folder_is_writable=*/false), std::nullopt);
  EXPECT_EQ(ImmutableUri(dir_ / "none.db", /*folder_is_writable=*/false), std::nullopt);
}

TEST_F(SweepStoreTest, MessagesAreUtf8) {
  SweepStore store = Open();
  store.SetPlan("demo", "", std::vector{Trial("k")});
  ASSERT_TRUE(store.Claim("k"));
  TrialResult result;
  result.state = TrialState::kCrashed;
  result.message = "gr\xfc\xdf";  // as builds that did not look at it wrote it
  store.Finish("k", result);
  EXPECT_EQ(store.Trials()[0].message, "gr??");
}

TEST_F(SweepStoreTest, OneProcessHasATrialAtATime) {
  SweepStore one = Open();
  one.SetPlan("demo", "", std::vector{Trial("k")});
  SweepStore two = Open();
  EXPECT_TRUE(one.Claim("k"));
  EXPECT_FALSE(two.Claim("k"));
  EXPECT_FALSE(one.Claim("k"));
  EXPECT_EQ(two.Trials()[0].state, TrialState::kRunning);
  one.Release("k");
  EXPECT_TRUE(two.Claim("k"));
  two.Finish("k", SomeResult());
  EXPECT_FALSE(one.Claim("k"));
  EXPECT_EQ(one.Trials()[0].attempts, 2);
}

TEST_F(SweepStoreTest, WhatAKilledProcessHadIsPending) {
  SweepStore store = Open();
  store.SetPlan("demo", "", std::vector{Trial("k")});
  test::OtherProcess other(path_, "k");
  ASSERT_TRUE(other.has_claimed());
  EXPECT_FALSE(store.Claim("k"));
  other.Kill();
  EXPECT_EQ(store.Trials()[0].state, TrialState::kPending);
  EXPECT_TRUE(store.Claim("k"));
}

TEST_F(SweepStoreTest, ManyWritersLoseNothing) {
  constexpr int kThreads = 4, kTrials = 20;
  std::vector<PlannedTrial> plan;
  for (int i = 0; i < kThreads * kTrials; ++i) {
    plan.push_back(Trial("k" + std::to_string(i)));
  }
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        SweepStore store = Open();  // the first ones make the file at the same time
        store.SetPlan("demo", "", plan);
        for (int i = t; i < kThreads * kTrials; i += kThreads) {
          EXPECT_TRUE(store.Claim(plan[static_cast<std::size_t>(i)].key));
          store.Finish(plan[static_cast<std::size_t>(i)].key, SomeResult());
        }
      });
    }
  }
  for (const StoredTrial& trial : Open().Trials()) {
    EXPECT_EQ(trial.state, TrialState::kDone);
    EXPECT_EQ(trial.attempts, 1);
  }
}

TEST_F(SweepStoreTest, UnsuccessfulTrialsCanBeTriedAgain) {
  SweepStore store = Open();
  store.SetPlan("demo", "", std::vector{Trial("k1"), Trial("k2"), Trial("k3")});
  for (const auto& [key, state] :
       {std::pair("k1", TrialState::kDone), std::pair("k2", TrialState::kFailed),
        std::pair("k3", TrialState::kCrashed)}) {
    ASSERT_TRUE(store.Claim(key));
    TrialResult result;
    result.state = state;
    store.Finish(key, result);
    EXPECT_FALSE(store.Claim(key));
  }
  EXPECT_EQ(store.RetryUnsuccessful(), 2U);
  EXPECT_FALSE(store.Claim("k1"));
  EXPECT_TRUE(store.Claim("k2"));
  EXPECT_TRUE(store.Claim("k3"));
}

TEST_F(SweepStoreTest, AShardTriesOnlyItsOwnTrialsAgain) {
  SweepStore store = Open();
  store.SetPlan("demo", "", std::vector{Trial("old")});
  const std::vector<PlannedTrial> plan = {Trial("k0"), Trial("k1"), Trial("k2"), Trial("k3")};
  store.SetPlan("demo", "", plan);
  TrialResult crash;
  crash.state = TrialState::kCrashed;
  for (const char* key : {"old", "k0", "k1", "k2", "k3"}) {
    ASSERT_TRUE(store.Claim(key));
    store.Finish(key, crash);
  }
  EXPECT_EQ(store.RetryUnsuccessful({.index = 1, .count = 2}), 2U);
  const std::vector<StoredTrial> trials = store.Trials();
  for (std::size_t i = 0; i < trials.size(); ++i) {
    EXPECT_EQ(trials[i].state, i % 2 == 1 ? TrialState::kPending : TrialState::kCrashed) << i;
  }
  EXPECT_EQ(store.RetryUnsuccessful(), 2U);
  EXPECT_FALSE(store.Claim("old"));  // not in the plan any more
}

TEST_F(SweepStoreTest, MergesTheStoresOfSeveralMachines) {
  std::vector<SweepStore> stores;
  stores.push_back(Open());
  stores.push_back(SweepStore::Open(dir_ / "other.db"));
  for (SweepStore& store : stores) {
    store.SetPlan("demo", "", std::vector{Trial("k1"), Trial("k2")});
  }
  ASSERT_TRUE(stores[1].Claim("k2"));
  stores[1].Finish("k2", SomeResult());
  const std::vector<MergedTrial> merged = MergeTrials(stores);
  ASSERT_EQ(merged.size(), 2U);
  EXPECT_EQ(merged[0].trial.state, TrialState::kPending);
  EXPECT_EQ(merged[1].trial.state, TrialState::kDone);
  EXPECT_EQ(merged[1].store, 1U);
}

TEST_F(SweepStoreTest, GoesOnWithAStoreOfTheFirstVersion) {
  {
    SweepStore store = Open();
    store.SetPlan("demo", "", std::vector{Trial("k1"), Trial("k2")});
    ASSERT_TRUE(store.Claim("k1"));
    store.Finish("k1", SomeResult());
  }
  {
    SQLite::Database database(path_.string(), SQLite::OPEN_READWRITE);
    database.exec("ALTER TABLE processes DROP COLUMN environment");
    database.exec("PRAGMA user_version = 1");
  }
  try {
    static_cast<void>(SweepStore::OpenToRead(path_));
    ADD_FAILURE() << "expected an error";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("is a sweep store of version 1, expected 2"));
  }
  SweepStore store = Open();
  EXPECT_TRUE(store.Claim("k2"));
  const std::vector<StoredTrial> trials = store.Trials();
  EXPECT_EQ(trials[0].state, TrialState::kDone);
  EXPECT_EQ(trials[0].environment, std::nullopt);
  EXPECT_EQ(trials[1].environment, ThisEnvironment());
}

TEST_F(SweepStoreTest, RefusesOtherFiles) {
  const auto fault = [](const std::filesystem::path& path) -> std::string {
    try {
      static_cast<void>(SweepStore::OpenToRead(path));
    } catch (const InputError& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_THAT(fault(dir_ / "none.db"), HasSubstr("none.db: does not exist"));
  EXPECT_THAT(fault(dir_.Write("bad.db", std::string(5000, 'x'))), HasSubstr("bad.db: "));
  EXPECT_THAT(fault(dir_.Write("empty.db", "")), HasSubstr("something else"));
  EXPECT_THROW(static_cast<void>(SweepStore::Open("/nonexistent/x/sweep.db")), InputError);
}

}  // namespace
}  // namespace placer
