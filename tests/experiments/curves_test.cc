#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/replace_file.h"
#include "tests/experiments/command_runner.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

using test::CommandResult;
using test::RunPlacer;
using ::testing::HasSubstr;

/// A run of annealing over two seeds.
struct FinishedRun {
  test::TestFiles files;
  std::string dir = (files.dir / "run").string();
  FinishedRun() {
    ReplaceFile(files.dir / "toy.txtpb", "model: \"" + files.model + "\" cluster: \"" +
                                             files.cluster +
                                             "\" method: \"annealing\" samples: 40 "
                                             "seeds: [1, 2] output_dir: \"" +
                                             dir + "\"");
    EXPECT_EQ(RunPlacer({"train", (files.dir / "toy.txtpb").string()}).code, 0);
  }
};

TEST(Curves, DrawsARun) {
  const FinishedRun run;
  const std::string out = (run.files.dir / "c.svg").string();
  const CommandResult result =
      RunPlacer({"curves", run.dir, "-o", out, "--baseline", "expert=2e-10"});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string picture = run.files.dir.Read("c.svg");
  EXPECT_THAT(picture, HasSubstr("toy (annealing)"));
  EXPECT_THAT(picture, HasSubstr("expert"));
}

TEST(Curves, RefusesWhatItCannotRead) {
  const FinishedRun run;
  const std::string out = (run.files.dir / "c.svg").string();
  EXPECT_EQ(RunPlacer({"curves", run.dir, "-o", (run.files.dir / "c.png").string()}).code, 2);
  for (const char* text :
       {"expert", "=1", "expert=", "expert=x", "expert=-1", "expert=1s", "expert=nan"}) {
    const CommandResult result = RunPlacer({"curves", run.dir, "-o", out, "--baseline", text});
    EXPECT_EQ(result.code, 2) << text;
    EXPECT_THAT(result.err, HasSubstr("expected NAME=SECONDS"));
  }
  const CommandResult missing = RunPlacer({"curves", run.dir + "x", "-o", out});
  EXPECT_EQ(missing.code, 2);
  EXPECT_EQ(test::Lines(missing.err).size(), 1U);
}

}  // namespace
}  // namespace placer
