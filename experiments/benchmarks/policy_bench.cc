// Placements per second of the LSTM policy: sampling, learning, and both, batch 16, 5 devices, one
// thread; and the products of the same sizes that bound it. Arguments: hidden units, groups.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "graphs/base/rng.h"
#include "policy/detail/kernels.h"
#include "policy/policy.h"

namespace placer {
namespace {

constexpr std::size_t kBatch = 16, kDevices = 5;

GroupFeatures MadeUpFeatures(std::size_t groups) {
  Rng rng(1);
  GroupFeatures features;
  features.num_groups = groups;
  features.num_devices = kDevices;
  features.type_begin.push_back(0);
  for (std::size_t group = 0; group < groups; ++group) {
    features.type_ids.push_back(static_cast<std::uint32_t>(rng.Below(kNumOpTypeIds)));
    features.type_weights.push_back(1);
    features.type_begin.push_back(static_cast<std::uint32_t>(features.type_ids.size()));
    for (std::size_t i = 0; i < GroupFeatures::kDense; ++i) {
      features.dense.push_back(static_cast<float>(rng.Uniform()));
    }
    if (group > 0) {
      features.edges.push_back(
          {static_cast<std::uint32_t>(group - 1), static_cast<std::uint32_t>(group), 0.5F});
    }
  }
  features.allowed.assign(groups * kDevices, 1);
  return features;
}

struct Setting {
  explicit Setting(const benchmark::State& state, Attention attention)
      : features(MadeUpFeatures(static_cast<std::size_t>(state.range(1)))) {
    PolicyConfig config;
    config.hidden = static_cast<std::size_t>(state.range(0));
    config.attention = attention;
    policy = MakeLstmPolicy(config);
  }
  std::vector<Proposal> Sample(Seed seed) const {
    return policy->Propose(features, kBatch, seed, /*sampling_temperature=*/1);
  }
  void Learn(const std::vector<Proposal>& proposals) const {
    std::vector<Experience> experiences;
    for (std::size_t i = 0; i < proposals.size(); ++i) {
      experiences.push_back({.devices = proposals[i].devices,
                             .old_log_probabilities = proposals[i].log_probabilities,
                             .weight = i % 2 == 0 ? 1.0F : -1.0F});
    }
    benchmark::DoNotOptimize(policy->Update(features, experiences, {}));
  }
  GroupFeatures features;
  std::unique_ptr<Policy> policy;
};

void CountPlacements(benchmark::State& state) {
  state.counters["placements/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * kBatch, benchmark::Counter::kIsRate);
}

void BM_Sample(benchmark::State& state, Attention attention) {
  const Setting setting(state, attention);
  // Learning nothing in between, the encoder would run only once: count its pass by a new state.
  const std::string saved = setting.policy->Save();
  Seed seed = 0;
  for (auto _ : state) {
    state.PauseTiming();
    setting.policy->Load(saved);
    state.ResumeTiming();
    benchmark::DoNotOptimize(setting.Sample(++seed));
  }
  CountPlacements(state);
}

void BM_Learn(benchmark::State& state, Attention attention) {
  const Setting setting(state, attention);
  const std::vector<Proposal> proposals = setting.Sample(1);
  for (auto _ : state) {
    setting.Learn(proposals);
  }
  CountPlacements(state);
}

void BM_SampleAndLearn(benchmark::State& state, Attention attention) {
  const Setting setting(state, attention);
  Seed seed = 0;
  for (auto _ : state) {
    setting.Learn(setting.Sample(++seed));
  }
  CountPlacements(state);
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  for (const std::int64_t hidden : {128, 512}) {
    for (const std::int64_t groups : {83, 200, 280}) {
      benchmark->Args({hidden, groups});
    }
  }
  benchmark->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(BM_Sample, dot, Attention::kDotProduct)->Apply(Sizes);
BENCHMARK_CAPTURE(BM_Learn, dot, Attention::kDotProduct)->Apply(Sizes);
BENCHMARK_CAPTURE(BM_SampleAndLearn, dot, Attention::kDotProduct)->Apply(Sizes);
BENCHMARK_CAPTURE(BM_SampleAndLearn, bahdanau, Attention::kBahdanau)
    ->Args({128, 83})
    ->Args({512, 83})
    ->Unit(benchmark::kMillisecond);

void CountFlops(benchmark::State& state, std::int64_t flops) {
  state.counters["flop/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(flops),
                         benchmark::Counter::kIsRate);
}

// The ceiling: the BLAS of LibTorch on the product over all steps, [4 H, G B] x [G B, H]. The
// decoder takes a placement through four of them (sampling, the teacher-forced pass, the gradients
// of states and of weights); nothing that does only these is quicker than "placements/s".
void BM_BlasProduct(benchmark::State& state) {
  at::set_num_threads(1);
  const std::int64_t hidden = state.range(0), rows = state.range(1) * kBatch;
  const at::Tensor gates = at::ones({rows, 4 * hidden}), states = at::ones({rows, hidden});
  for (auto _ : state) {
    benchmark::DoNotOptimize(at::mm(gates.t(), states));
  }
  CountFlops(state, 2 * 4 * hidden * hidden * rows);
  state.counters["placements/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * kBatch / 4, benchmark::Counter::kIsRate);
}
BENCHMARK(BM_BlasProduct)->Args({128, 83})->Args({512, 83});

// The recurrent product of one step, [B, H] x [H, 4 H] (or one row, as the encoder does).
void BM_StepProduct(benchmark::State& state) {
  const auto hidden = static_cast<std::size_t>(state.range(0));
  const auto rows = static_cast<std::size_t>(state.range(1));
  const std::vector<float> weights(4 * hidden * hidden, 0.5F), states(rows * hidden, 0.25F);
  const detail::PackedMatrix packed(weights.data(), hidden, 4 * hidden, /*transposed=*/true);
  std::vector<float> out(rows * 4 * hidden);
  for (auto _ : state) {
    packed.MultiplyInto(rows, states.data(), out.data());
    benchmark::ClobberMemory();
  }
  CountFlops(state, static_cast<std::int64_t>(2 * 4 * hidden * hidden * rows));
}
BENCHMARK(BM_StepProduct)->ArgsProduct({{128, 512}, {1, kBatch}});

}  // namespace
}  // namespace placer

BENCHMARK_MAIN();
