// `placer reproduce paper` as a user runs it: interrupted by SIGKILL and run again, it ends with
// the same bytes as when left alone.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <regex>
#include <thread>

#include "graphs/base/replace_file.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

pid_t Start(const fs::path& out) {
  const pid_t child = fork();
  if (child == 0) {
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    dup2(null, 2);
    const std::string folder = out.string();
    execl(BINARY_DIR "/placer", "placer", "reproduce", "paper", "--settings", "inception_v3-2gpu",
          "--methods", "expert,annealing", "--samples", "600", "--seeds", "3", "--jobs", "1",
          "--out", folder.c_str(), nullptr);
    _exit(127);
  }
  return child;
}

int WaitFor(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
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
  ASSERT_EQ(WaitFor(Start(dir / "whole")), 0);
  const auto whole = Found(dir / "whole");
  ASSERT_GE(whole.size(), 12U);
  // Killed when the first trial of annealing is done.
  const pid_t child = Start(dir / "killed");
  const fs::path first = dir / "killed/inception_v3-2gpu/annealing/seed-1/result.json";
  for (int i = 0; i < 20'000 && !fs::exists(first); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(fs::exists(first));
  kill(child, SIGKILL);
  WaitFor(child);
  EXPECT_FALSE(fs::exists(dir / "killed/table.md"));
  const std::string first_result = Read(first);
  ASSERT_EQ(WaitFor(Start(dir / "killed")), 0);
  EXPECT_EQ(Read(first), first_result);  // it did not run again
  EXPECT_EQ(Found(dir / "killed"), whole);
  EXPECT_THAT(Read(dir / "killed/table.md"), HasSubstr("Inception-V3 (32)"));
  for (const char* picture : {"curves", "differences"}) {
    const std::string name = picture == std::string("curves")
                                 ? "killed/inception_v3-2gpu-curves.svg"
                                 : "killed/differences.md";
    EXPECT_FALSE(Read(dir / name).empty());
  }
}

}  // namespace
}  // namespace placer
