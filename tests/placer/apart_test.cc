#include "placer/apart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "graphs/base/error.h"
#include "graphs/base/rng.h"

namespace placer {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;
using Set = Separation::DeviceSet;

std::vector<std::uint32_t> OneByOne(std::size_t n) {
  std::vector<std::uint32_t> items(n);
  std::iota(items.begin(), items.end(), 0U);
  return items;
}

std::vector<DeviceId> Devices(const std::vector<std::size_t>& indices) {
  return {indices.begin(), indices.end()};
}

std::vector<OpId> Ops(const std::vector<std::size_t>& indices) {
  return {indices.begin(), indices.end()};
}

const std::vector<ApartRule> kAB = {{"a,b", Ops({0, 1, 2}), Ops({3, 4})}};

TEST(SeparationTest, WithoutRulesEverythingHolds) {
  EXPECT_TRUE(Separation().empty());
  EXPECT_TRUE(Separation().Holds(Devices({0, 0, 0})));
}

TEST(SeparationTest, TheLargerSideOfADeviceStays) {
  const Separation separation(kAB, OneByOne(6), std::vector<Set>(6, 0b111));
  std::vector<DeviceId> devices = Devices({0, 0, 1, 0, 2, 0});
  EXPECT_FALSE(separation.Holds(devices));
  separation.Repair(devices);
  EXPECT_EQ(devices, Devices({0, 0, 1, 2, 2, 0})) << "item 5 is free";
  EXPECT_TRUE(separation.Holds(devices));
}

TEST(SeparationTest, WhatHasNoChoiceComesFirst) {
  const std::vector<Set> allowed = {0b11, 0b11, 0b11, 0b01, 0b01};
  const Separation separation(kAB, OneByOne(5), allowed);
  std::vector<DeviceId> devices = Devices({0, 0, 0, 0, 0});
  separation.Repair(devices);
  EXPECT_EQ(devices, Devices({1, 1, 1, 0, 0}));
}

TEST(SeparationTest, ImpossibleRulesAreRefused) {
  EXPECT_THROW(Separation(kAB, OneByOne(5), std::vector<Set>(5, 0b1)), InputError);
  const std::vector<std::uint32_t> tied = {0, 1, 2, 2, 3};
  EXPECT_THROW(Separation(kAB, tied, std::vector<Set>(4, 0b111)), InputError);
}

/// So many items, no two of which may share one of so many devices.
void KeepAllApart(std::size_t items, std::size_t devices) {
  std::vector<ApartRule> rules;
  for (std::size_t a = 0; a < items; ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      rules.push_back({std::to_string(a) + "," + std::to_string(b), Ops({a}), Ops({b})});
    }
  }
  const std::vector<Set> allowed(items, (Set{1} << devices) - 1);
  static_cast<void>(Separation(rules, OneByOne(items), allowed));
}

TEST(SeparationTest, GivingUpIsNotAContradiction) {
  EXPECT_NO_THROW(KeepAllApart(9, 9));
  EXPECT_THAT([] { KeepAllApart(4, 3); }, ThrowsMessage<InputError>(HasSubstr("are too few")));
  // To see that there is nothing for ten on nine takes more than 9! steps.
  EXPECT_THAT([] { KeepAllApart(10, 9); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("within 100000 steps, there may be some"),
                                              Not(HasSubstr("too few")))));
}

/// Random rules, devices and placements against trying everything.
TEST(SeparationTest, RepairsWhateverCanBeRepairedAndLeavesTheRest) {
  constexpr std::size_t kItems = 6;
  constexpr std::size_t kDevices = 3;
  int impossible = 0, repaired = 0;
  for (Seed seed = 1; seed <= 300; ++seed) {
    Rng rng(seed);
    std::vector<ApartRule> rules;
    for (std::size_t r = 1 + rng.Below(3); r > 0; --r) {
      ApartRule rule;
      for (std::size_t i = 0; i < kItems; ++i) {
        const std::size_t side = rng.Below(4);
        if (side < 2) {
          (side == 0 ? rule.a : rule.b).emplace_back(i);
        }
      }
      rules.push_back(rule);
    }
    std::vector<Set> allowed;
    for (std::size_t i = 0; i < kItems; ++i) {
      allowed.push_back(1 + rng.Below((1 << kDevices) - 1));
    }
    const auto holds = [&](const std::vector<DeviceId>& devices) {
      for (const ApartRule& rule : rules) {
        for (const OpId a : rule.a) {
          for (const OpId b : rule.b) {
            if (devices[a.index()] == devices[b.index()]) {
              return false;
            }
          }
        }
      }
      return true;
    };
    std::vector<std::vector<DeviceId>> all;
    bool possible = false;
    for (std::size_t code = 0; code < 729; ++code) {
      std::vector<DeviceId> devices;
      bool fits = true;
      for (std::size_t i = 0, rest = code; i < kItems; ++i, rest /= kDevices) {
        devices.emplace_back(rest % kDevices);
        fits = fits && (allowed[i] >> (rest % kDevices) & 1U) != 0;
      }
      if (fits) {
        possible = possible || holds(devices);
        all.push_back(devices);
      }
    }
    if (!possible) {
      EXPECT_THROW(Separation(rules, OneByOne(kItems), allowed), InputError) << seed;
      ++impossible;
      continue;
    }
    const Separation separation(rules, OneByOne(kItems), allowed);
    for (const std::vector<DeviceId>& devices : all) {
      ASSERT_EQ(separation.Holds(devices), holds(devices)) << seed;
      std::vector<DeviceId> after = devices;
      separation.Repair(after);
      ASSERT_TRUE(holds(after)) << seed;
      for (std::size_t i = 0; i < kItems; ++i) {
        ASSERT_NE(allowed[i] >> after[i].index() & 1U, 0U) << seed;
      }
      if (holds(devices)) {
        ASSERT_EQ(after, devices) << seed;
      } else {
        ++repaired;
      }
    }
  }
  EXPECT_GT(impossible, 10);
  EXPECT_GT(repaired, 1000);
}

}  // namespace
}  // namespace placer
