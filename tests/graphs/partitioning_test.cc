#include "graphs/partitioning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "graphs/base/error.h"
#include "graphs/model_file.h"
#include "tests/support/temp_dir.h"

namespace placer {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kFolder = std::string(TEST_DATA_DIR) + "/importers/partitioning/";

std::string Printed(const char* format, double number) {
  char text[64];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

/// The maximum as it prints in full, then every load with four digits.
std::vector<std::string> LoadsOf(const std::string& workload) {
  const Graph graph = LoadModel(kFolder + workload + ".json").graph;
  const auto split = ReadPartitioningSplit(kFolder + "experts/" + workload + "_expert.json", graph);
  std::vector<std::string> printed{""};
  double most = 0;
  for (const double load : SplitLoadsMs(split, graph)) {
    most = std::max(most, load);
    printed.push_back(Printed("%.4f", load));
  }
  printed.front() = Printed("%.15g", most);
  return printed;
}

// Computed by a program of its own from the published files; the CPU, last, holds nothing.
TEST(PartitioningLoads, OfTheExpertsReproduceToTheLastDigit) {
  EXPECT_THAT(LoadsOf("bert24_inference"),
              ElementsAre("20.083953125", "15.0640", "14.3969", "14.4179", "14.2319", "14.2309",
                          "20.0840", "0.0000"));
  EXPECT_THAT(LoadsOf("bert24_training"),
              ElementsAre("49.40490625", "34.3199", "33.6058", "33.5958", "33.5188", "33.4068",
                          "49.4049", "0.0000"));
  EXPECT_THAT(LoadsOf("gnmt_inference"),
              ElementsAre("46.208451171875", "31.9022", "21.1974", "29.6266", "32.1636", "21.5757",
                          "46.2085", "0.0000"));
  EXPECT_THAT(LoadsOf("gnmt_training"),
              ElementsAre("137.15390234375", "90.4084", "62.4458", "81.3481", "89.2951", "60.0233",
                          "137.1539", "0.0000"));
}

/// a -> b, c; b and c share a colour; b runs on CPUs only.
const std::string kWorkload = R"({
  "maxSizePerFPGA": 1000, "maxFPGAs": 2, "maxCPUs": 1,
  "nodes": [
    {"id": 7, "name": "MatMul1", "supportedOnFpga": 1, "cpuLatency": 8, "fpgaLatency": 2.5,
     "isBackwardNode": 0, "size": 300},
    {"id": 8, "supportedOnFpga": false, "cpuLatency": 3, "fpgaLatency": 0, "isBackwardNode": true,
     "colorClass": 4, "size": 20.0},
    {"id": 9, "name": "MatMul1", "cpuLatency": 1, "fpgaLatency": 0.5, "colorClass": null}],
  "edges": [
    {"sourceId": 7, "destId": 8, "cost": 0.25, "size": 64},
    {"sourceId": 7, "destId": 9, "cost": 0.25, "size": 64}]})";

TEST(ImportPartitioning, KeepsTimesMemoryColoursAndCosts) {
  const LoadedModel model = ImportPartitioning(ModelFile("w.json", kWorkload));
  const Graph& graph = model.graph;
  ASSERT_EQ(graph.num_ops(), 3U);
  const Op& a = graph.op(OpId(0));
  EXPECT_EQ(a.name, "MatMul1");
  EXPECT_EQ(a.type, "MatMul");
  EXPECT_EQ(a.source_name, "7");
  EXPECT_EQ(a.role, OpRole::kForward);
  EXPECT_THAT(a.times,
              ElementsAre(OpTime{"cpu", Seconds(8e-3)}, OpTime{"accelerator", Seconds(2.5e-3)}));
  EXPECT_EQ(a.persistent_bytes, 300);
  EXPECT_EQ(graph.tensor(TensorId(0)).bytes, 64);
  EXPECT_EQ(graph.tensor(TensorId(0)).held_bytes, 0);
  EXPECT_EQ(graph.tensor(TensorId(0)).copy_time, Seconds(0.25e-3));
  const Op& b = graph.op(OpId(1));
  EXPECT_EQ(b.name, "node8");
  EXPECT_EQ(b.role, OpRole::kBackward);
  EXPECT_EQ(b.colocation_group, "color:4");
  EXPECT_THAT(b.allowed_devices, ElementsAre("cpu"));
  EXPECT_EQ(graph.op(OpId(2)).name, "MatMul1_2");
  EXPECT_EQ(graph.op(OpId(2)).colocation_group, "");
  ASSERT_TRUE(model.devices);
  EXPECT_THAT(model.devices->pools,
              ElementsAre(DevicePool{"accelerator", 2, 1000, 1e12},
                          DevicePool{"cpu", 1, std::int64_t{1} << 50U, 1e12}));
}

TEST(PartitioningLoads, CountEveryTransferOnceOnEachSideAndNoneOnCpus) {
  const Graph graph = ImportPartitioning(ModelFile("w.json", kWorkload)).graph;
  const test::TempDir dir;
  const std::string split = dir.Write(
      "split.json", R"({"fpgas": [{"nodes": [7]}, {"nodes": [9]}], "cpus": [{"nodes": [8]}]})");
  // 2.5 + 0.25 out; 0.5 + 0.25 in; 3.
  EXPECT_THAT(SplitLoadsMs(ReadPartitioningSplit(split, graph), graph), ElementsAre(2.75, 0.75, 3));
}

std::string ErrorOf(std::string workload, const std::string& from, const std::string& to) {
  workload.replace(workload.find(from), from.size(), to);
  try {
    (void)ImportPartitioning(ModelFile("w.json", workload));
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ImportPartitioning, SaysWhatIsWrongWhere) {
  EXPECT_EQ(ErrorOf(kWorkload, "\"cpuLatency\": 3", "\"cpuLatency\": \"x\""),
            "w.json: nodes[1]: field 'cpuLatency' is \"x\", expected a number");
  EXPECT_EQ(ErrorOf(kWorkload, "\"fpgaLatency\": 2.5", "\"fpgaLatency\": -1"),
            "w.json: nodes[0]: field 'fpgaLatency' is -1, expected a number from 0.0 to "
            "1000000000.0");
  EXPECT_EQ(ErrorOf(kWorkload, "\"id\": 8", "\"id\": 7"),
            "w.json: nodes[1]: id 7 is given twice, expected unique ids");
  EXPECT_EQ(ErrorOf(kWorkload, "\"destId\": 9", "\"destId\": 5"),
            "w.json: edges[1]: destId is 5, but no node has that id");
  EXPECT_THAT(ErrorOf(kWorkload, "\"destId\": 9, \"cost\": 0.25", "\"destId\": 9, \"cost\": 1"),
              AllOf(HasSubstr("w.json: edges[1]: has cost 1"), HasSubstr("edges[0]")));
  EXPECT_THAT(ErrorOf(kWorkload, "\"edges\"", "\"edge\""), HasSubstr("no field 'edges'"));
  EXPECT_THAT(ErrorOf(kWorkload, "\"destId\": 9", "\"destId\": 7"), HasSubstr("cycle"));
  EXPECT_THAT(ErrorOf(kWorkload, "]}", "]"), HasSubstr("w.json:11:"));
}

TEST(ReadPartitioningSplit, SaysWhichNodeIsMissingOrTwice) {
  const Graph graph = ImportPartitioning(ModelFile("w.json", kWorkload)).graph;
  const test::TempDir dir;
  const auto error = [&](const std::string& split) -> std::string {
    try {
      (void)ReadPartitioningSplit(dir.Write("s.json", split), graph);
    } catch (const InputError& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_THAT(error(R"({"fpgas": [{"nodes": [7, 8]}], "cpus": []})"),
              HasSubstr("node 9 ('MatMul1_2') is on no device"));
  EXPECT_THAT(error(R"({"fpgas": [{"nodes": [7, 7]}], "cpus": []})"),
              HasSubstr("fpgas[0]: node 7 is on two devices"));
  EXPECT_THAT(error(R"({"fpgas": [{"nodes": [1]}], "cpus": []})"), HasSubstr("no such node"));
}

}  // namespace
}  // namespace placer
