#include "experiments/execution.h"

#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "cost_model/device_list.h"
#include "experiments/format.h"
#include "experiments/status_line.h"
#include "experiments/table.h"
#include "graphs/base/error.h"

namespace placer {

void AddWorkerOptions(CLI::App& app, ExecutionOptions& options) {
  app.add_option("--step-seconds", options.step_seconds,
                 "limit for one executed step; n in a row may take n times that (default 60)")
      ->check(CLI::PositiveNumber);
  app.add_option("--memory-gb", options.memory_gb,
                 "limit for the process that executes the model (default 80 % of the memory)")
      ->check(CLI::PositiveNumber);
}

void ExecutionOptions::AddTo(CLI::App& app) {
  app.add_option("--runner", runner,
                 "who judges placements: simulated; measured: all are executed; "
                 "simulated+measured: the best that the simulator finds are executed (default "
                 "for a TorchScript model with --devices, else simulated)");
  app.add_option("--best", best,
                 fmt::format("placements that simulated+measured executes (default {})", best))
      ->check(CLI::PositiveNumber);
  app.add_option("--rounds", rounds,
                 fmt::format("how often each of them is measured, in turns (default {})", rounds))
      ->check(CLI::PositiveNumber);
  AddWorkerOptions(app, *this);
}

void CheckExecutedAsSimulated(const ProblemSpec& problem) {
  if (problem.objective != "latency") {
    throw InputError("objective: found " + problem.objective +
                     " where steps are executed, expected latency: they run one at a time");
  }
  if (problem.order != "fifo") {
    throw InputError("order: found " + problem.order +
                     " where steps are executed, expected fifo: a device starts the op that became "
                     "ready first");
  }
}

RunnerKind ExecutionOptions::Kind(const ModelSpec& model, const ProblemSpec& problem) const {
  if (runner.empty()) {
    if (!model.is_executable() || problem.devices.empty()) {
      return RunnerKind::kSimulated;
    }
    CheckExecutedAsSimulated(problem);
    return RunnerKind::kSimulatedAndMeasured;
  }
  if (runner == "simulated") {
    return RunnerKind::kSimulated;
  }
  if (runner != "measured" && runner != "simulated+measured") {
    throw InputError("runner: found '" + runner +
                     "', expected simulated, measured or simulated+measured");
  }
  if (problem.devices.empty()) {
    throw InputError("runner: found '" + runner +
                     "' without --devices, expected for instance --devices cpu:0,cpu:1");
  }
  CheckExecutedAsSimulated(problem);
  return runner == "measured" ? RunnerKind::kMeasured : RunnerKind::kSimulatedAndMeasured;
}

WorkerOptions ExecutionOptions::Worker(const Console& console) const {
  WorkerOptions options;
  if (step_seconds) {
    options.time_limit = Seconds(*step_seconds);
  }
  if (memory_gb) {
    options.memory_limit_bytes = std::llround(*memory_gb * 1e9);
  }
  options.stop = console.stop;
  return options;
}

std::unique_ptr<StepWorker> StartWorker(const ModelSpec& model, const ProblemSpec& problem,
                                        const ExecutionOptions& options, const Console& console) {
  const std::vector<std::string> devices = ParseDeviceList(problem.devices);
  const StepSource source = model.Source(devices);
  const StatusLine status(console, "loading and capturing " + model.model);
  return std::make_unique<StepWorker>(source, options.Worker(console));
}

Profile ProfileFor(StepWorker& worker, const Cluster& cluster, const ProblemSpec& problem,
                   const Console& console) {
  if (!problem.profile.empty()) {
    return ReadProfile(problem.profile);
  }
  StatusLine status(console, "profiling steps (`placer profile` keeps what this measures)");
  Profile profile =
      MeasureProfile(worker, cluster, {}, [&](int done, int total) { status.Show(done, total); });
  profile.hardware = HardwareOf(cluster);
  return profile;
}

Execution::Execution(const ModelSpec& model, const ProblemSpec& problem,
                     const ExecutionOptions& options, const Console& console)
    : kind_(options.Kind(model, problem)), options_(options) {
  if (kind_ == RunnerKind::kSimulated) {
    bench_ = std::make_unique<Workbench>(model.Load(console.stop), problem);
    return;
  }
  worker_ = StartWorker(model, problem, options, console);
  Cluster cluster = problem.LoadTarget();
  const Profile profile = ProfileFor(*worker_, cluster, problem, console);
  bench_ = std::make_unique<Workbench>(LoadedModel{worker_->graph(), worker_->warnings()},
                                       std::move(cluster), problem, profile);
  const Problem& simulated = bench_->problem();
  if (kind_ == RunnerKind::kMeasured) {
    measured_ = std::make_unique<MeasuredRunner>(simulated.graph(), simulated.cluster(), *worker_);
    problem_ = std::make_unique<Problem>(simulated, *measured_);
  } else {
    elites_ = std::make_unique<EliteRunner>(simulated.runner(), options_.best);
    problem_ = std::make_unique<Problem>(simulated, *elites_);
  }
}

std::vector<EliteRunner::Elite> Execution::TakeElites() const {
  return elites_ ? elites_->TakeElites() : std::vector<EliteRunner::Elite>();
}

std::string Execution::FailureNote() const {
  if (!measured_ || measured_->num_failed() == 0) {
    return {};
  }
  return fmt::format("{} of {} placements could not be measured, the first because {}",
                     FormatCount(measured_->num_failed()), FormatCount(measured_->num_measured()),
                     measured_->first_failure());
}

bool Execution::MeasureInTurns(std::span<MeasuredCandidate> candidates, bool give_up,
                               const char* what, const Console& console) const {
  std::vector<StepPlan> plans;
  for (const MeasuredCandidate& candidate : candidates) {
    plans.push_back({StepPlan::Kind::kPlaced, candidate.placement, 1});
  }
  StatusLine status(console, what);
  InterleavedTimings measured =
      TimeInterleaved(*worker_, plans, options_.rounds, {}, give_up,
                      [&](int round) { status.Show(round, options_.rounds); });
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    candidates[i].timing = std::move(measured.timings[i]);
    HoldAgainstMemory(bench().cluster(), candidates[i].timing);
  }
  return !measured.interrupted;
}

bool Execution::Measure(std::span<MeasuredCandidate> candidates, const Console& console) const {
  return MeasureInTurns(candidates, /*give_up=*/true, "measuring the best placements", console);
}

bool Execution::Confirm(std::span<MeasuredCandidate> candidates, const Console& console) const {
  worker_->Restart();
  return MeasureInTurns(candidates, /*give_up=*/false, "measuring the winner in a fresh process",
                        console);
}

std::optional<SingleDevice> Execution::Remeasure(std::span<PlaceResult> results,
                                                 const Console& console) const {
  if (!executes()) {
    return BestSingleDevice(bench());
  }
  if (console.stop.stop_requested()) {
    if (kind_ != RunnerKind::kSimulatedAndMeasured) {
      return std::nullopt;
    }
    console.err << "placer: interrupted before placements were executed, step times are "
                   "simulated\n";
    return BestSingleDevice(bench());
  }
  std::vector<MeasuredCandidate> candidates;
  const auto add = [&](Placement placement) {  // methods often agree
    const auto same = std::ranges::find(candidates, placement, &MeasuredCandidate::placement);
    const auto index = static_cast<std::size_t>(same - candidates.begin());
    if (same == candidates.end()) {
      candidates.push_back({{}, std::move(placement), {}, {}});
    }
    return index;
  };
  std::vector<std::pair<PlaceResult*, std::size_t>> uses;
  for (PlaceResult& result : results) {
    if (result.groups && result.best.outcome == StepOutcome::kOk) {
      uses.emplace_back(&result, add(problem().Expand(*result.groups)));
    }
  }
  std::vector<std::pair<DeviceId, std::size_t>> alone;
  for (const DeviceId device : DevicesThatHold(bench())) {
    alone.emplace_back(device, add(Placement(bench().graph().num_ops(), device)));
  }
  worker_->Restart();
  static_cast<void>(MeasureInTurns(candidates, /*give_up=*/false,
                                   "measuring what the methods found in a fresh process", console));
  for (const auto& [result, index] : uses) {
    const StepTiming& timing = candidates[index].timing;
    if (timing.outcome == StepOutcome::kInterrupted) {
      result->interrupted = true;
    } else {
      SetMeasured(timing, *result);
    }
  }
  std::optional<SingleDevice> best;
  for (const auto& [device, index] : alone) {
    const StepTiming& timing = candidates[index].timing;
    const Picoseconds time(std::llround(timing.time.mean * 1e12));
    if (timing.outcome == StepOutcome::kOk && (!best || time < best->step_time)) {
      best = SingleDevice{device, time};
    }
  }
  return best;
}

void Execution::ForgetMeasured() const {
  if (measured_) {
    measured_->Forget();
  }
}

void Execution::SetMeasured(const StepTiming& timing, PlaceResult& result) const {
  result.best.outcome = timing.outcome;
  result.best.step_time = Picoseconds(std::llround(timing.time.mean * 1e12));
  if (result.curve.empty()) {
    return;
  }
  if (kind_ == RunnerKind::kSimulatedAndMeasured) {
    result.curve = {{result.samples, result.best, result.wall}};
  } else {
    result.curve.back().best = result.best;
  }
}

std::optional<std::size_t> BestMeasured(std::span<const MeasuredCandidate> candidates) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const StepTiming& timing = candidates[i].timing;
    if (timing.outcome == StepOutcome::kOk && timing.time.count > 0 &&
        (!best || timing.time.mean < candidates[*best].timing.time.mean)) {
      best = i;
    }
  }
  return best;
}

std::string DescribeTiming(const StepTiming& timing) {
  if (timing.outcome != StepOutcome::kOk) {
    return timing.reason;
  }
  const TimeUnit unit = UnitFor(std::vector<Seconds>{Seconds(timing.time.mean)});
  std::string text = FormatTime(Seconds(timing.time.mean), unit);
  if (std::isfinite(timing.time.half_width)) {
    text += " +- " + FormatTime(Seconds(timing.time.half_width), unit);
  }
  return text + fmt::format(" ({} repeats{})", timing.time.count, timing.cut ? ", given up" : "");
}

void PrintCandidates(std::ostream& out, std::span<const MeasuredCandidate> candidates,
                     std::optional<std::size_t> best) {
  std::vector<Seconds> times;
  for (const MeasuredCandidate& candidate : candidates) {
    times.emplace_back(candidate.timing.time.mean);
  }
  const TimeUnit unit = UnitFor(times);
  Table table({{"placement", Table::Align::kLeft},
               {"simulated"},
               {"measured"},
               {"+- 95 %"},
               {"repeats"},
               {"", Table::Align::kLeft}});
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const MeasuredCandidate& candidate = candidates[i];
    const StepTiming& timing = candidate.timing;
    const bool ok = timing.outcome == StepOutcome::kOk && timing.time.count > 0;
    table.AddRow({candidate.source,
                  candidate.simulated ? FormatTime(ToSeconds(*candidate.simulated), unit) : "-",
                  ok ? FormatTime(Seconds(timing.time.mean), unit) : "-",
                  ok && std::isfinite(timing.time.half_width)
                      ? FormatTime(Seconds(timing.time.half_width), unit)
                      : "-",
                  std::to_string(timing.time.count),
                  !ok          ? timing.reason
                  : best == i  ? "<- best"
                  : timing.cut ? "given up"
                               : ""});
  }
  table.Print(out);
}

nlohmann::ordered_json CandidatesToJson(std::span<const MeasuredCandidate> candidates) {
  auto array = nlohmann::ordered_json::array();
  for (const MeasuredCandidate& candidate : candidates) {
    nlohmann::ordered_json json = {{"placement", candidate.source}};
    if (candidate.simulated) {
      json["simulated_seconds"] = ToSeconds(*candidate.simulated).count();
    }
    const StepTiming& timing = candidate.timing;
    if (timing.outcome == StepOutcome::kOk && timing.time.count > 0) {
      json["measured_seconds"] = timing.time.mean;
      if (std::isfinite(timing.time.half_width)) {
        json["half_width_95_seconds"] = timing.time.half_width;
      }
      json["repeats_seconds"] = timing.times;
      json["peak_bytes"] = timing.peak_bytes;
      json["given_up"] = timing.cut;
    } else {
      json["reason"] = timing.reason;
    }
    array.push_back(json);
  }
  return array;
}

}  // namespace placer
