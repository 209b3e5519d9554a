// Captured steps against the original: are they equal, and how fast.
//
//     replay_bench MODEL.pt [--training] [--placements N] [--pairs N] [--devices cpu:0,cpu:1]
//     INPUT...
//
// Checks N random placements bit for bit, then measures in turns: the original with one thread, the
// captured step on the first device, the original with two threads, and a schedule without copies;
// --pairs -1 measures nothing. With --memory N it prints instead how long the first replay and the
// N after it take on the first device, and how many page faults they have; --no-reuse and
// --huge-pages change how tensors get memory, scripts/compare_allocators.py compares.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include "cost_model/device_list.h"
#include "graphs/base/error.h"
#include "graphs/base/rng.h"
#include "runner/statistics.h"
#include "runner/torch/detail/device_memory.h"
#include "runner/torch/replay.h"

namespace placer {
namespace {

struct Options {
  StepSource source;
  int placements = 3, pairs = 5, memory = 0;
  detail::DeviceMemory::Blocks blocks;
};

Options ParseOptions(int argc, char** argv) {
  Options options;
  options.source.devices = {"cpu:0", "cpu:1"};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] {
      if (i + 1 == argc) {
        throw InputError(word + ": expected a value");
      }
      return std::string(argv[++i]);
    };
    if (word == "--training") {
      options.source.training = true;
    } else if (word == "--placements") {
      options.placements = std::stoi(value());
    } else if (word == "--pairs") {
      options.pairs = std::stoi(value());
    } else if (word == "--memory") {
      options.memory = std::stoi(value());
    } else if (word == "--no-reuse") {
      options.blocks.reuse = false;
    } else if (word == "--huge-pages") {
      options.blocks.huge_pages = true;
    } else if (word == "--devices") {
      options.source.devices = ParseDeviceList(value());
    } else if (word == "--optimizer") {
      options.source.optimizer = value();
    } else if (options.source.model.empty()) {
      options.source.model = word;
    } else {
      options.source.inputs.push_back(word);
    }
  }
  if (options.source.model.empty()) {
    throw InputError("expected a model: replay_bench MODEL.pt [--training] INPUT...");
  }
  return options;
}

Placement RandomPlacement(const Graph& graph, std::size_t num_devices, Rng& rng) {
  std::vector<DeviceId> of_class;
  for (std::size_t i = 0; i < graph.num_colocation_classes(); ++i) {
    of_class.emplace_back(rng.Below(num_devices));
  }
  std::vector<DeviceId> devices;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    devices.push_back(of_class[graph.colocation_class(OpId(i))]);
  }
  return Placement(std::move(devices));
}

int Check(StepExecutor& executor, const Options& options) {
  int faults = 0;
  const auto verify = [&](const char* what, const Placement& placement) {
    if (const auto mismatch = executor.Verify(placement)) {
      ++faults;
      std::printf("  %s: DIFFERS at op '%s': %s\n", what, mismatch->op.c_str(),
                  mismatch->what.c_str());
    }
  };
  Rng rng(options.source.seed);
  const Graph& graph = executor.graph();
  verify("one device", Placement(graph.num_ops(), DeviceId(0)));
  for (int i = 0; i < options.placements; ++i) {
    verify("random", RandomPlacement(graph, options.source.devices.size(), rng));
  }
  std::printf("  %d of %d placements bit-equal to the original\n", options.placements + 1 - faults,
              options.placements + 1);
  return faults;
}

void Measure(StepExecutor& executor, const Options& options) {
  const Placement one(executor.graph().num_ops(), DeviceId(0));
  std::vector<std::pair<std::string, StepPlan>> plans{
      {"original, 1 thread", {.kind = StepPlan::Kind::kNative, .threads = 1}},
      {"replay, 1 device", {.placement = one}},
      {"original, 2 threads", {.kind = StepPlan::Kind::kNative, .threads = 2}},
      {"replay, no copies", {.kind = StepPlan::Kind::kWorkConserving}}};
  std::vector<std::vector<double>> times(plans.size());
  std::vector<double> ratios;
  for (int pair = -1; pair < options.pairs; ++pair) {  // the first is dropped
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const double seconds = executor.Run(plans[i].second, /*record=*/false).time.count();
      if (pair < 0) {
        std::printf("  first  %-20s %9.2f ms\n", plans[i].first.c_str(), seconds * 1e3);
      } else {
        times[i].push_back(seconds);
      }
    }
    if (pair >= 0) {
      ratios.push_back(times[1].back() / times[0].back());
    }
  }
  for (std::size_t i = 0; i < plans.size() && options.pairs > 0; ++i) {
    const auto [least, most] = std::ranges::minmax(times[i]);
    std::printf("  median %-20s %9.2f ms (%.2f to %.2f)\n", plans[i].first.c_str(),
                Median(times[i]) * 1e3, least * 1e3, most * 1e3);
  }
  if (options.pairs > 0) {
    std::printf("  replay on one device / original with one thread, median of %d pairs: %.3f\n",
                options.pairs, Median(ratios));
  }
}

/// Minor page faults of this process so far.
long PageFaults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

void MeasureMemory(StepExecutor& executor, const Options& options) {
  const StepPlan plan{.placement = Placement(executor.graph().num_ops(), DeviceId(0))};
  std::vector<double> times, faults;
  for (int i = 0; i <= options.memory; ++i) {
    const long before = PageFaults();
    times.push_back(executor.Run(plan, /*record=*/false).time.count() * 1e3);
    faults.push_back(static_cast<double>(PageFaults() - before));
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("first_ms %.2f first_faults %.0f ", times.front(), faults.front());
  std::printf("steady_ms %.2f steady_faults %.0f peak_mb %.0f\n",
              Median({times.begin() + 1, times.end()}), Median({faults.begin() + 1, faults.end()}),
              static_cast<double>(usage.ru_maxrss) / 1024);
}

int Main(int argc, char** argv) {
  const Options options = ParseOptions(argc, argv);
  detail::DeviceMemory::SetBlocks(options.blocks);
  const auto executor = MakeReplayExecutor(options.source);
  std::printf("%s%s: %zu ops, %zu tensors\n", options.source.model.c_str(),
              options.source.training ? " training" : "", executor->graph().num_ops(),
              executor->graph().num_tensors());
  for (const std::string& warning : executor->warnings()) {
    std::printf("  warning: %s\n", warning.c_str());
  }
  if (options.memory > 0) {
    MeasureMemory(*executor, options);
    return 0;
  }
  const int faults = Check(*executor, options);
  Measure(*executor, options);
  return faults == 0 ? 0 : 3;
}

}  // namespace
}  // namespace placer

int main(int argc, char** argv) {
  try {
    return placer::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay_bench: %s\n", error.what());
    return 2;
  }
}
