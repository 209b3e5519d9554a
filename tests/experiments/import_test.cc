#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cost_model/cluster_io.h"
#include "graphs/graph_io.h"
#include "tests/experiments/command_runner.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using test::CommandResult;
using test::RunPlacer;
using ::testing::HasSubstr;

const std::string kFolder = std::string(TEST_DATA_DIR) + "/importers/";

TEST(Import, WritesAWorkloadWithItsClusterAndTheLoadsOfASplit) {
  const test::TempDir dir;
  const std::string graph = (dir / "w.pb").string();
  const std::string cluster = (dir / "c.txtpb").string();
  const std::string plan = (dir / "p.txtpb").string();
  const CommandResult imported = RunPlacer(
      {"import", kFolder + "partitioning/gnmt_inference.json", "-o", graph, "--cluster-output",
       cluster, "--split", kFolder + "partitioning/experts/gnmt_inference_expert.json",
       "--plan-output", plan});
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("max load 46.208451171875 ms"));
  EXPECT_EQ(ReadGraph(graph).num_ops(), 96U);
  EXPECT_EQ(ReadCluster(cluster).num_devices(), 7U);
  const CommandResult simulated = RunPlacer(
      {"simulate", graph, "--placement", plan, "--cluster", cluster, "--objective", "max-load"});
  EXPECT_EQ(simulated.code, 0) << simulated.err;
  EXPECT_THAT(simulated.out, HasSubstr("46.208 ms"));
}

TEST(Import, PrintsOneJsonObject) {
  const test::TempDir dir;
  const std::string graph = (dir / "w.pb").string();
  const CommandResult alone =
      RunPlacer({"import", kFolder + "pipedream/alexnet.graph.txt", "-o", graph, "--json"});
  ASSERT_EQ(alone.code, 0) << alone.err;
  EXPECT_EQ(alone.json().at("graph").at("ops"), ReadGraph(graph).num_ops());
  EXPECT_EQ(alone.json().at("output"), graph);
  EXPECT_FALSE(alone.json().contains("split"));
  const CommandResult split =
      RunPlacer({"import", kFolder + "partitioning/gnmt_inference.json", "-o", graph, "--split",
                 kFolder + "partitioning/experts/gnmt_inference_expert.json", "--json"});
  ASSERT_EQ(split.code, 0) << split.err;
  const nlohmann::json printed = split.json();
  EXPECT_EQ(printed.at("graph").at("ops"), 96);
  EXPECT_DOUBLE_EQ(printed.at("split").at("max_load_seconds"), 46.208451171875e-3);
  std::size_t nodes = 0;
  for (const auto& device : printed.at("split").at("devices")) {
    nodes += device.at("nodes").get<std::size_t>();
  }
  EXPECT_EQ(nodes, 96U);
}

TEST(Import, SaysWhatAFileDoesNotKnow) {
  const test::TempDir dir;
  const CommandResult result =
      RunPlacer({"import", kFolder + "pipedream/alexnet.graph.txt", "-o", (dir / "g.pb").string(),
                 "--cluster-output", (dir / "c.txtpb").string()});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("does not say which devices it is about"));
  EXPECT_TRUE(dir.IsEmpty());
}

TEST(Import, ReadsEveryKindOfFile) {
  const test::TempDir dir;
  const std::string graph = (dir / "g.pb").string();
  for (const std::string file :
       {"graphdef/convnet.txtpb", "pipedream/alexnet.graph.txt", "doppler/chain_mm_112nodes.txt",
        "partitioning/tiny.json", "placer/tiny.txtpb"}) {
    const CommandResult result = RunPlacer({"import", kFolder + file, "-o", graph});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(RunPlacer({"inspect", graph}).code, 0);
  }
}

}  // namespace
}  // namespace placer
