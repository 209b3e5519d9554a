#include "runner/torch/detail/model_step.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/script.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <new>
#include <set>
#include <sstream>
#include <string_view>
#include <type_traits>

#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"
#include "graphs/base/rng.h"
#include "runner/step_worker.h"
#include "runner/torch/detail/names.h"

namespace placer::detail {
namespace {

at::Tensor MakeInput(const InputSpec& spec, Seed seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  const c10::ScalarType type = ToScalarType(spec.dtype);
  if (c10::isFloatingType(type) || c10::isComplexType(type)) {
    return torch::randn(spec.shape, generator).to(type);
  }
  return torch::randint(spec.below.value_or(2), spec.shape, generator).to(type);
}

std::string KeyText(const c10::IValue& key) {
  if (key.isString()) {
    return key.toStringRef();
  }
  std::ostringstream text;
  text << key;
  std::string line = text.str();
  std::ranges::replace(line, '\n', ' ');  // a key may be a tensor
  return line;
}

/// The tensors in a result, with names such as `out`, `out.0`, `out.logits`.
void Flatten(const c10::IValue& value, const std::string& name,
             std::vector<std::pair<std::string, at::Tensor>>& to) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) {
      to.emplace_back(name, value.toTensor());
    }
  } else if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    const auto& schema = value.type()->expectRef<c10::TupleType>().schema();
    for (std::size_t i = 0; i < elements.size(); ++i) {
      Flatten(elements[i],
              name + "." + (schema ? schema->arguments()[i].name() : std::to_string(i)), to);
    }
  } else if (value.isList()) {
    const auto elements = value.toListRef();
    for (std::size_t i = 0; i < elements.size(); ++i) {
      Flatten(elements[i], name + "." + std::to_string(i), to);
    }
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      Flatten(entry.value(), name + "." + KeyText(entry.key()), to);
    }
  }
}

/// The key of a parameter's entry in an optimizer's state: its address, which LibTorch 1 writes as
/// text.
template <typename Key>
Key StateKey(const at::Tensor& parameter) {
  if constexpr (std::is_pointer_v<Key>) {
    return parameter.unsafeGetTensorImpl();
  } else {
    std::ostringstream text;
    text << parameter.unsafeGetTensorImpl();
    return text.str();
  }
}

void Zero(torch::optim::Optimizer& optimizer, Optimizer kind, const at::Tensor& parameter,
          const std::string& name, std::vector<KnownTensor>& state) {
  const auto add = [&](const std::string& what) {
    const at::Tensor zeros = torch::zeros_like(parameter).detach();
    state.push_back({name + "." + what, OpRole::kParameter, zeros, name});
    return zeros;
  };
  using States = std::remove_cvref_t<decltype(optimizer.state())>;
  const auto key = StateKey<States::key_type>(parameter);
  if (kind == Optimizer::kMomentum) {
    auto entry = std::make_unique<torch::optim::SGDParamState>();
    entry->momentum_buffer(add("momentum"));
    optimizer.state()[key] = std::move(entry);
  } else if (kind == Optimizer::kAdam) {
    auto entry = std::make_unique<torch::optim::AdamParamState>();
    entry->step(0);
    entry->exp_avg(add("mean"));
    entry->exp_avg_sq(add("square"));
    optimizer.state()[key] = std::move(entry);
  }
}

}  // namespace

std::string OneLine(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return "out of memory";
  }
  const auto* c10_error = dynamic_cast<const c10::Error*>(&error);
  std::string text = c10_error != nullptr ? c10_error->what_without_backtrace() : error.what();
  // The interpreter puts a trace in front.
  if (const std::size_t at = text.rfind("RuntimeError: "); at != std::string::npos) {
    text = text.substr(at + 14);
  }
  const std::size_t begin = text.find_first_not_of(" \n");
  text = begin == std::string::npos ? "unknown fault" : text.substr(begin);
  return text.substr(0, text.find('\n'));
}

bool IsOutOfMemory(const std::exception& error) {
  if (dynamic_cast<const Error*>(&error) != nullptr) {  // ours say so by their type
    const auto* failure = dynamic_cast<const WorkerError*>(&error);
    return failure != nullptr && failure->outcome() == StepOutcome::kOutOfMemory;
  }
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
      dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) {
    return true;
  }
  // The interpreter passes on the text alone, and parts of CUDA have no more.
  constexpr std::array<std::string_view, 5> kSigns{
      "out of memory", "not enough memory", "allocate memory", "std::bad_alloc", "ALLOC_FAILED"};
  const std::string_view text = error.what();
  return std::ranges::any_of(
      kSigns, [&](std::string_view sign) { return text.find(sign) != std::string_view::npos; });
}

struct ModelStep::State {
  torch::jit::Module module;
  std::vector<c10::IValue> inputs;
  std::vector<KnownTensor> known_inputs, known_state;
  std::vector<std::pair<std::string, at::Tensor>> trained;
  std::vector<std::pair<at::Tensor, at::Tensor>> initial;  ///< tensor, content
  std::unique_ptr<torch::optim::Optimizer> optimizer;
  NamedTensors outputs;  ///< of the last run, without their history

  void CheckInputs(const CaptureOptions& options) {
    const auto& arguments = module.get_method("forward").function().getSchema().arguments();
    std::size_t required = 0;
    std::string names;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      required += arguments[i].default_value() ? 0 : 1;
      names += (i == 1 ? "" : ", ") + arguments[i].name();
    }
    if (options.inputs.size() < required || options.inputs.size() > arguments.size() - 1) {
      throw InputError("inputs: found " + std::to_string(options.inputs.size()) +
                       ", expected one for each of forward(" + names + ")");
    }
  }

  void MakeInputs(const CaptureOptions& options, int variant) {
    const auto& arguments = module.get_method("forward").function().getSchema().arguments();
    const bool first = inputs.empty();
    for (std::size_t i = 0; i < options.inputs.size(); ++i) {
      const at::Tensor input =
          MakeInput(options.inputs[i], DeriveSeed(options.seed, variant, 1 + i));
      if (first) {
        inputs.emplace_back(input);
        known_inputs.push_back({arguments[i + 1].name(), OpRole::kInput, input, ""});
      } else {
        inputs[i].toTensor().copy_(input);
      }
    }
  }

  void MakeOptimizer(Optimizer kind) {
    std::vector<at::Tensor> parameters;
    for (const auto& parameter : module.named_parameters()) {
      if (parameter.value.requires_grad()) {
        parameters.push_back(parameter.value);
        trained.emplace_back(parameter.name, parameter.value);
      }
    }
    if (parameters.empty()) {
      throw InputError("found no parameter that needs a gradient, expected something to train");
    }
    if (kind == Optimizer::kAdam) {
      optimizer = std::make_unique<torch::optim::Adam>(parameters,
                                                       torch::optim::AdamOptions(kLearningRate));
    } else {
      optimizer = std::make_unique<torch::optim::SGD>(
          parameters, torch::optim::SGDOptions(kLearningRate)
                          .momentum(kind == Optimizer::kMomentum ? 0.9 : 0.0));
    }
    for (const auto& [name, parameter] : trained) {
      Zero(*optimizer, kind, parameter, name, known_state);
    }
  }

  [[nodiscard]] at::Tensor LossOf(const NamedTensors& candidates, const std::string& wanted) const {
    at::Tensor sum;
    std::string names;
    const auto is_named = [&](const std::string& name) {
      const std::string& loss = wanted.empty() ? std::string("loss") : wanted;
      return name == loss || name == "out." + loss;
    };
    const bool named =
        std::ranges::any_of(candidates, [&](const auto& output) { return is_named(output.first); });
    for (const auto& [name, tensor] : candidates) {
      names += (names.empty() ? "" : ", ") + name;
      if (!tensor.requires_grad() || (named && !is_named(name))) {
        continue;
      }
      const at::Tensor part = tensor.dim() == 0 ? tensor : tensor.sum();
      sum = sum.defined() ? sum + part : part;
    }
    if ((!named && !wanted.empty()) || !sum.defined()) {
      throw InputError("loss: found " + (wanted.empty() ? "none" : "'" + wanted + "'") +
                       ", expected an output that has a gradient, of " + names);
    }
    return sum;
  }
};

ModelStep::ModelStep(const torch::jit::Module& module, std::string where,
                     const CaptureOptions& options)
    : where_(std::move(where)), options_(options), state_(std::make_unique<State>()) {
  // Without rewriting of the graph: the step is what the model says.
  torch::jit::setGraphExecutorOptimize(false);
  state_->module = module;
  try {
    if (!state_->module.find_method("forward")) {
      throw InputError("found a module without forward(), expected one with");
    }
    state_->CheckInputs(options_);
    state_->module.train(options_.training);
    state_->MakeInputs(options_, 0);
    if (options_.training) {
      state_->MakeOptimizer(options_.optimizer);
    }
  } catch (const InputError& error) {
    throw error.In(where_);
  } catch (const std::exception& error) {
    throw InputError(where_ + ": " + OneLine(error));
  }
  for (const KnownTensor& known : KnownTensors()) {
    if (known.role == OpRole::kParameter) {
      state_->initial.emplace_back(known.tensor, known.tensor.detach().clone());
    }
  }
}

ModelStep::~ModelStep() = default;

std::vector<KnownTensor> ModelStep::KnownTensors() const {
  std::vector<KnownTensor> known = state_->known_inputs;
  for (const auto& parameter : state_->module.named_parameters()) {
    known.push_back({parameter.name, OpRole::kParameter, parameter.value,
                     state_->optimizer ? parameter.name : ""});
  }
  for (const auto& buffer : state_->module.named_buffers()) {
    known.push_back({buffer.name, OpRole::kParameter, buffer.value, ""});
  }
  known.insert(known.end(), state_->known_state.begin(), state_->known_state.end());
  // Gradients and updates go by the names of parameters: inputs give way.
  std::set<std::string> taken;
  for (const KnownTensor& each : known) {
    if (each.role != OpRole::kInput) {
      taken.insert(each.name);
    }
  }
  for (KnownTensor& each : known) {
    if (each.role == OpRole::kInput) {
      each.name = DistinctName(each.name, taken);
    }
  }
  return known;
}

void ModelStep::Reset(int variant) {
  const torch::NoGradGuard no_grad;
  for (auto& [tensor, content] : state_->initial) {
    tensor.copy_(content);
  }
  for (auto& [name, parameter] : state_->trained) {
    parameter.mutable_grad() = at::Tensor();
  }
  state_->outputs.clear();
  state_->MakeInputs(options_, variant);
  if (state_->optimizer && options_.optimizer == Optimizer::kAdam) {
    for (auto& [key, entry] : state_->optimizer->state()) {
      static_cast<torch::optim::AdamParamState&>(*entry).step(0);
    }
  }
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  generator.set_current_seed(DeriveSeed(options_.seed, variant, 0));
}

void ModelStep::Run(StepRecorder* recorder) {
  const torch::AutoGradMode grad(options_.training);
  std::vector<std::pair<std::string, at::Tensor>> outputs;
  const auto phase = [&](OpRole role, const char* module) {
    if (recorder != nullptr) {
      recorder->SetPhase(role, module);
    }
  };
  try {
    phase(OpRole::kForward, "");
    if (recorder != nullptr) {
      recorder->Start();
    }
    Flatten(state_->module.forward(state_->inputs), "out", outputs);
    if (options_.training) {
      phase(OpRole::kForward, "loss");
      at::Tensor loss = state_->LossOf(outputs, options_.loss);
      phase(OpRole::kBackward, "loss");
      loss.backward();
      phase(OpRole::kUpdate, "");
      state_->optimizer->step();
      outputs.emplace_back("loss", loss);
    }
    if (recorder != nullptr) {
      recorder->Stop();
    }
  } catch (const InputError& error) {
    throw error.In(where_);
  } catch (const std::exception& error) {
    std::string inputs;
    for (const InputSpec& spec : options_.inputs) {
      inputs += (inputs.empty() ? "" : " ") + ToString(spec);
    }
    const std::string doing = where_ + ": forward() with inputs " + inputs + ": ";
    if (IsOutOfMemory(error)) {
      throw WorkerError(StepOutcome::kOutOfMemory, doing + "out of memory");
    }
    throw InputError(doing + OneLine(error));
  }
  if (outputs.empty()) {
    throw InputError(where_ + ": forward() returned no tensor, expected at least one");
  }
  state_->outputs.clear();
  std::set<std::string> taken;  // {"a": {"b": x}, "a.b": y} has two of one name
  for (const auto& [name, tensor] : outputs) {
    state_->outputs.emplace_back(DistinctName(name, taken), tensor.detach());
  }
  if (recorder != nullptr) {
    for (const auto& [name, tensor] : state_->outputs) {
      recorder->AddOutput(name, tensor);
    }
    for (const auto& [name, gradient] : Gradients()) {
      recorder->AddGradient(name, gradient);
    }
  }
}

const ModelStep::NamedTensors& ModelStep::Outputs() const { return state_->outputs; }

ModelStep::NamedTensors ModelStep::Gradients() const {
  NamedTensors gradients;
  for (const auto& [name, parameter] : state_->trained) {
    if (parameter.grad().defined()) {
      gradients.emplace_back(name, parameter.grad());
    }
  }
  return gradients;
}

torch::jit::Module LoadModule(const std::filesystem::path& path) {
  static_cast<void>(ReadWholeFile(path));  // says what is wrong with the file as such
  try {
    return torch::jit::load(path.string(), c10::kCPU);
  } catch (const std::exception& error) {
    throw InputError(path.string() +
                     ": expected a TorchScript model (torch.jit.save), found: " + OneLine(error));
  }
}

}  // namespace placer::detail
