// Gradients and kernels of the LibTorch part.
#include "policy/detail/lstm_net.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <string>
#include <vector>

#include "graphs/base/rng.h"
#include "policy/detail/kernels.h"
#include "tests/policy/test_features.h"

namespace placer::detail {
namespace {

at::Tensor Uniform(std::vector<std::int64_t> shape, Seed seed, double range = 1) {
  at::Tensor tensor = at::empty(shape);
  Rng rng(seed);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.data_ptr<float>()[i] = static_cast<float>((2 * rng.Uniform() - 1) * range);
  }
  return tensor;
}

double Distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// The LSTM by LibTorch's own operators, in double precision.
LstmSequenceOutputs ReferenceLstm(const LstmSequenceInputs& in) {
  const std::int64_t hidden = in.recurrent.size(1);
  at::Tensor state = in.first_state.unsqueeze(0).expand({in.batch, hidden});
  at::Tensor cell = in.first_cell.unsqueeze(0).expand({in.batch, hidden});
  std::vector<at::Tensor> states;
  for (std::int64_t t = 0; t < in.step_input.size(0); ++t) {
    at::Tensor gates = in.step_input[t] + at::mm(state, in.recurrent.t());
    if (in.table.defined()) {
      gates = gates + in.table.index_select(0, in.table_rows[t].to(at::kLong));
    }
    const auto parts = gates.chunk(4, 1);
    cell = at::sigmoid(parts[1]) * cell + at::sigmoid(parts[0]) * at::tanh(parts[2]);
    state = at::sigmoid(parts[3]) * at::tanh(cell);
    states.push_back(state);
  }
  return {at::stack(states), cell};
}

TEST(LstmSequence, MatchesLibTorchForwardAndBackward) {
  constexpr std::int64_t kSteps = 7, kBatch = 5, kHidden = 19, kRows = 4;
  const std::vector<at::Tensor> floats{
      Uniform({kSteps, 4 * kHidden}, 1, 2), Uniform({kRows, 4 * kHidden}, 2, 2),
      Uniform({4 * kHidden, kHidden}, 3), Uniform({kHidden}, 4), Uniform({kHidden}, 5)};
  at::Tensor rows = at::empty({kSteps, kBatch}, at::kInt);
  for (std::int64_t i = 0; i < rows.numel(); ++i) {
    rows.data_ptr<std::int32_t>()[i] = static_cast<std::int32_t>((i * 7) % kRows);
  }
  const at::Tensor state_weights = Uniform({kSteps, kBatch, kHidden}, 6);
  const at::Tensor cell_weights = Uniform({kBatch, kHidden}, 7);
  const auto run = [&](at::ScalarType type, auto lstm) {
    std::vector<at::Tensor> leaves;
    for (const at::Tensor& tensor : floats) {
      leaves.push_back(tensor.to(type).detach().clone().set_requires_grad(true));
    }
    const LstmSequenceOutputs out = lstm(
        LstmSequenceInputs{leaves[0], leaves[1], rows, leaves[2], leaves[3], leaves[4], kBatch});
    const at::Tensor loss =
        (out.states * state_weights.to(type)).sum() + (out.last_cell * cell_weights.to(type)).sum();
    std::vector<at::Tensor> results{out.states.detach(), out.last_cell.detach()};
    for (const at::Tensor& gradient : torch::autograd::grad({loss}, leaves)) {
      results.push_back(gradient);
    }
    return results;
  };
  const auto ours = run(at::kFloat, RunLstm);
  const auto reference = run(at::kDouble, ReferenceLstm);
  ASSERT_EQ(ours.size(), reference.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_LT(Distance(ours[i], reference[i]), 5e-5) << "result " << i;
  }
}

TEST(AdditiveAttention, MatchesLibTorchForwardAndBackward) {
  const std::vector<at::Tensor> floats{Uniform({6, 21}, 1), Uniform({9, 21}, 2), Uniform({21}, 3)};
  const at::Tensor weights = Uniform({6, 9}, 4);
  const auto run = [&](at::ScalarType type, auto scores) {
    std::vector<at::Tensor> leaves;
    for (const at::Tensor& tensor : floats) {
      leaves.push_back(tensor.to(type).detach().clone().set_requires_grad(true));
    }
    const at::Tensor out = scores(leaves[0], leaves[1], leaves[2]);
    std::vector<at::Tensor> results{out.detach()};
    for (const at::Tensor& gradient :
         torch::autograd::grad({(out * weights.to(type)).sum()}, leaves)) {
      results.push_back(gradient);
    }
    return results;
  };
  const auto ours = run(at::kFloat, AdditiveAttentionScores);
  const auto reference =
      run(at::kDouble, [](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
        return (at::tanh(q.unsqueeze(1) + k.unsqueeze(0)) * v).sum(2);
      });
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_LT(Distance(ours[i], reference[i]), 2e-5) << "result " << i;
  }
}

class LstmNetTest : public ::testing::TestWithParam<std::pair<Attention, bool>> {};

// The gradient of the log-probability of given placements along a random direction of each
// parameter, against central differences.
TEST_P(LstmNetTest, GradientMatchesFiniteDifferences) {
  PolicyConfig config;
  config.hidden = 6;
  config.type_embedding = 4;
  config.adjacency_embedding = 3;
  config.device_embedding = 3;
  config.max_groups = 4;  // fewer than groups: shared rows
  config.max_devices = 4;
  config.initial_range = 0.5;
  config.temperature = 2;
  std::tie(config.attention, config.bidirectional) = GetParam();
  LstmNet net(config);
  GroupFeatures features = RandomFeatures(5, 3, 2);
  features.allowed[4] = 0;
  const NetInputs inputs(features, config.max_groups);
  const at::Tensor devices = at::tensor({0, 1, 0, 2, 2, 1, 1, 1, 0, 2}, at::kInt).view({5, 2});
  const auto objective = [&] {
    const Decoding decoding = net.Decode(inputs, net.Encode(inputs), devices, 0.7);
    return decoding.log_probabilities.sum() + 0.5 * decoding.entropy.sum();
  };
  std::vector<at::Tensor> values;
  for (const Parameter& parameter : net.parameters()) {
    values.push_back(parameter.value);
  }
  const auto gradients = torch::autograd::grad({objective()}, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const at::Tensor direction = Uniform(values[i].sizes().vec(), 10 + i);
    const double expected = (gradients[i] * direction).sum().item<double>();
    constexpr double kStep = 3e-3;
    const at::Tensor saved = values[i].detach().clone();
    const auto at_offset = [&](double offset) {
      values[i].detach().copy_(saved + offset * direction);
      return objective().item<double>();
    };
    const double slope = (at_offset(kStep) - at_offset(-kStep)) / (2 * kStep);
    values[i].detach().copy_(saved);
    EXPECT_NEAR(slope, expected, 2e-3 * std::max(1.0, std::abs(expected)))
        << net.parameters()[i].name;
    EXPECT_GT(gradients[i].abs().max().item<double>(), 0) << net.parameters()[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, LstmNetTest,
                         ::testing::Values(std::pair(Attention::kDotProduct, false),
                                           std::pair(Attention::kDotProduct, true),
                                           std::pair(Attention::kBahdanau, false)));

TEST(LstmNet, ForgetGatesStartOpenAndTheRestWithinTheRange) {
  PolicyConfig config;
  config.hidden = 8;
  const LstmNet net(config);
  bool seen = false;
  for (const Parameter& parameter : net.parameters()) {
    at::Tensor rest = parameter.value.detach();
    if (parameter.name == "encoder.bias" || parameter.name == "decoder.bias") {
      seen = true;
      EXPECT_EQ(rest.slice(0, 8, 16).min().item<float>(), 1.0F);
      EXPECT_EQ(rest.slice(0, 8, 16).max().item<float>(), 1.0F);
      rest = at::cat({rest.slice(0, 0, 8), rest.slice(0, 16)});
    }
    EXPECT_LE(rest.abs().max().item<double>(), config.initial_range) << parameter.name;
  }
  EXPECT_TRUE(seen);
}

TEST(Kernels, ProductsMatchWhateverTheShape) {
  for (const auto& [m, k, n] : std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t>>{
           {1, 1, 1}, {1, 7, 5}, {3, 4, 33}, {8, 16, 32}, {16, 5, 64}, {17, 9, 47}, {31, 2, 18}}) {
    const at::Tensor a = Uniform({m, k}, 1), b = Uniform({k, n}, 2);
    const at::Tensor expected = at::mm(a.to(at::kDouble), b.to(at::kDouble));
    for (const bool transposed : {false, true}) {
      const at::Tensor stored = transposed ? b.t().contiguous() : b;
      const PackedMatrix packed(stored.data_ptr<float>(), static_cast<std::size_t>(k),
                                static_cast<std::size_t>(n), transposed);
      at::Tensor c = at::full({m, n}, 99.0F);
      packed.MultiplyInto(static_cast<std::size_t>(m), a.data_ptr<float>(), c.data_ptr<float>());
      EXPECT_LT(Distance(c, expected), 1e-5) << m << " x " << k << " x " << n;
    }
  }
}

TEST(Kernels, SoftmaxRowsSumToOneAndSurviveExtremes) {
  for (const std::int64_t columns : {1, 3, 16, 40}) {
    at::Tensor x = Uniform({5, columns}, 3, 20);
    x.data_ptr<float>()[0] = 1e6F;
    x.data_ptr<float>()[5 * columns - 1] = -1e6F;
    const at::Tensor expected = at::softmax(x.to(at::kDouble), 1);
    BestKernels().softmax(x.data_ptr<float>(), 5, static_cast<std::size_t>(columns));
    EXPECT_LT(Distance(x, expected), 1e-6);
  }
}

}  // namespace
}  // namespace placer::detail
