// Every method keeps to every constraint, whatever it is called.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "graphs/base/error.h"
#include "placer/auto_placer.h"
#include "placer/workbench.h"
#include "tests/support/test_devices.h"
#include "tests/support/test_graphs.h"

namespace placer {
namespace {

using testing::IsEmpty;
using testing_support::CompleteCluster;

/// Six blocks of three ops with a weight each, two branches wide.
Graph Blocks() {
  GraphBuilder builder("blocks");
  TensorId from = builder.Output(builder.AddOp(testing_support::TimedOp("image", 0, OpRole::kInput),
                                               {}, {testing_support::Bytes(4000)}));
  for (int b = 0; b < 6; ++b) {
    const std::string block = "block" + std::to_string(b);
    std::vector<TensorId> branches;
    for (const char* branch : {"/left", "/right"}) {
      const OpId weight =
          builder.AddOp(testing_support::TimedOp(block + branch + "/weight", 0, OpRole::kParameter),
                        {}, {testing_support::Bytes(40'000)});
      branches.push_back(builder.Output(
          builder.AddOp(testing_support::TimedOp(block + branch + "/conv", 20 + b),
                        {from, builder.Output(weight)}, {testing_support::Bytes(8000)})));
    }
    from = builder.Output(builder.AddOp(testing_support::TimedOp(block + "/add", 3), branches,
                                        {testing_support::Bytes(4000)}));
  }
  return std::move(builder).Build();
}

class ConstraintContract : public testing::TestWithParam<std::string> {
 protected:
  static void ExpectKept(const Constraints& constraints, const std::string& space = "groups",
                         std::int64_t memory_bytes = 1'000'000'000, bool fits = true) {
    ProblemSpec spec;
    spec.constraints = constraints;
    spec.space = space;
    const Workbench bench(LoadedModel{Blocks(), {}}, CompleteCluster(4, memory_bytes), spec);
    PlaceResult result;
    try {
      result = LibraryPlacers().Make(GetParam())->Place({bench.problem(), {48, {}}, 3, {}, {}, {}});
    } catch (const UnavailableError& error) {
      GTEST_SKIP() << error.what();  // LibTorch is not there
    }
    ASSERT_TRUE(result.groups.has_value());
    const Placement placement = bench.problem().Expand(*result.groups);
    EXPECT_THAT(bench.Faults(placement), IsEmpty());
    const StepReport report = bench.runner().Run(placement);
    EXPECT_EQ(report.summary(), result.best);
    EXPECT_EQ(report.outcome == StepOutcome::kOk, fits);
  }
};

TEST_P(ConstraintContract, PinAndForbid) {
  ExpectKept({.pin = {"block0/*=d2", "/^block[45].left/=d1"}, .forbid = {"*=d0"}});
}

TEST_P(ConstraintContract, Together) { ExpectKept({.together = {"*/add", "*left*"}}); }

TEST_P(ConstraintContract, WholeModules) { ExpectKept({.whole_modules = true}, "ops"); }

TEST_P(ConstraintContract, Apart) {
  ExpectKept({.apart = {"block0/*,block1/*", "block1/*,block2/*", "*/left/*,*/right/*"}});
}

TEST_P(ConstraintContract, ApartOpByOpWithPins) {
  ExpectKept({.pin = {"block5/left/*=d3"}, .apart = {"*left/conv,*right/conv", "*/add,*left/conv"}},
             "ops");
}

/// The weights of all blocks take 480 kB: with head-room no single device holds them. Methods that
/// do not look at memory are told that their placements do not fit.
TEST_P(ConstraintContract, HeadRoom) {
  const std::set<std::string> blind = {"single_device", "round_robin", "topological",
                                       "scotch",        "min_cut",     "expert"};
  ExpectKept({.headroom = {"d0=90%", "d1=20%", "d2=20%", "d3=20%"}}, "groups", 500'000,
             !blind.contains(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Methods, ConstraintContract, testing::ValuesIn(LibraryPlacers().Names()),
                         [](const auto& method) {
                           std::string name = method.param;
                           std::replace(name.begin(), name.end(), '+', '_');
                           return name;
                         });

}  // namespace
}  // namespace placer
