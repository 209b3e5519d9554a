#pragma once

#include <utility>

#include "cost_model/cost_model.h"
#include "graphs/base/rng.h"
#include "graphs/grouping.h"
#include "placer/problem.h"
#include "runner/simulated_runner.h"
#include "tests/support/test_graphs.h"

namespace placer::testing_support {

/// A problem and all that it borrows, with the simulator as the judge. Stays where it is made.
struct TestProblem {
  TestProblem(Graph the_graph, Cluster the_cluster)
      : graph(std::move(the_graph)),
        cluster(std::move(the_cluster)),
        costs(graph, cluster),
        runner(graph, cluster, costs),
        problem(costs, runner, GroupByColocation(graph)) {}
  TestProblem(const TestProblem&) = delete;
  TestProblem& operator=(const TestProblem&) = delete;

  Graph graph;
  Cluster cluster;
  CostModel costs;
  SimulatedRunner runner;
  Problem problem;
};

/// A random graph of `num_ops` ops of 1 to 20 us that read one to three of the eight ops before
/// them; a tensor takes 1 to 13 us over a link of CompleteCluster(). The first op is tied to d0:
/// the devices are alike, so that this loses no placement and saves the enumeration of its mirrors.
inline Graph RandomDag(std::size_t num_ops, Seed seed) {
  Rng rng(seed);
  GraphBuilder builder("dag" + std::to_string(seed));
  for (std::size_t i = 0; i < num_ops; ++i) {
    Op op = TimedOp("op" + std::to_string(i), static_cast<double>(1 + rng.Below(20)));
    if (i == 0) {
      op.allowed_devices = {"d0"};
    }
    std::vector<TensorId> inputs;
    for (std::size_t k = 1 + rng.Below(3); i > 0 && k > 0; --k) {
      inputs.push_back(builder.Output(OpId(i - 1 - rng.Below(std::min<std::size_t>(i, 8)))));
    }
    builder.AddOp(op, inputs, {Bytes(4 * static_cast<std::int64_t>(rng.Below(3000)))});
  }
  return std::move(builder).Build();
}

}  // namespace placer::testing_support
