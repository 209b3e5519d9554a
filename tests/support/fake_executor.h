#pragma once

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "cost_model/device_list.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/rng.h"
#include "runner/step_executor.h"
#include "tests/support/test_graphs.h"

namespace placer::testing_support {

/// What a fake model file starts with; a TorchScript file is such an archive.
inline constexpr const char* kFakeMagic = "PK\x03\x04 fake\n";

/// `word number` lines behind the magic. Placing op N on device 1 sets off what `crash`, `hang`,
/// `eat`, `starve` or `fail` N says; with `write_hang 1` outputs are never written to their end.
inline std::string FakeModel(const std::string& lines = {}) {
  return kFakeMagic + lines + "\nend 1\n";
}

/// A machine whose clock is a simulator: ops of 1 ms and 2 ms, and copies, take what they take on
/// the hidden cluster, with a noise of `noise` per mille; `sleep_ms` makes every step last. With
/// `count_steps` the file MODEL.steps has a '|' for every process and a '.' for every step.
class FakeExecutor final : public StepExecutor {
 public:
  explicit FakeExecutor(const StepSource& source)
      : options_(Parse(source.model)),
        steps_file_(source.model.string() + ".steps"),
        graph_(MakeGraph(Option("branches", 4))),
        cluster_(HiddenCluster(source.devices)),
        costs_(graph_, cluster_),
        runner_(graph_, cluster_, costs_),
        rng_(source.seed) {
    if (Option("load_hang", 0) != 0) {
      Hang();
    }
    if (Option("load_crash", 0) != 0) {
      raise(SIGKILL);
    }
    if (Option("count_steps", 0) != 0) {
      std::ofstream(steps_file_, std::ios::app) << '|';
    }
    if (source.inputs.empty() || source.inputs[0] != "float32[1]") {
      throw InputError("inputs: found '" + (source.inputs.empty() ? "" : source.inputs[0]) +
                       "', expected float32[1]");
    }
  }

  [[nodiscard]] const Graph& graph() const override { return graph_; }
  [[nodiscard]] std::vector<std::string> warnings() const override { return {}; }

  ExecutedStep Run(const StepPlan& plan, bool record) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(Option("sleep_ms", 0)));
    if (Option("count_steps", 0) != 0) {
      std::ofstream(steps_file_, std::ios::app) << '.';
    }
    if (plan.kind != StepPlan::Kind::kPlaced) {
      const Placement one(graph_.num_ops(), DeviceId(0));
      const double share = plan.kind == StepPlan::Kind::kNative && plan.threads == 1
                               ? 1.0
                               : 1.0 / static_cast<double>(cluster_.num_devices());
      return {ToSeconds(runner_.Run(one).step_time) * (share * Noise()), {}, {}};
    }
    SetOff(plan.placement);
    Trace trace;
    const StepReport report = runner_.RunWithTrace(plan.placement, &trace);
    ExecutedStep step{ToSeconds(report.step_time) * Noise(), report.peak_bytes, {}};
    if (record) {
      step.trace = Executed(trace);
    }
    return step;
  }

  std::optional<StepMismatch> Verify(const Placement& placement) override {
    if (Option("wrong", -1) >= 0 && placement.device(OpId(Wrong())).index() == 1) {
      return StepMismatch{graph_.op(OpId(Wrong())).name, "output 0 differs by 1"};
    }
    return std::nullopt;
  }

  std::vector<std::filesystem::path> WriteOutputs(const Placement&,
                                                  const std::filesystem::path& folder) override {
    if (Option("write_hang", 0) != 0) {  // as ReplaceFile() writes
      std::ofstream(folder / ("out.pt.tmp" + std::to_string(getpid()))) << "1";
      Hang();
    }
    std::ofstream(folder / "out.pt") << "1";
    return {folder / "out.pt"};
  }

  /// One op of 1 ms, so many branches of two ops of 2 ms, one op that joins them.
  static Graph MakeGraph(int branches) {
    GraphBuilder builder("fake");
    const OpId first = builder.AddOp(TimedOp("first", 1000), {}, {Bytes(40'000)});
    std::vector<TensorId> ends;
    for (int b = 0; b < branches; ++b) {
      const std::string name = "branch" + std::to_string(b);
      const OpId a = builder.AddOp(TimedOp(name + "a", 2000), {builder.Output(first)},
                                   {Bytes(20'000 + 400 * b)});
      const OpId c = builder.AddOp(TimedOp(name + "b", 2000), {builder.Output(a)}, {Bytes(4'000)});
      ends.push_back(builder.Output(c));
    }
    TensorSpec result = Bytes(400);
    result.graph_output = true;
    builder.AddOp(TimedOp("last", 1000), ends, {result});
    return std::move(builder).Build();
  }

  /// A core on which TimedOp(n) takes 1.7 n microseconds and that copies 2 GB/s.
  static Cluster HiddenCluster(const std::vector<std::string>& devices) {
    ClusterSpec spec = MakeDeviceCluster(devices).spec();
    for (Device& device : spec.devices) {
      const double used = EfficiencyOf(OpClass::kOther, "test").compute /
                          EfficiencyOf(OpClass::kOther, "cpu").compute;
      device.peak_flops_per_s[static_cast<std::size_t>(DataType::kFloat32)] = 1e12 / 1.7 * used;
      device.launch_overhead = Seconds(0);
    }
    for (Link& link : spec.links) {
      link.bytes_per_s = 2e9;
      link.latency = Seconds(20e-6);
    }
    return Cluster(spec);
  }

 private:
  static std::map<std::string, int> Parse(const std::filesystem::path& model) {
    const std::string text = ReadWholeFile(model);
    if (!text.starts_with(kFakeMagic)) {
      throw InputError(model.string() + ": found no fake model, expected its first line");
    }
    std::map<std::string, int> options;
    std::istringstream lines(text.substr(std::strlen(kFakeMagic)));
    std::string word;
    for (int number = 0; lines >> word >> number;) {
      options[word] = number;
    }
    if (!options.contains("end")) {
      throw InputError(model.string() + ": found a file that is cut off, expected 'end' in it");
    }
    return options;
  }
  [[nodiscard]] int Option(const std::string& name, int otherwise) const {
    const auto found = options_.find(name);
    return found == options_.end() ? otherwise : found->second;
  }
  [[nodiscard]] std::size_t Wrong() const { return static_cast<std::size_t>(Option("wrong", 0)); }
  double Noise() { return 1 + Option("noise", 0) * 1e-3 * rng_.Uniform(); }

  [[noreturn]] static void Hang() {
    for (;;) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
  }

  void SetOff(const Placement& placement) {
    const auto on_second = [&](const std::string& fault) {
      const int op = Option(fault, -1);
      return op >= 0 && placement.device(OpId(static_cast<std::size_t>(op))).index() == 1;
    };
    if (on_second("crash")) {
      raise(SIGKILL);
    }
    if (on_second("hang")) {
      Hang();
    }
    if (on_second("fail")) {
      throw Error("op 'branch0a': a fault on purpose");
    }
    if (on_second("starve")) {
      throw std::bad_alloc();
    }
    if (on_second("eat")) {
      std::vector<std::unique_ptr<std::string>> food;
      for (;;) {  // 100 MB/s, to be noticed in time
        food.push_back(std::make_unique<std::string>(10'000'000, 'x'));
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    }
  }

  [[nodiscard]] ExecutedTrace Executed(const Trace& trace) const {
    ExecutedTrace executed;
    executed.ops = trace.ops;
    for (const Trace::Transfer& transfer : trace.transfers) {
      executed.copies.push_back({transfer.payload, cluster_.hops()[transfer.hop].from,
                                 transfer.destination, transfer.bytes, transfer.requested,
                                 transfer.start, transfer.end});
    }
    return executed;
  }

  std::map<std::string, int> options_;
  std::filesystem::path steps_file_;
  Graph graph_;
  Cluster cluster_;
  CostModel costs_;
  SimulatedRunner runner_;
  Rng rng_;
};

}  // namespace placer::testing_support
