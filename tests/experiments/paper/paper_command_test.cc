// `placer reproduce paper` as a user runs it: interrupted by SIGKILL and run again, it ends with
// the same bytes as when left alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <regex>
#include <thread>

#include "experiments/methods.h"
#include "graphs/base/replace_file.h"
#include "tests/experiments/child_command.h"
#include "tests/experiments/command_runner.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// One setting, trial by trial, into a folder.
std::vector<std::string> Arguments(const fs::path& out, const std::vector<std::string>& others) {
  std::vector<std::string> all = {"reproduce", "paper", "--settings", "inception_v3-2gpu",
                                  "--jobs",    "1",     "--out",      out.string()};
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

/// Runs the command until a file is there, at most for 20 seconds, and kills it.
void KillWhenThere(const std::vector<std::string>& arguments, const std::string& err_file,
                   const fs::path& awaited) {
  const test::ChildCommand child(arguments, err_file);
  for (int i = 0; i < 20'000 && !fs::exists(awaited); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  child.Send(SIGKILL);
  ASSERT_EQ(child.Wait(), -SIGKILL);
  ASSERT_TRUE(fs::exists(awaited));
}

std::string Read(const fs::path& path) { return ReadWholeFile(path); }

/// Placements whole; results without what depends on the clock.
std::map<std::string, std::string> Found(const fs::path& out) {
  std::map<std::string, std::string> found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(out)) {
    const std::string name = entry.path().filename().string();
    if (name == "placement.txtpb") {
      found[fs::relative(entry.path(), out)] = Read(entry.path());
    } else if (name == "result.json") {
      static const std::regex kWall("\"wall_seconds\": [^,\n]*");
      found[fs::relative(entry.path(), out)] =
          std::regex_replace(Read(entry.path()), kWall, "\"wall_seconds\"");
    }
  }
  return found;
}

TEST(PaperCommand, KilledAndRunAgainGivesTheSameBytes) {
  const test::TempDir dir;
  const std::vector<std::string> search = {"--methods", "expert,annealing", "--samples",
                                           "600",       "--seeds",          "3"};
  ASSERT_EQ(test::RunPlacer(Arguments(dir / "whole", search)).code, 0);
  const auto whole = Found(dir / "whole");
  ASSERT_GE(whole.size(), 12U);
  const fs::path first = dir / "killed/inception_v3-2gpu/annealing/seed-1/result.json";
  KillWhenThere(Arguments(dir / "killed", search), dir / "err", first);
  EXPECT_FALSE(fs::exists(dir / "killed/table.md"));
  const std::string first_result = Read(first);
  ASSERT_EQ(test::RunPlacer(Arguments(dir / "killed", search)).code, 0);
  EXPECT_EQ(Read(first), first_result);  // it did not run again
  EXPECT_EQ(Found(dir / "killed"), whole);
  EXPECT_THAT(Read(dir / "killed/table.md"), HasSubstr("Inception-V3 (32)"));
  EXPECT_FALSE(Read(dir / "killed/inception_v3-2gpu-curves.svg").empty());
  EXPECT_FALSE(Read(dir / "killed/differences.md").empty());
}

TEST(PaperCommand, KilledInATrialItGoesOnFromTheCheckpoint) {
  if (WhyNoLearning()) {
    GTEST_SKIP() << *WhyNoLearning();
  }
  const test::TempDir dir;
  const std::vector<std::string> learning = {
      "--methods", "reinforce", "--samples", "256",      "--seeds",
      "2",         "--option",  "hidden=8",  "--option", "checkpoint_every=2"};
  ASSERT_EQ(test::RunPlacer(Arguments(dir / "whole", learning)).code, 0);
  const auto whole = Found(dir / "whole");
  ASSERT_EQ(whole.size(), 5U);
  const fs::path seed = dir / "killed/inception_v3-2gpu/reinforce/seed-1";
  KillWhenThere(Arguments(dir / "killed", learning), dir / "err", seed / "checkpoint.bin");
  ASSERT_FALSE(fs::exists(seed / "result.json"));
  // What comes before the checkpoint is kept, a mark in it too; a trial that starts anew loses it.
  ReplaceFile(seed / "metrics.jsonl",
              std::regex_replace(Read(seed / "metrics.jsonl"), std::regex("\"update\":1,"),
                                 "\"update\":1,\"mark\":0,"));
  ASSERT_EQ(test::RunPlacer(Arguments(dir / "killed", learning)).code, 0);
  EXPECT_THAT(Read(seed / "metrics.jsonl"), HasSubstr("\"mark\":0"));
  EXPECT_EQ(Found(dir / "killed"), whole);
}

TEST(PaperCommand, JsonIsTheStoredTable) {
  const test::TempDir dir;
  const test::CommandResult result = test::RunPlacer(Arguments(
      dir / "out", {"--methods", "expert,annealing", "--samples", "20", "--seeds", "1", "--json"}));
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, Read(dir / "out/table.json"));
  EXPECT_EQ(result.json().at("paper_figures"), "recalled, not verified");
  EXPECT_EQ(result.json().at("settings").at(0).at("model"), "inception_v3");
}

TEST(PaperCommand, OptionsAreCheckedBeforeAnythingRuns) {
  const test::TempDir dir;
  for (const auto& [option, message] :
       {std::pair("hidden", "option: found 'hidden', expected NAME=VALUE"),
        std::pair("hidden=wide", "option hidden is 'wide', expected a number"),
        std::pair("width=8", "width")}) {
    const test::CommandResult result =
        test::RunPlacer(Arguments(dir / "out", {"--option", option}));
    EXPECT_EQ(result.code, 2) << option;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_FALSE(fs::exists(dir / "out"));
  }
}

}  // namespace
}  // namespace placer
