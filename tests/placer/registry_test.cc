#include "placer/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs/base/error.h"

namespace placer {
namespace {

using testing::ElementsAre;

TEST(Registry, ListsTheMethodsInOrder) {
  EXPECT_THAT(HeuristicPlacers().Names(),
              ElementsAre("single_device", "random", "round_robin", "topological", "heft", "etf",
                          "scotch", "min_cut", "expert", "annealing", "cross_entropy"));
}

TEST(Registry, AnUnknownNameListsTheKnownOnes) {
  try {
    (void)HeuristicPlacers().Make("anealing");
    FAIL() << "no error";
  } catch (const InputError& e) {
    EXPECT_STREQ(e.what(),
                 "method 'anealing' is unknown, expected one of: single_device, random, "
                 "round_robin, topological, heft, etf, scotch, min_cut, expert, annealing, "
                 "cross_entropy");
  }
}

}  // namespace
}  // namespace placer
