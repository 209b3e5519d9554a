#include "runner/torch/replay.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <chrono>
#include <exception>
#include <string_view>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "runner/step_worker.h"
#include "runner/torch/detail/captured_state.h"
#include "runner/torch/detail/graph_of_program.h"
#include "runner/torch/detail/host_threads.h"
#include "runner/torch/detail/names.h"
#include "runner/torch/detail/program_order.h"
#include "runner/torch/detail/replay_engine.h"

namespace placer {

CapturedStep::CapturedStep(std::unique_ptr<detail::CapturedState> state)
    : state_(std::move(state)) {}
CapturedStep::~CapturedStep() = default;
CapturedStep::CapturedStep(CapturedStep&&) noexcept = default;
CapturedStep& CapturedStep::operator=(CapturedStep&&) noexcept = default;
const Graph& CapturedStep::graph() const noexcept { return state_->graph; }
const std::vector<std::string>& CapturedStep::warnings() const noexcept { return state_->warnings; }
std::vector<std::string> CapturedStep::output_names() const {
  std::vector<std::string> names;
  for (const detail::StepOutput& output : state_->program.outputs) {
    names.push_back(output.name);
  }
  return names;
}

namespace detail {
namespace {

Program Record(ModelStep& step, int variant) {
  step.Reset(variant);
  StepRecorder recorder(step.KnownTensors());
  step.Run(&recorder);
  return std::move(recorder).Finish();
}

}  // namespace

CapturedStep CaptureModule(const torch::jit::Module& module, const std::string& where,
                           const CaptureOptions& options) {
  SetIntraOpThreads(1);
  auto state = std::make_unique<CapturedState>();
  state->step = std::make_unique<ModelStep>(module, where, options);
  try {
    state->program = Record(*state->step, 0);
    std::string data_dependent;
    {
      const Program other = Record(*state->step, 1);
      const std::string difference = FindDifference(state->program, other, data_dependent);
      if (!difference.empty()) {
        throw InputError(where + ": " + difference +
                         ": expected a step that does not follow the data");
      }
    }
    if (!data_dependent.empty()) {
      state->warnings.push_back("op '" + data_dependent +
                                "' has results whose sizes follow from the data: the graph has the "
                                "sizes of the example inputs");
    }
    state->graph = GraphOf(state->program, std::filesystem::path(where).stem().string());
  } catch (const InputError& error) {
    const std::string what = error.what();
    throw what.starts_with(where) ? error : error.In(where);
  }
  return CapturedStep(std::move(state));
}

}  // namespace detail

CapturedStep CaptureTorchScript(const std::filesystem::path& model, const CaptureOptions& options) {
  return detail::CaptureModule(detail::LoadModule(model), model.string(), options);
}

struct ReplayExecutor::State {
  State(CapturedStep captured, const std::vector<std::string>& devices)
      : step(std::move(captured)),
        engine(step.state().program, step.graph(), devices),
        num_devices(devices.size()) {}
  CapturedStep step;
  detail::ReplayEngine engine;
  std::size_t num_devices;
  std::optional<StepPlan> placed;  ///< what the engine is set up for

  void Place(const StepPlan& plan) {
    if (placed == plan) {
      return;
    }
    const Graph& graph = step.graph();
    placed.reset();
    if (plan.kind == StepPlan::Kind::kWorkConserving) {
      if (engine.has_gpu()) {
        throw InputError("devices: found a GPU, expected cpu:N alone for a queue that all share");
      }
      engine.Place(Placement(graph.num_ops(), DeviceId(0)), /*shared=*/true);
    } else {
      Check(plan.placement);
      engine.Place(plan.placement, /*shared=*/false);
    }
    placed = plan;
  }

  void Check(const Placement& placement) const {
    const Graph& graph = step.graph();
    if (placement.num_ops() != graph.num_ops()) {
      throw InputError("placement: found " + std::to_string(placement.num_ops()) +
                       " ops, expected " + std::to_string(graph.num_ops()));
    }
    std::vector<std::optional<DeviceId>> device_of_class(graph.num_colocation_classes());
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      const DeviceId device = placement.device(OpId(i));
      if (device.index() >= num_devices) {
        throw InputError("placement: op '" + graph.op(OpId(i)).name + "': found device " +
                         std::to_string(device.index()) + ", expected one of " +
                         std::to_string(num_devices));
      }
      auto& of_class = device_of_class[graph.colocation_class(OpId(i))];
      if (of_class && *of_class != device) {
        throw InputError("placement: op '" + graph.op(OpId(i)).name +
                         "': found it apart from an op that shares its memory");
      }
      of_class = device;
    }
  }

  ExecutedStep RunNative(int threads) {
    std::vector<int> cores = engine.cores();
    const auto wanted = static_cast<std::size_t>(threads);
    if (cores.size() < wanted) {
      cores = detail::AllowedCores();
    }
    cores.resize(std::min(cores.size(), wanted));
    const detail::CoreScope scope(cores);
    detail::SetIntraOpThreads(threads);
    step.state().step->Reset();
    const auto start = std::chrono::steady_clock::now();
    step.state().step->Run(nullptr);
    const Seconds time = std::chrono::steady_clock::now() - start;
    detail::SetIntraOpThreads(1);
    return {.time = time};
  }
};

namespace {

/// Whoever called the worker process learns by the error's type that memory did not suffice.
template <typename Action>
auto TellingOfMemory(const Action& action) {
  try {
    return action();
  } catch (const std::exception& error) {
    if (detail::IsOutOfMemory(error)) {
      throw WorkerError(StepOutcome::kOutOfMemory, detail::OneLine(error));
    }
    throw;
  }
}

}  // namespace

ReplayExecutor::ReplayExecutor(CapturedStep step, std::vector<std::string> devices)
    : state_(std::make_unique<State>(std::move(step), devices)) {}
ReplayExecutor::~ReplayExecutor() = default;
const Graph& ReplayExecutor::graph() const { return state_->step.graph(); }
std::vector<std::string> ReplayExecutor::warnings() const { return state_->step.warnings(); }

ExecutedStep ReplayExecutor::Run(const StepPlan& plan, bool record) {
  return TellingOfMemory([&] {
    if (plan.kind == StepPlan::Kind::kNative) {
      return state_->RunNative(plan.threads);
    }
    state_->Place(plan);
    return state_->engine.Run(record);
  });
}

std::optional<StepMismatch> ReplayExecutor::Verify(const Placement& placement) {
  return TellingOfMemory([&] {
    state_->Place({.placement = placement});
    detail::StepContent content;
    state_->engine.Run(/*record=*/false, &content);
    return FindMismatch(state_->step.state(), content, state_->engine.has_gpu());
  });
}

std::vector<std::filesystem::path> ReplayExecutor::WriteOutputs(
    const Placement& placement, const std::filesystem::path& folder) {
  return TellingOfMemory([&] {
    state_->Place({.placement = placement});
    detail::StepContent content;
    state_->engine.Run(/*record=*/false, &content);
    std::vector<std::filesystem::path> files;
    for (const std::string& name : detail::FileNames(state_->step.output_names())) {
      const at::Tensor& output = content.outputs[files.size()];
      const std::vector<char> bytes = torch::jit::pickle_save(output.cpu());
      files.push_back(folder / (name + ".pt"));
      ReplaceFile(files.back(), std::string_view(bytes.data(), bytes.size()));
    }
    return files;
  });
}

std::unique_ptr<StepExecutor> MakeReplayExecutor(const StepSource& source) {
  CaptureOptions options{.training = source.training, .loss = source.loss, .seed = source.seed};
  for (const std::string& input : source.inputs) {
    options.inputs.push_back(ParseInputSpec(input));
  }
  if (source.optimizer) {
    const auto optimizer = ParseOptimizer(*source.optimizer);
    if (!optimizer) {
      throw InputError("optimizer: found '" + *source.optimizer +
                       "', expected sgd, momentum or adam");
    }
    options.optimizer = *optimizer;
  }
  return TellingOfMemory([&] {
    return std::make_unique<ReplayExecutor>(CaptureTorchScript(source.model, options),
                                            source.devices);
  });
}

}  // namespace placer
