#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "graphs/base/error.h"
#include "policy/policy.h"
#include "tests/policy/test_features.h"

namespace placer {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

constexpr double kPlain = 1.0;  // sampling temperature
using Rows = std::vector<std::vector<std::uint8_t>>;

PolicyConfig SmallConfig() {
  PolicyConfig config;
  config.hidden = 20;  // not a multiple of any vector length
  config.type_embedding = 8;
  config.adjacency_embedding = 6;
  config.device_embedding = 5;
  config.max_groups = 64;
  config.max_devices = 6;
  config.initial_range = 0.3;
  return config;
}

struct Variant {
  Attention attention;
  bool bidirectional;
};

PolicyConfig ConfigOf(const Variant& variant) {
  PolicyConfig config = SmallConfig();
  config.attention = variant.attention;
  config.bidirectional = variant.bidirectional;
  return config;
}

class LstmPolicyTest : public ::testing::TestWithParam<Variant> {};

std::vector<Experience> Borrow(const std::vector<Proposal>& proposals,
                               const std::vector<float>& weights, bool with_old) {
  std::vector<Experience> experiences;
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    Experience& added = experiences.emplace_back();
    added.devices = proposals[i].devices;
    added.weight = weights[i % weights.size()];
    if (with_old) {
      added.old_log_probabilities = proposals[i].log_probabilities;
    }
  }
  return experiences;
}

TEST_P(LstmPolicyTest, ProposesOnlyAllowedDevices) {
  GroupFeatures features = RandomFeatures(9, 4, 1);
  features.allowed.assign(features.allowed.size(), 0);
  for (std::size_t group = 0; group < features.num_groups; ++group) {
    features.allowed[group * 4 + group % 4] = 1;
    features.allowed[group * 4 + (group / 4 + 1) % 4] = 1;
  }
  const auto policy = MakeLstmPolicy(ConfigOf(GetParam()));
  for (const Proposal& proposal : policy->Propose(features, 20, 3, kPlain)) {
    ASSERT_EQ(proposal.devices.size(), features.num_groups);
    ASSERT_EQ(proposal.log_probabilities.size(), features.num_groups);
    for (std::size_t group = 0; group < features.num_groups; ++group) {
      EXPECT_EQ(features.allowed[group * 4 + proposal.devices[group]], 1);
      EXPECT_LE(proposal.log_probabilities[group], 0);
      EXPECT_TRUE(std::isfinite(proposal.log_probabilities[group]));
    }
    EXPECT_LE(proposal.entropy, std::log(2.0) + 1e-5);
  }
}

TEST_P(LstmPolicyTest, OneAllowedDeviceIsCertain) {
  GroupFeatures features = RandomFeatures(5, 3, 1);
  for (std::size_t i = 0; i < features.allowed.size(); ++i) {
    features.allowed[i] = i % 3 == 2 ? 1 : 0;
  }
  const auto policy = MakeLstmPolicy(ConfigOf(GetParam()));
  const Proposal proposal = policy->Propose(features, 1, 3, kPlain).front();
  EXPECT_THAT(proposal.devices, Each(2));
  EXPECT_THAT(proposal.log_probabilities, Each(0.0F));
  EXPECT_EQ(proposal.entropy, 0.0F);
}

TEST_P(LstmPolicyTest, SameSeedSameSamplesWhateverTheCount) {
  const GroupFeatures features = RandomFeatures(12, 5, 2);
  const auto one = MakeLstmPolicy(ConfigOf(GetParam()));
  const auto two = MakeLstmPolicy(ConfigOf(GetParam()));
  const auto many = one->Propose(features, 19, 7, kPlain);
  for (const std::size_t count : {1U, 2U, 8U, 11U}) {
    const auto few = two->Propose(features, count, 7, kPlain);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(few[i].devices, many[i].devices);
      EXPECT_EQ(few[i].log_probabilities, many[i].log_probabilities);
      EXPECT_EQ(few[i].entropy, many[i].entropy);
    }
  }
  EXPECT_NE(one->Propose(features, 1, 8, kPlain)[0].devices, many[0].devices);
  EXPECT_NE(many[0].devices, many[1].devices);
}

// A ratio of exactly 1 makes objective = mean weight; a change in the log-probabilities shows.
TEST_P(LstmPolicyTest, SamplingAndTeacherForcingAgree) {
  GroupFeatures features = RandomFeatures(14, 4, 3);
  features.allowed[5] = 0;
  for (const double temperature : {1.0, 2.5}) {
    const auto policy = MakeLstmPolicy(ConfigOf(GetParam()));
    const auto proposals = policy->Propose(features, 6, 1, temperature);
    UpdateOptions options;
    options.learning_rate = 0;
    options.sampling_temperature = temperature;
    double entropy = 0;
    for (const Proposal& proposal : proposals) {
      double expected = 0;
      for (const float value : proposal.log_probabilities) {
        expected += static_cast<double>(value) / static_cast<double>(features.num_groups);
      }
      const Experience plain{.devices = proposal.devices, .weight = 1};
      EXPECT_NEAR(policy->Update(features, {&plain, 1}, options).loss, -expected, 1e-5);
      entropy += static_cast<double>(proposal.entropy) / static_cast<double>(proposals.size());
    }
    const UpdateStats stats =
        policy->Update(features, Borrow(proposals, {1}, /*with_old=*/true), options);
    EXPECT_NEAR(stats.loss, -1, 1e-4);
    EXPECT_NEAR(stats.entropy, entropy, 1e-5);
  }
}

TEST_P(LstmPolicyTest, CompletingKeepsWhatIsGivenAndDrawsTheRest) {
  const GroupFeatures features = RandomFeatures(10, 4, 8);
  const auto policy = MakeLstmPolicy(ConfigOf(GetParam()));
  const Rows nothing(3, std::vector<std::uint8_t>(10, kAnyDevice));
  const auto completed = policy->Complete(features, nothing, 5, kPlain, 0);
  const auto proposed = policy->Propose(features, 3, 5, kPlain);
  ASSERT_EQ(completed.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(completed[i].devices, proposed[i].devices);
    EXPECT_EQ(completed[i].log_probabilities, proposed[i].log_probabilities);
  }
  // The choices before the first free group are the same, so are their log-probabilities.
  std::vector<std::uint8_t> half = proposed[0].devices;
  for (std::size_t group = 5; group < half.size(); ++group) {
    half[group] = kAnyDevice;
  }
  const Proposal rest = policy->Complete(features, Rows{half}, 5, kPlain, 0)[0];
  for (std::size_t group = 0; group < 5; ++group) {
    EXPECT_EQ(rest.devices[group], half[group]);
    EXPECT_EQ(rest.log_probabilities[group], proposed[0].log_probabilities[group]);
  }
  // All given: the log-probabilities are those of teacher forcing.
  const Proposal all = policy->Complete(features, Rows{proposed[1].devices}, 6, kPlain, 0)[0];
  EXPECT_EQ(all.devices, proposed[1].devices);
  EXPECT_EQ(all.log_probabilities, proposed[1].log_probabilities);
}

TEST_P(LstmPolicyTest, OnlyChosenGroupsOfACompletionCount) {
  const GroupFeatures features = RandomFeatures(4, 3, 8);
  const auto policy = MakeLstmPolicy(ConfigOf(GetParam()));
  const std::vector<std::uint8_t> given{2, kAnyDevice, 0, kAnyDevice};
  const Proposal proposal = policy->Complete(features, Rows{given}, 5, kPlain, 0)[0];
  UpdateOptions options;
  options.learning_rate = 0;
  const Experience experience{.devices = proposal.devices, .given = given, .weight = 3};
  const double expected =
      -3 * static_cast<double>(proposal.log_probabilities[1] + proposal.log_probabilities[3]) / 2;
  EXPECT_NEAR(policy->Update(features, {&experience, 1}, options).loss, expected, 1e-5);
}

TEST_P(LstmPolicyTest, GreedyPlacementIsTheLikeliestChoiceStepByStep) {
  const GroupFeatures features = RandomFeatures(10, 3, 4);
  const auto policy = MakeLstmPolicy(ConfigOf(GetParam()));
  const Proposal greedy = policy->MostLikely(features);
  const double even = std::log(1.0 / 3.0);
  for (const float value : greedy.log_probabilities) {
    EXPECT_GE(value, even);
  }
  // At a temperature near zero sampling is greedy.
  EXPECT_EQ(policy->Propose(features, 1, 9, 1e-4)[0].devices, greedy.devices);
}

TEST_P(LstmPolicyTest, ResumingIsExact) {
  const GroupFeatures features = RandomFeatures(8, 3, 5);
  const auto train = [&](Policy& policy, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const auto proposals = policy.Propose(features, 4, DeriveSeed(1, i), kPlain);
      UpdateOptions options;
      options.entropy_weight = 0.01;
      policy.Update(features, Borrow(proposals, {1, -1}, /*with_old=*/true), options);
    }
  };
  const auto straight = MakeLstmPolicy(ConfigOf(GetParam()));
  train(*straight, 0, 10);
  const auto first_half = MakeLstmPolicy(ConfigOf(GetParam()));
  train(*first_half, 0, 5);
  PolicyConfig other_start = ConfigOf(GetParam());
  other_start.seed = 99;
  const auto second_half = MakeLstmPolicy(other_start);
  EXPECT_NE(second_half->Save(), first_half->Save());
  // A proposal before Load() must leave nothing behind.
  EXPECT_EQ(second_half->Propose(features, 1, 1, kPlain).size(), 1U);
  second_half->Load(first_half->Save());
  EXPECT_EQ(second_half->Save(), first_half->Save());
  train(*second_half, 5, 10);
  EXPECT_EQ(second_half->Save(), straight->Save());
  EXPECT_NE(first_half->Save(), straight->Save());
}

TEST_P(LstmPolicyTest, TheBetterDevicesBecomeLikelier) {
  const GroupFeatures features = RandomFeatures(6, 3, 6);
  const auto policy = MakeLstmPolicy(ConfigOf(GetParam()));
  UpdateOptions options;
  options.learning_rate = 0.01;
  options.entropy_weight = 0.05;
  // Good: the group's index modulo 3. The weight is the share of groups that are right, centred.
  for (std::size_t update = 0; update < 150; ++update) {
    const auto proposals = policy->Propose(features, 16, DeriveSeed(3, update), kPlain);
    std::vector<float> weights;
    float mean = 0;
    for (const Proposal& proposal : proposals) {
      float right = 0;
      for (std::size_t group = 0; group < 6; ++group) {
        right += proposal.devices[group] == group % 3 ? 1.0F : 0.0F;
      }
      weights.push_back(right);
      mean += right / 16;
    }
    for (float& weight : weights) {
      weight -= mean;
    }
    policy->Update(features, Borrow(proposals, weights, /*with_old=*/true), options);
  }
  EXPECT_EQ(policy->MostLikely(features).devices, (std::vector<std::uint8_t>{0, 1, 2, 0, 1, 2}));
}

std::string VariantName(const ::testing::TestParamInfo<Variant>& info) {
  return std::string(info.param.attention == Attention::kBahdanau ? "Bahdanau" : "DotProduct") +
         (info.param.bidirectional ? "Bidirectional" : "");
}

INSTANTIATE_TEST_SUITE_P(Variants, LstmPolicyTest,
                         ::testing::Values(Variant{Attention::kDotProduct, false},
                                           Variant{Attention::kDotProduct, true},
                                           Variant{Attention::kBahdanau, false}),
                         VariantName);

TEST(LstmPolicy, WeightsPushTheirPlacementsUpAndDown) {
  const GroupFeatures features = RandomFeatures(4, 2, 7);
  const auto policy = MakeLstmPolicy(SmallConfig());
  const std::vector<std::uint8_t> good{0, 1, 1, 0}, bad{1, 0, 0, 1};
  UpdateOptions options;
  options.learning_rate = 0;
  const auto loss_of = [&](const std::vector<std::uint8_t>& devices) {
    options.learning_rate = 0;
    const Experience experience{.devices = devices, .weight = 1};
    return policy->Update(features, {&experience, 1}, options).loss;
  };
  const double good_before = loss_of(good), bad_before = loss_of(bad);
  for (int i = 0; i < 5; ++i) {
    options.learning_rate = 0.01;
    const std::vector<Experience> both{{.devices = good, .weight = 1},
                                       {.devices = bad, .weight = -1}};
    policy->Update(features, both, options);
  }
  EXPECT_LT(loss_of(good), good_before);
  EXPECT_GT(loss_of(bad), bad_before);
}

TEST(LstmPolicy, ClippedRatiosTeachNothing) {
  const GroupFeatures features = RandomFeatures(4, 2, 7);
  const auto policy = MakeLstmPolicy(SmallConfig());
  Proposal proposal = policy->Propose(features, 1, 1, kPlain)[0];
  for (float& value : proposal.log_probabilities) {
    value -= 1;  // the ratio is e, far above 1.2
  }
  UpdateOptions options;
  const Experience experience{.devices = proposal.devices,
                              .old_log_probabilities = proposal.log_probabilities,
                              .weight = 1};
  const UpdateStats clipped = policy->Update(features, {&experience, 1}, options);
  EXPECT_NEAR(clipped.loss, -1.2, 1e-6);
  EXPECT_EQ(clipped.gradient_norm, 0);
  options.ratio_clip = 0;
  const UpdateStats open = policy->Update(features, {&experience, 1}, options);
  EXPECT_NEAR(open.loss, -std::exp(1.0), 1e-4);
  EXPECT_GT(open.gradient_norm, 0);
}

/// Nine samples in parts of any size draw what they draw at once.
TEST_P(LstmPolicyTest, PartsOfABatchDrawAsTheWhole) {
  const GroupFeatures features = RandomFeatures(10, 4, 8);
  const auto policy = MakeLstmPolicy(ConfigOf(GetParam()));
  const Rows nothing(9, std::vector<std::uint8_t>(10, kAnyDevice));
  const auto whole = policy->Complete(features, nothing, 5, kPlain, 0);
  for (const std::size_t first : {0U, 2U, 7U}) {
    const auto part =
        policy->Complete(features, std::span(nothing).subspan(first, 2), 5, kPlain, first);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(part[i].devices, whole[first + i].devices);
    }
  }
}

TEST_P(LstmPolicyTest, GradientAndApplyAreTheHalvesOfUpdate) {
  const GroupFeatures features = RandomFeatures(6, 3, 8);
  const auto once = MakeLstmPolicy(ConfigOf(GetParam()));
  const auto halves = MakeLstmPolicy(ConfigOf(GetParam()));
  const auto parts = MakeLstmPolicy(ConfigOf(GetParam()));
  UpdateOptions options;
  options.entropy_weight = 0.1;
  for (Seed seed = 1; seed <= 3; ++seed) {
    const std::vector<Proposal> proposals = once->Propose(features, 5, seed, kPlain);
    std::vector<Experience> experiences;
    for (const Proposal& proposal : proposals) {
      experiences.push_back({.devices = proposal.devices,
                             .old_log_probabilities = proposal.log_probabilities,
                             .weight = static_cast<float>(experiences.size()) - 2});
    }
    const UpdateStats stats = once->Update(features, experiences, options);

    const PolicyGradient whole = halves->Gradient(features, experiences, options);
    EXPECT_EQ(whole.loss, stats.loss);
    EXPECT_EQ(whole.entropy, stats.entropy);
    EXPECT_NEAR(halves->Apply(whole.values, options), stats.gradient_norm,
                1e-5 * stats.gradient_norm);

    // Two of five and three of five, as a weighted mean.
    const auto all = std::span<const Experience>(experiences);
    const PolicyGradient two = parts->Gradient(features, all.first(2), options);
    const PolicyGradient three = parts->Gradient(features, all.last(3), options);
    std::vector<float> mean(whole.values.size());
    for (std::size_t i = 0; i < mean.size(); ++i) {
      mean[i] = 0.4F * two.values[i] + 0.6F * three.values[i];
      ASSERT_NEAR(mean[i], whole.values[i], 1e-5);
    }
    EXPECT_NEAR(0.4 * two.loss + 0.6 * three.loss, stats.loss, 1e-6);
    EXPECT_NEAR(0.4 * two.entropy + 0.6 * three.entropy, stats.entropy, 1e-6);
    parts->Apply(whole.values, options);
    EXPECT_EQ(parts->Save(), halves->Save());
  }
}

TEST(LstmPolicy, AGradientOfAnotherSizeIsRefused) {
  const auto policy = MakeLstmPolicy(SmallConfig());
  EXPECT_THROW(policy->Apply(std::vector<float>(3), {}), std::invalid_argument);
  EXPECT_THROW(policy->Apply(std::vector<float>(10'000'000), {}), std::invalid_argument);
}

TEST(LstmPolicy, EntropyWeightRaisesEntropy) {
  const GroupFeatures features = RandomFeatures(4, 3, 7);
  PolicyConfig config = SmallConfig();
  config.initial_range = 1;
  const auto policy = MakeLstmPolicy(config);
  const std::vector<std::uint8_t> devices{0, 1, 2, 0};
  const Experience experience{.devices = devices, .weight = 0};
  UpdateOptions options;
  options.learning_rate = 0.01;
  options.entropy_weight = 1;
  const double before = policy->Update(features, {&experience, 1}, options).entropy;
  for (int i = 0; i < 20; ++i) {
    policy->Update(features, {&experience, 1}, options);
  }
  EXPECT_GT(policy->Update(features, {&experience, 1}, options).entropy, before);
}

TEST(LstmPolicy, OnePolicyServesManyGraphs) {
  const auto policy = MakeLstmPolicy(SmallConfig());
  const GroupFeatures small = RandomFeatures(3, 2, 1), large = RandomFeatures(100, 6, 2);
  const Proposal before = policy->MostLikely(small);
  EXPECT_EQ(policy->MostLikely(large).devices.size(), 100U);  // more groups than max_groups
  EXPECT_EQ(policy->MostLikely(small).log_probabilities, before.log_probabilities);
}

template <typename Call>
std::string MessageOf(Call call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

TEST(LstmPolicy, RefusesDamagedAndForeignStates) {
  const auto policy = MakeLstmPolicy(SmallConfig());
  const std::string state = policy->Save();
  const auto load = [&](const std::string& bytes) {
    return MessageOf([&] { policy->Load(bytes); });
  };
  EXPECT_THAT(load(""), HasSubstr("ends 13 bytes too early"));
  EXPECT_THAT(load("not a policy at all"), HasSubstr("placer.policy"));
  EXPECT_THAT(load(state.substr(0, state.size() / 2)), HasSubstr("too early"));
  EXPECT_THAT(load(state + "x"), HasSubstr("1 bytes too long"));
  std::string damaged = state;
  damaged[damaged.size() / 2] ^= 1;
  EXPECT_THAT(load(damaged), HasSubstr("checksum"));
  std::string newer = state;
  newer[13] = 7;
  EXPECT_THAT(load(newer), HasSubstr("version is 7, expected 1"));
  PolicyConfig wider = SmallConfig();
  wider.hidden = 24;
  EXPECT_THAT(load(MakeLstmPolicy(wider)->Save()), HasSubstr("hidden is 24, expected 20"));
  EXPECT_EQ(policy->Save(), state);
}

TEST(LstmPolicy, RefusesBadConfigs) {
  const auto make = [](auto change) {
    PolicyConfig config = SmallConfig();
    change(config);
    return MessageOf([&] { (void)MakeLstmPolicy(config); });
  };
  EXPECT_THAT(make([](PolicyConfig& c) { c.hidden = 0; }), HasSubstr("hidden is 0, expected 1 to"));
  EXPECT_THAT(make([](PolicyConfig& c) { c.max_devices = 257; }), HasSubstr("max_devices is 257"));
  EXPECT_THAT(make([](PolicyConfig& c) { c.temperature = NAN; }), HasSubstr("temperature is nan"));
  EXPECT_THAT(make([](PolicyConfig& c) { c.tanh_constant = 0; }), HasSubstr("tanh_constant"));
  EXPECT_THAT(make([](PolicyConfig& c) {
                c.hidden = 21;
                c.bidirectional = true;
              }),
              HasSubstr("hidden is 21, expected an even number"));
}

TEST(LstmPolicy, RefusesBadCalls) {
  const auto policy = MakeLstmPolicy(SmallConfig());
  const GroupFeatures features = RandomFeatures(3, 2, 1);
  EXPECT_THAT(MessageOf([&] { (void)policy->MostLikely(RandomFeatures(3, 7, 1)); }),
              HasSubstr("7 devices, expected 1 to max_devices = 6"));
  EXPECT_THAT(MessageOf([&] { (void)policy->MostLikely(GroupFeatures{}); }),
              HasSubstr("no groups"));
  EXPECT_THAT(MessageOf([&] { (void)policy->Propose(features, 1, 1, 0); }),
              HasSubstr("temperature"));
  const auto update = [&](std::vector<std::uint8_t> devices) {
    const Experience experience{.devices = devices, .weight = 1};
    policy->Update(features, {&experience, 1}, {});
  };
  EXPECT_THROW(update({0, 1}), std::invalid_argument);
  EXPECT_THROW(update({0, 1, 2}), std::invalid_argument);
  EXPECT_THROW(policy->Update(features, {}, {}), std::invalid_argument);
  const auto complete = [&](std::vector<std::uint8_t> given) {
    (void)policy->Complete(features, Rows{std::move(given)}, 1, kPlain, 0);
  };
  EXPECT_THROW(complete({0, 1}), std::invalid_argument);
  EXPECT_THROW(complete({0, 2, kAnyDevice}), std::invalid_argument);
}

TEST(LstmPolicy, AnInfiniteWeightIsRefusedAndChangesNothing) {
  const auto policy = MakeLstmPolicy(SmallConfig());
  const GroupFeatures features = RandomFeatures(3, 2, 1);
  const std::string before = policy->Save();
  const std::vector<std::uint8_t> devices{0, 1, 0};
  const Experience experience{.devices = devices, .weight = INFINITY};
  EXPECT_THROW(policy->Update(features, {&experience, 1}, {}), Error);
  EXPECT_EQ(policy->Save(), before);
}

// In a process of its own: once loaded, the library stays.
TEST(LstmPolicyDeathTest, NamesTheLibraryThatCannotBeLoaded) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto make_with = [](const char* library) {
    setenv("PLACER_POLICY_LIBRARY", library, /*overwrite=*/1);
    try {
      (void)MakeLstmPolicy({});
    } catch (const Error& error) {
      std::fputs(error.what(), stderr);
      std::exit(3);
    }
    std::exit(0);
  };
  EXPECT_EXIT(make_with("/nowhere/policy.so"), ::testing::ExitedWithCode(3),
              "/nowhere/policy.so: no such file");
  EXPECT_EXIT(make_with("/proc/self/exe"), ::testing::ExitedWithCode(3),
              "PLACER_POLICY_LIBRARY; .*/proc/self/exe");
}

}  // namespace
}  // namespace placer
