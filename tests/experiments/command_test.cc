// Usage, exit codes and one-line errors: what scripts rely on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "graphs/zoo.h"
#include "tests/experiments/command_runner.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

using test::CommandResult;
using test::RunPlacer;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// The command fails with `code` and says why in exactly one line. Where LibTorch is missing
/// another line may warn of methods that are left out.
void ExpectFault(const CommandResult& result, int code, const std::string& part) {
  EXPECT_EQ(result.code, code) << result.err;
  EXPECT_THAT(result.err, HasSubstr(part));
  std::vector<std::string> lines = test::Lines(result.err);
  if (!lines.empty() && lines.front().starts_with("placer: warning: methods that learn are left")) {
    lines.erase(lines.begin());
  }
  ASSERT_EQ(lines.size(), 1U) << result.err;
  EXPECT_THAT(lines.front(), StartsWith("placer: error: "));
}

TEST(Command, HelpIsNoError) {
  const CommandResult help = RunPlacer({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* verb : {"optimize", "compare", "train", "simulate", "inspect", "check", "zoo"}) {
    EXPECT_THAT(help.out, HasSubstr(verb));
    const CommandResult own = RunPlacer({verb, "--help"});
    EXPECT_EQ(own.code, 0) << verb;
    EXPECT_THAT(own.out, HasSubstr("--json"));
  }
  EXPECT_THAT(RunPlacer({"--version"}).out, StartsWith("placer "));
}

TEST(Command, UsageErrorsReturnTwo) {
  ExpectFault(RunPlacer({}), 2, "subcommand");
  ExpectFault(RunPlacer({"frobnicate"}), 2, "");
  ExpectFault(RunPlacer({"optimize"}), 2, "MODEL");
  ExpectFault(RunPlacer({"optimize", "zoo:rnnlm"}), 2, "--cluster");
  ExpectFault(RunPlacer({"inspect", "zoo:rnnlm", "--bogus"}), 2, "--bogus");
}

TEST(Command, OptionsAreChecked) {
  const test::TestFiles files;
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> args = {"optimize", files.model, "--cluster", files.cluster};
    args.insert(args.end(), more.begin(), more.end());
    return RunPlacer(args);
  };
  ExpectFault(run({"--samples", "0"}), 2, "--samples");
  ExpectFault(run({"--samples", "many"}), 2, "--samples");
  ExpectFault(run({"--seconds", "-1"}), 2, "--seconds");
  ExpectFault(run({"--objective", "beauty"}), 2, "expected latency or max-load");
  ExpectFault(run({"--order", "lifo"}), 2, "expected fifo or critical-path");
  ExpectFault(run({"--space", "layers"}), 2, "expected groups, scopes or ops");
  ExpectFault(run({"--space", "ops", "--groups", "4"}), 2, "groups");
  ExpectFault(run({"--training", "--optimizer", "lion"}), 2, "expected sgd, momentum or adam");
  ExpectFault(run({"--optimizer", "adam"}), 2, "training");
  ExpectFault(run({"--batch", "-4"}), 2, "--batch");
}

TEST(Command, UnknownNamesListTheKnownOnes) {
  const test::TestFiles files;
  ExpectFault(RunPlacer({"optimize", files.model, "--cluster", files.cluster, "--method", "magic"}),
              2, "annealing");
  ExpectFault(
      RunPlacer({"compare", files.model, "--cluster", files.cluster, "--methods", "heft,magic"}), 2,
      "annealing");
  ExpectFault(RunPlacer({"compare", files.model, "--cluster", files.cluster, "--methods", ","}), 2,
              "empty");
  ExpectFault(RunPlacer({"inspect", "zoo:alexnet"}), 2, "inception_v3");
  ExpectFault(RunPlacer({"optimize", files.model, "--cluster", "zoo:tpu"}), 2, "k80x4");
  ExpectFault(RunPlacer({"zoo", "--write", "tpu", "-o", (files.dir / "c.txtpb").string()}), 2,
              "k80x4");
}

TEST(Command, MissingAndBrokenFilesAreNamed) {
  const test::TestFiles files;
  const std::string none = (files.dir / "none.onnx").string();
  ExpectFault(RunPlacer({"inspect", none}), 2, none);
  ExpectFault(RunPlacer({"optimize", files.model, "--cluster", none}), 2, none);
  ExpectFault(RunPlacer({"simulate", files.model, "--cluster", files.cluster, "--placement", none}),
              2, none);
  ExpectFault(RunPlacer({"check", none, files.model, "--cluster", files.cluster}), 2, none);
  const std::string garbage = files.dir.Write("garbage.onnx", "\x01\x02 no model");
  ExpectFault(RunPlacer({"inspect", garbage}), 2, garbage);
  ExpectFault(RunPlacer({"optimize", files.model, "--cluster", garbage}), 2, garbage);
}

// The model does not exist: a fault of the output named instead proves that it is found first.
TEST(Command, UnwritableOutputIsFoundBeforeTheWork) {
  const test::TestFiles files;
  const std::string bad = (files.dir / "none/plan.txtpb").string();
  ExpectFault(RunPlacer({"optimize", "none.onnx", "--cluster", files.cluster, "-o", bad}), 2, bad);
  ExpectFault(RunPlacer({"simulate", "none.onnx", "--cluster", files.cluster, "--placement", "p",
                         "--trace", bad}),
              2, bad);
  ExpectFault(RunPlacer({"import", "none.onnx", "-o", bad}), 2, bad);
  ExpectFault(RunPlacer({"export", "none.txtpb", "-o", bad}), 2, bad);
  ExpectFault(RunPlacer({"optimize", "none.onnx", "--cluster", files.cluster, "-o", "plan.docx"}),
              2, "unknown suffix '.docx'");
}

TEST(Command, ZooListsAndWrites) {
  const test::TempDir dir;
  const CommandResult text = RunPlacer({"zoo"});
  EXPECT_EQ(text.code, 0);
  EXPECT_THAT(text.out, HasSubstr("inception_v3"));
  EXPECT_THAT(text.out, HasSubstr("unroll"));
  EXPECT_THAT(text.out, HasSubstr("k80x4"));

  const nlohmann::json lists = RunPlacer({"zoo", "--json"}).json();
  EXPECT_EQ(lists.at("models").size(), GraphZoo().size());
  EXPECT_EQ(lists.at("clusters").size(), ClusterZoo().size());

  const std::string cluster = (dir / "k80x2.txtpb").string();
  const std::string model = (dir / "rnnlm.pb").string();
  EXPECT_EQ(RunPlacer({"zoo", "--write", "zoo:k80x2", "-o", cluster}).code, 0);
  EXPECT_EQ(RunPlacer({"zoo", "--write", "rnnlm?unroll=2", "-o", model}).code, 0);
  EXPECT_EQ(ReadCluster(cluster), MakeZooCluster("k80x2"));
  EXPECT_EQ(ReadGraph(model), MakeZooGraph("rnnlm?unroll=2"));
  EXPECT_EQ(RunPlacer({"zoo", "--write", "k80x2"}).code, 2);
}

TEST(Command, InspectCountsByHand) {
  const test::TestFiles files;
  const nlohmann::json json =
      RunPlacer({"inspect", files.model, "--cluster", files.cluster, "--json"}).json();
  const auto& model = json.at("model");
  EXPECT_EQ(model.at("ops"), 4);
  EXPECT_EQ(model.at("tensors"), 4);
  EXPECT_EQ(model.at("flops"), 220);
  EXPECT_EQ(model.at("activation_bytes"), 4);
  EXPECT_EQ(model.at("types").at(0).at("type"), "MatMul");
  const auto& cluster = json.at("cluster");
  EXPECT_NEAR(cluster.at("critical_path_seconds"), 120e-12, 1e-18);
  EXPECT_NEAR(cluster.at("work_seconds"), 220e-12, 1e-18);
  EXPECT_NEAR(cluster.at("best_single_device").at("step_time_seconds"), 220e-12, 1e-18);
  EXPECT_EQ(cluster.at("head_room"), "");
  const CommandResult text = RunPlacer({"inspect", files.model, "--cluster", files.cluster});
  EXPECT_THAT(text.out, HasSubstr("work / critical path 1.83"));
}

TEST(Command, InspectSaysWhenThereIsNoHeadRoom) {
  GraphBuilder builder("chain");
  const OpId one = builder.AddOp(test::ComputeOp("one", 10), {}, {test::Bytes(1)});
  builder.AddOp(test::ComputeOp("two", 10), {builder.Output(one)}, {test::Bytes(1)});
  const test::TestFiles files(std::move(builder).Build(), test::TwoDevices());
  EXPECT_THAT(RunPlacer({"inspect", files.model, "--cluster", files.cluster}).out,
              HasSubstr("no head-room"));
}

TEST(Command, ImportAndExportConvert) {
  const test::TestFiles files;
  const std::string model = (files.dir / "model.json").string();
  EXPECT_EQ(RunPlacer({"import", files.model, "-o", model}).code, 0);
  EXPECT_EQ(ReadGraph(model), test::TwoBranches());
  ASSERT_EQ(RunPlacer({"optimize", files.model, "--cluster", files.cluster, "--method",
                       "single_device", "-o", files.plan})
                .code,
            0);
  EXPECT_EQ(RunPlacer({"export", files.plan, "-o", (files.dir / "plan.csv").string()}).code, 0);
  EXPECT_THAT(files.dir.Read("plan.csv"), HasSubstr("first"));
}

}  // namespace
}  // namespace placer
