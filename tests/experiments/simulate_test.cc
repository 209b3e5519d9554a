#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "cost_model/placement_io.h"
#include "tests/experiments/command_runner.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

using test::CommandResult;
using test::RunPlacer;
using ::testing::HasSubstr;

/// TwoBranches with "right" on b: 142 ps.
void WriteSplitPlan(const test::TestFiles& files, const ClusterSpec& spec = test::TwoDevices()) {
  const Graph graph = test::TwoBranches();
  Placement placement(graph.num_ops(), DeviceId(0));
  placement.set_device(*graph.FindOp("right"), DeviceId(1));
  WritePlacement(Save(placement, graph, Cluster(spec)), files.plan);
}

CommandResult Simulate(const test::TestFiles& files, std::vector<std::string> more = {}) {
  std::vector<std::string> args = {"simulate",    files.model,   "--cluster",
                                   files.cluster, "--placement", files.plan};
  args.insert(args.end(), more.begin(), more.end());
  return RunPlacer(args);
}

CommandResult Check(const test::TestFiles& files, std::vector<std::string> more = {}) {
  std::vector<std::string> args = {"check", files.plan, files.model, "--cluster", files.cluster};
  args.insert(args.end(), more.begin(), more.end());
  return RunPlacer(args);
}

TEST(Simulate, ReportsTheStep) {
  const test::TestFiles files;
  WriteSplitPlan(files);
  const CommandResult result = Simulate(files, {"--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const nlohmann::json json = result.json();
  EXPECT_NEAR(json.at("step").at("step_time_seconds"), 142e-12, 1e-18);
  EXPECT_EQ(json.at("step").at("moved_bytes"), 2);
  EXPECT_NEAR(json.at("step").at("devices").at(1).at("busy_seconds"), 100e-12, 1e-18);
  EXPECT_EQ(json.at("step").at("links").size(), 2U);
  EXPECT_THAT(Simulate(files).out, HasSubstr("What limits the step:"));
}

TEST(Simulate, TraceHasRowsForDevicesAndLinks) {
  const test::TestFiles files;
  WriteSplitPlan(files);
  ASSERT_EQ(Simulate(files, {"--trace", (files.dir / "t.json").string()}).code, 0);
  const nlohmann::json trace = nlohmann::json::parse(files.dir.Read("t.json"));
  std::set<std::string> rows;
  std::map<std::string, std::pair<double, double>> spans;  // name -> start, end in ps
  std::size_t counters = 0;
  double last = 0;
  for (const auto& event : trace.at("traceEvents")) {
    const std::string kind = event.at("ph");
    if (kind == "M") {
      rows.insert(event.at("args").at("name"));
      continue;
    }
    const double start = event.at("ts").get<double>() * 1e6;
    EXPECT_GE(start, last);
    last = start;
    if (kind == "X") {
      spans[event.at("name")] = {start, start + event.at("dur").get<double>() * 1e6};
    } else {
      EXPECT_EQ(kind, "C");
      EXPECT_GE(event.at("args").at("bytes"), 0);
      ++counters;
    }
  }
  EXPECT_EQ(rows, (std::set<std::string>{"devices", "links", "a", "b", "a-b a->b", "a-b b->a"}));
  EXPECT_GT(counters, 0U);
  const std::map<std::string, std::pair<double, double>> expected = {
      {"first", {0, 10}},   {"first:0", {10, 21}},   {"left", {10, 110}},
      {"right", {21, 121}}, {"right:0", {121, 132}}, {"last", {132, 142}}};
  ASSERT_EQ(spans.size(), expected.size());
  for (const auto& [name, span] : expected) {
    EXPECT_NEAR(spans.at(name).first, span.first, 1e-6) << name;
    EXPECT_NEAR(spans.at(name).second, span.second, 1e-6) << name;
  }
}

TEST(Simulate, NoTraceOfMaxLoad) {
  const test::TestFiles files;
  WriteSplitPlan(files);
  const CommandResult result =
      Simulate(files, {"--objective", "max-load", "--trace", (files.dir / "t.json").string()});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("no schedule"));
}

TEST(Simulate, WritesPictures) {
  const test::TestFiles files;
  WriteSplitPlan(files);
  const std::string picture = (files.dir / "p.svg").string();
  const std::string timeline = (files.dir / "t.svg").string();
  ASSERT_EQ(Simulate(files, {"--picture", picture, "--timeline", timeline}).code, 0);
  EXPECT_THAT(files.dir.Read("p.svg"), HasSubstr("<svg"));
  EXPECT_THAT(files.dir.Read("t.svg"), HasSubstr("a-b a-&gt;b"));
  EXPECT_EQ(Simulate(files, {"--picture", (files.dir / "p.png").string()}).code, 2);
  const CommandResult result = Simulate(files, {"--objective", "max-load", "--timeline", timeline});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("no schedule"));
}

TEST(Simulate, RefusesAPlanForAnotherGraph) {
  const test::TestFiles files;
  WriteSplitPlan(files);
  GraphBuilder builder("other");
  builder.AddOp(test::ComputeOp("first", 5), {}, {test::Bytes(1)});
  WriteGraph(std::move(builder).Build(), files.model);
  const CommandResult result = Simulate(files);
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr(files.plan));
  EXPECT_EQ(test::Lines(result.err).size(), 1U);
}

TEST(Simulate, APlanThatDoesNotFitReturnsThree) {
  ClusterSpec small = test::TwoDevices();
  small.devices[0].memory_bytes = 2;
  const test::TestFiles files(test::TwoBranches(), small);
  WriteSplitPlan(files, small);
  const CommandResult result = Simulate(files);
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.out, HasSubstr("Does not fit"));
  EXPECT_THAT(result.err, HasSubstr("a needs"));
}

TEST(Check, AcceptsAGoodPlan) {
  const test::TestFiles files;
  WriteSplitPlan(files);
  const CommandResult result = Check(files);
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr(": ok, step time"));
  EXPECT_TRUE(Check(files, {"--json"}).json().at("ok"));
}

TEST(Check, NamesEachFaultInALine) {
  const test::TestFiles files;
  WriteSplitPlan(files);
  SavedPlacement saved = ReadPlacement(files.plan);
  saved.graph_fingerprint += 1;
  saved.device_of_op[0].second = "z";     // first: no such device
  saved.device_of_op[1].first = "ghost";  // left: missing; ghost: not in the graph
  WritePlacement(saved, files.plan);
  const CommandResult result = Check(files);
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(test::Lines(result.out).size(), 4U) << result.out;
  EXPECT_THAT(result.out, HasSubstr("made for another graph"));
  EXPECT_THAT(result.out, HasSubstr("op 'first': device 'z' is not in the cluster"));
  EXPECT_THAT(result.out, HasSubstr("op 'ghost': not in the graph"));
  EXPECT_THAT(result.out, HasSubstr("op 'left': has no device"));
  const nlohmann::json json = Check(files, {"--json"}).json();
  EXPECT_FALSE(json.at("ok"));
  EXPECT_EQ(json.at("faults").size(), 4U);
}

TEST(Check, FindsDevicesThatAreNotAllowedAndMemoryThatIsMissing) {
  GraphBuilder builder("picky");
  Op op = test::ComputeOp("only_b", 5);
  op.allowed_devices = {"b"};
  builder.AddOp(op, {}, {test::Bytes(100)});
  const Graph graph = std::move(builder).Build();
  ClusterSpec spec = test::TwoDevices();
  spec.devices[1].memory_bytes = 60;
  const test::TestFiles files(graph, spec);
  WritePlacement(Save(Placement(1, DeviceId(0)), graph, Cluster(spec)), files.plan);
  CommandResult result = Check(files);
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(test::Lines(result.out).size(), 1U) << result.out;
  EXPECT_THAT(result.out, HasSubstr("only_b"));
  WritePlacement(Save(Placement(1, DeviceId(1)), graph, Cluster(spec)), files.plan);
  result = Check(files);
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.out, HasSubstr("device 'b': needs 100 B, has 60 B"));
}

}  // namespace
}  // namespace placer
