#include "runner/simulated_runner.h"

#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/parallel_for.h>

#include "graphs/base/error.h"
#include "runner/detail/max_load.h"
#include "runner/detail/step_simulation.h"
#include "runner/detail/trace_recorder.h"

namespace placer {

struct SimulatedRunner::Evaluator::State {
  State(const Tables& tables_in, SimulationOptions options_in)
      : tables(tables_in), options(options_in), simulation(tables_in) {}
  const Tables& tables;
  SimulationOptions options;
  detail::StepSimulation simulation;
  detail::MaxLoad max_load;
};

struct SimulatedRunner::EvaluatorPool {
  tbb::enumerable_thread_specific<Evaluator> evaluators;
};

SimulatedRunner::Evaluator::Evaluator(const SimulatedRunner& runner)
    : state_(std::make_unique<State>(*runner.tables_, runner.options_)) {}
SimulatedRunner::Evaluator::~Evaluator() = default;
SimulatedRunner::Evaluator::Evaluator(Evaluator&&) noexcept = default;
SimulatedRunner::Evaluator& SimulatedRunner::Evaluator::operator=(Evaluator&&) noexcept = default;

StepSummary SimulatedRunner::Evaluator::Evaluate(std::span<const DeviceId> device_of_op) {
  if (device_of_op.size() != state_->tables.num_ops) {
    throw std::logic_error("Evaluate: one device per op is needed");
  }
  if (state_->options.objective == Objective::kMaxLoad) {
    return state_->max_load.Compute(state_->tables, device_of_op);
  }
  detail::NoRecorder recorder;
  return state_->simulation.Run(device_of_op, state_->options.order, recorder);
}

SimulatedRunner::SimulatedRunner(const Graph& graph, const Cluster& cluster, const CostModel& costs,
                                 SimulationOptions options)
    : Runner(graph, cluster),
      costs_(costs),
      options_(options),
      tables_(std::make_unique<const Tables>(graph, cluster, costs)),
      pool_(std::make_unique<EvaluatorPool>(EvaluatorPool{
          tbb::enumerable_thread_specific<Evaluator>([this] { return Evaluator(*this); })})) {
  if (costs.num_ops() != graph.num_ops() || costs.num_devices() != cluster.num_devices()) {
    throw std::logic_error("SimulatedRunner: the costs are those of another graph or cluster");
  }
}
SimulatedRunner::~SimulatedRunner() = default;

StepReport SimulatedRunner::RunWithTrace(const Placement& placement, Trace* trace) const {
  StepReport report;
  StepSummary summary;
  if (options_.objective == Objective::kMaxLoad) {
    detail::MaxLoad load;
    summary = load.Compute(*tables_, placement.device_of_op());
    report.peak_bytes = load.bytes;
    for (std::size_t device = 0; device < load.load.size(); ++device) {
      report.busy.emplace_back(load.load[device]);
      if (load.bytes[device] > tables_->capacity[device]) {
        report.shortages.push_back(
            {DeviceId(device), load.bytes[device], tables_->capacity[device], Picoseconds(0), {}});
      }
    }
    report.link_busy.resize(cluster().num_channels());
  } else {
    detail::StepSimulation simulation(*tables_);
    detail::TraceRecorder recorder(*tables_, cluster().num_channels());
    summary = simulation.Run(placement.device_of_op(), options_.order, recorder);
    recorder.FillReport(simulation.peak_bytes(), report);
    if (trace != nullptr) {
      *trace = std::move(recorder).TakeTrace(summary.step_time);
    }
  }
  report.outcome = summary.outcome;
  report.step_time = summary.step_time;
  if (!report.shortages.empty()) {
    const MemoryShortage& shortage = report.shortages.front();
    report.reason = "device '" + cluster().device(shortage.device).name + "' needs " +
                    FormatBytes(shortage.required_bytes) + " and has " +
                    FormatBytes(shortage.available_bytes);
  }
  return report;
}

StepReport SimulatedRunner::DoRun(const Placement& placement) const {
  return RunWithTrace(placement, nullptr);
}

void SimulatedRunner::DoRunBatch(std::span<const Placement> placements,
                                 std::span<StepSummary> summaries) const {
  if (placements.size() == 1) {
    summaries[0] = pool_->evaluators.local().Evaluate(placements[0].device_of_op());
    return;
  }
  tbb::parallel_for(std::size_t{0}, placements.size(), [&](std::size_t i) {
    summaries[i] = pool_->evaluators.local().Evaluate(placements[i].device_of_op());
  });
}

}  // namespace placer
