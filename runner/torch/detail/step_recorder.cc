#include "runner/torch/detail/step_recorder.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "graphs/base/error.h"
#include "runner/torch/detail/module_path.h"
#include "runner/torch/detail/program_order.h"

namespace placer::detail {
namespace {

thread_local StepRecorder* recording = nullptr;

at::Tensor RandomState() {
  auto generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  return generator.get_state();
}

bool SameBytes(const at::Tensor& a, const at::Tensor& b) {
  return a.nbytes() == b.nbytes() && std::memcmp(a.data_ptr(), b.data_ptr(), a.nbytes()) == 0;
}

/// Results of these have whatever content the memory had.
bool IsUninitialized(const std::string& op) {
  static const std::set<std::string> kOps{"aten::empty", "aten::empty_like", "aten::empty_strided",
                                          "aten::new_empty", "aten::new_empty_strided"};
  return kOps.contains(op);
}

std::uint32_t FindGeneratorArgument(const c10::FunctionSchema& schema) {
  for (std::size_t i = 0; i < schema.arguments().size(); ++i) {
    if (schema.arguments()[i].type()->str().find("Generator") != std::string::npos) {
      return static_cast<std::uint32_t>(i);
    }
  }
  return kNone;
}

}  // namespace

/// An op that has started.
struct StepRecorder::Pending : at::ObserverContext {
  explicit Pending(c10::OperatorHandle handle) : op(std::move(handle)) {}
  ProgramOp op;
  std::vector<std::pair<Slot, at::Tensor>> tensors;  ///< that it reads
  std::map<Slot, std::uint64_t> resident_hashes;
  Pending* outer = nullptr;  ///< inside this op, see IsHiddenCopy
};

StepRecorder::StepRecorder(const std::vector<KnownTensor>& known)
    : history_(program_, [this](ProgramOp& op) {
        op.role = role_;
        Name(op);
      }) {
  for (const KnownTensor& tensor : known) {
    if (!history_.Knows(tensor.tensor)) {  // weights may be shared
      history_.AddResident(tensor.name, tensor.role, tensor.tensor, tensor.colocation);
    }
  }
}

StepRecorder::~StepRecorder() {
  if (callback_ != 0) {
    at::removeCallback(callback_);
    recording = nullptr;
  }
}

void StepRecorder::SetPhase(OpRole role, std::string module) {
  role_ = role;
  outside_module_ = std::move(module);
}

void StepRecorder::Start() {
  recording = this;
  callback_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(&StepRecorder::OnStart, &StepRecorder::OnEnd)
          .needsInputs(true)
          .needsOutputs(true)
          .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
}

void StepRecorder::Stop() {
  at::removeCallback(callback_);
  callback_ = 0;
  recording = nullptr;
  if (fault_) {
    std::rethrow_exception(fault_);
  }
}

std::unique_ptr<at::ObserverContext> StepRecorder::OnStart(const at::RecordFunction& function) {
  StepRecorder* self = recording;
  if (self == nullptr || self->looking_ || self->fault_ ||
      (self->open_ != nullptr && !self->IsHiddenCopy(function))) {
    return nullptr;
  }
  // LibTorch swallows what a callback throws.
  self->looking_ = true;
  std::unique_ptr<Pending> pending;
  try {
    pending = self->BeginOp(function);
  } catch (...) {
    self->fault_ = std::current_exception();
  }
  self->looking_ = false;
  if (pending != nullptr) {
    pending->outer = std::exchange(self->open_, pending.get());
  }
  return pending;
}

bool StepRecorder::IsHiddenCopy(const at::RecordFunction& function) const {
  const auto name = function.operator_name();
  return name && name->name == "aten::clone" && open_->op.handle.schema().is_mutable() &&
         !c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutogradCPU);
}

void StepRecorder::OnEnd(const at::RecordFunction& function, at::ObserverContext* context) {
  StepRecorder* self = recording;
  if (self == nullptr) {
    return;
  }
  if (function.scope() == at::RecordScope::BACKWARD_FUNCTION) {
    if (self->open_ == nullptr && !self->backward_modules_.empty()) {
      self->backward_modules_.pop_back();
    }
    return;
  }
  if (context == nullptr) {
    return;
  }
  auto& pending = *static_cast<Pending*>(context);
  self->looking_ = true;
  try {
    self->EndOp(function, pending);
  } catch (...) {
    self->fault_ = std::current_exception();
  }
  self->looking_ = false;
  self->open_ = pending.outer;
}

std::unique_ptr<StepRecorder::Pending> StepRecorder::BeginOp(const at::RecordFunction& function) {
  if (function.scope() == at::RecordScope::BACKWARD_FUNCTION) {
    const auto module = module_of_sequence_.find(function.seqNr());
    backward_modules_.push_back(module == module_of_sequence_.end() ? "" : module->second);
    return nullptr;
  }
  const auto name = function.operator_name();
  if (!name) {
    return nullptr;
  }
  const auto handle = c10::Dispatcher::singleton().findOp(*name);
  // A range without schema, or an op that is made of others: look inside.
  if (!handle || !handle->hasSchema() ||
      handle->hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd)) {
    return nullptr;
  }
  auto pending = std::make_unique<Pending>(*handle);
  pending->op.role = role_;
  pending->op.module = ModuleOfOp(function);
  pending->op.random_state = RandomState();
  pending->op.uninitialized = IsUninitialized(handle->schema().name());
  // Of the interpreter's whole stack the op's own arguments are on top; so are its results.
  const auto inputs = function.inputs();
  const std::size_t others = inputs.size() - handle->schema().arguments().size();
  ReadArguments(std::vector<c10::IValue>(inputs.begin() + others, inputs.end()), *pending);
  return pending;
}

std::string StepRecorder::ModuleOfOp(const at::RecordFunction& function) {
  if (!backward_modules_.empty()) {
    return backward_modules_.back();
  }
  if (role_ != OpRole::kForward) {
    return "";
  }
  const std::string module = ParseModulePath(torch::jit::currentModuleHierarchy());
  const std::string& found = module.empty() ? outside_module_ : module;
  if (function.seqNr() >= 0) {
    module_of_sequence_[function.seqNr()] = found;
  }
  return found;
}

void StepRecorder::ReadArguments(const std::vector<c10::IValue>& values, Pending& pending) {
  ProgramOp& op = pending.op;
  // Synthesized views come before this op, so its own index is fixed afterwards.
  std::vector<std::pair<std::size_t, at::Tensor>> found;
  const auto take = [&](std::size_t position, std::uint32_t element, const at::Tensor& tensor) {
    CheckSupported(tensor, op.handle.schema().name());
    op.reads.push_back({static_cast<std::uint32_t>(position), element, 0});
    found.emplace_back(op.reads.size() - 1, tensor);
  };
  for (std::size_t i = 0; i < values.size(); ++i) {
    const c10::IValue& value = values[i];
    if (value.isTensor() && value.toTensor().defined()) {
      const at::Tensor& tensor = value.toTensor();
      const bool number = tensor.dim() == 0 && tensor.has_storage() && !history_.Knows(tensor);
      if (number) {  // a constant such as the 2 in `x * 2`
        op.arguments.emplace_back(tensor.detach().clone());
        op.arguments.back().toTensor().unsafeGetTensorImpl()->set_wrapped_number(
            tensor.unsafeGetTensorImpl()->is_wrapped_number());
        continue;
      }
      take(i, kNone, tensor);
      op.arguments.emplace_back();
    } else if (value.isTensorList() || value.isList()) {
      bool tensors = value.isTensorList();
      std::uint32_t element = 0;
      for (const c10::IValue& each : value.toListRef()) {
        if (each.isTensor() && each.toTensor().defined()) {
          take(i, element, each.toTensor());
          tensors = true;
        }
        ++element;
      }
      op.arguments.push_back(tensors ? c10::IValue(static_cast<std::int64_t>(element)) : value);
    } else {
      op.arguments.push_back(value);
    }
  }
  std::vector<Slot> slots;
  for (const auto& [read, tensor] : found) {
    slots.push_back(history_.Find(tensor));
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& [read, tensor] = found[i];
    op.reads[read].slot = slots[i];
    pending.tensors.emplace_back(slots[i], tensor);
    if (history_.IsResident(tensor)) {
      pending.resident_hashes[slots[i]] = HashOf(tensor);
    }
  }
}

void StepRecorder::FindWrites(Pending& pending) {
  ProgramOp& op = pending.op;
  const auto& arguments = op.handle.schema().arguments();
  std::set<Slot> writes;
  for (const TensorRef& read : op.reads) {
    const auto* alias = arguments[read.position].alias_info();
    if (alias != nullptr && alias->isWrite()) {
      writes.insert(read.slot);
    }
  }
  // Some schemas do not say what they change: the running statistics of a batch normalisation.
  for (const auto& [slot, tensor] : pending.tensors) {
    const auto hash = pending.resident_hashes.find(slot);
    if (hash != pending.resident_hashes.end() && hash->second != HashOf(tensor)) {
      writes.insert(slot);
    }
  }
  for (std::size_t i = 0; i < op.arguments.size(); ++i) {
    const auto* alias = arguments[i].alias_info();
    if (op.arguments[i].isTensor() && alias != nullptr && alias->isWrite()) {
      throw InputError("op '" + op.handle.schema().name() + "' in module '" + op.module +
                       "': found a write to a constant, expected one to a parameter, a buffer or "
                       "a tensor of the step");
    }
  }
  op.writes.assign(writes.begin(), writes.end());
}

void StepRecorder::EndOp(const at::RecordFunction& function, Pending& pending) {
  ProgramOp& op = pending.op;
  const auto& outputs = function.outputs();
  const std::size_t num_results = op.handle.schema().returns().size();
  if (outputs.size() < num_results) {
    return;  // it threw
  }
  if (SameBytes(op.random_state, RandomState())) {
    op.random_state = at::Tensor();
  } else {
    op.generator_argument = FindGeneratorArgument(op.handle.schema());
  }
  FindWrites(pending);
  if (op.module.empty() && !op.reads.empty()) {
    const std::uint32_t producer = program_.slots[op.reads[0].slot].producer;
    if (producer != kNone) {
      op.module = program_.ops[producer].module;
    }
  }
  Name(op);
  const auto index = static_cast<std::uint32_t>(program_.ops.size());
  program_.ops.push_back(op);
  history_.AddAccesses(index, pending.tensors);
  const std::size_t others = outputs.size() - num_results;
  for (std::size_t i = 0; i < num_results; ++i) {
    const auto position = static_cast<std::uint32_t>(i);
    const c10::IValue& output = outputs[others + i];
    if (output.isTensor()) {
      history_.AddResult(index, position, kNone, output.toTensor());
    } else if (output.isTensorList() || output.isList()) {
      std::uint32_t element = 0;
      for (const c10::IValue& each : output.toListRef()) {
        if (each.isTensor()) {
          history_.AddResult(index, position, element, each.toTensor());
        }
        ++element;
      }
    }
  }
}

void StepRecorder::Name(ProgramOp& op) {
  if (role_ == OpRole::kUpdate) {
    for (const TensorRef& read : op.reads) {
      const SlotInfo& slot = program_.slots[read.slot];
      const std::uint32_t producer = slot.producer;
      const std::uint32_t resident =
          program_.slots[slot.base].producer == kNone ? slot.base : kNone;
      for (const Resident& each : program_.residents) {
        if (each.slot == resident && !each.colocation.empty()) {
          op.colocation = each.colocation;
        }
      }
      if (op.colocation.empty() && producer != kNone) {
        op.colocation = program_.ops[producer].colocation;
      }
      if (!op.colocation.empty()) {
        break;
      }
    }
    const std::size_t dot = op.colocation.rfind('.');
    op.module = dot == std::string::npos ? "" : op.colocation.substr(0, dot);
  }
  op.name = op.module + (op.module.empty() ? "" : "/") + op.handle.schema().name();
  const int count = name_counts_[op.name]++;
  if (count > 0) {
    op.name += "_" + std::to_string(count);
  }
}

void StepRecorder::AddOutput(const std::string& name, const at::Tensor& tensor) {
  program_.outputs.push_back({name, history_.Find(tensor), HashOf(tensor)});
}

void StepRecorder::AddGradient(const std::string& name, const at::Tensor& tensor) {
  program_.gradients.push_back({name, history_.Find(tensor), HashOf(tensor)});
}

Program StepRecorder::Finish() && {
  history_.HashWrittenResidents();
  DropImpliedOrder(program_);
  RenumberSlots(program_);
  return std::move(program_);
}

}  // namespace placer::detail
