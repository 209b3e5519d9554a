#pragma once

#include <string>

#include "cost_model/cluster_io.h"
#include "graphs/graph_io.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_devices.h"

namespace placer::test {

/// Two branches of 100 ps from one op of 10 ps, joined by one of 10 ps; 1 byte on every edge. 220
/// ps on one device; 142 ps with one branch alone elsewhere (10 + 11 to send + 100 + 11 back + 10);
/// 131 ps, the optimum, with the join beside it, where the other branch's result is sent early.
inline Graph TwoBranches(const std::string& name = "two_branches") {
  GraphBuilder builder(name);
  const OpId first = builder.AddOp(ComputeOp("first", 10), {}, {Bytes(1)});
  const TensorId from = builder.Output(first);
  const OpId left = builder.AddOp(ComputeOp("left", 100), {from}, {Bytes(1)});
  const OpId right = builder.AddOp(ComputeOp("right", 100), {from}, {Bytes(1)});
  TensorSpec result = Bytes(1);
  result.graph_output = true;
  builder.AddOp(ComputeOp("last", 10), {builder.Output(left), builder.Output(right)}, {result});
  return std::move(builder).Build();
}

/// TwoBranches and TwoDevices as files, for whole commands.
struct TestFiles {
  TempDir dir;
  std::string model = (dir / "model.txtpb").string();
  std::string cluster = (dir / "cluster.txtpb").string();
  std::string plan = (dir / "plan.txtpb").string();

  TestFiles() : TestFiles(TwoBranches(), TwoDevices()) {}
  TestFiles(const Graph& graph, const ClusterSpec& spec) {
    WriteGraph(graph, model);
    WriteCluster(Cluster(spec), cluster);
  }
};

}  // namespace placer::test
