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

StepRecorder::StepRecorder(const std::vector<KnownTensor>& known) {
  for (const KnownTensor& tensor : known) {
    const auto* storage = tensor.tensor.storage().unsafeGetStorageImpl();
    if (!storages_.contains(storage)) {  // weights may be shared
      AddResident(tensor.name, tensor.role, tensor.tensor, tensor.colocation);
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
  const auto handle = name ? c10::Dispatcher::singleton().findOp(*name) : c10::nullopt;
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
      const bool number = tensor.dim() == 0 && tensor.has_storage() &&
                          !storages_.contains(tensor.storage().unsafeGetStorageImpl());
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
    slots.push_back(Find(tensor, kNone));
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& [read, tensor] = found[i];
    op.reads[read].slot = slots[i];
    pending.tensors.emplace_back(slots[i], tensor);
    if (storages_.at(tensor.storage().unsafeGetStorageImpl()).resident != kNone) {
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
  for (const auto& [slot, tensor] : pending.tensors) {
    storages_.at(tensor.storage().unsafeGetStorageImpl()).readers.push_back(index);
  }
  ApplyWrites(index, pending);
  const std::size_t others = outputs.size() - num_results;
  for (std::size_t i = 0; i < num_results; ++i) {
    const auto position = static_cast<std::uint32_t>(i);
    const c10::IValue& output = outputs[others + i];
    if (output.isTensor()) {
      AddResult(index, position, kNone, output.toTensor());
    } else if (output.isTensorList() || output.isList()) {
      std::uint32_t element = 0;
      for (const c10::IValue& each : output.toListRef()) {
        if (each.isTensor()) {
          AddResult(index, position, element, each.toTensor());
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

void StepRecorder::ApplyWrites(std::uint32_t index, const Pending& pending) {
  for (const auto& [slot, tensor] : pending.tensors) {
    if (!std::ranges::binary_search(pending.op.writes, slot)) {
      continue;
    }
    Storage& storage = storages_.at(tensor.storage().unsafeGetStorageImpl());
    std::set<std::uint32_t> before(storage.readers.begin(), storage.readers.end());
    before.erase(index);
    std::vector<std::uint32_t>& run_after = program_.ops[index].run_after;
    run_after.insert(run_after.end(), before.begin(), before.end());
    storage.readers.clear();
    storage.last_writer = index;
    if (storage.resident != kNone) {
      program_.residents[storage.resident].written = true;
    }
  }
}

void StepRecorder::AddResult(std::uint32_t index, std::uint32_t position, std::uint32_t element,
                             const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return;
  }
  CheckSupported(tensor, program_.ops[index].handle.schema().name());
  auto* address = tensor.storage().unsafeGetStorageImpl();
  auto found = storages_.find(address);
  const bool alias = found != storages_.end();
  std::optional<Slot> base;
  if (alias) {
    base = program_.slots[found->second.tensors.front().second].base;
  } else {
    found = storages_.try_emplace(address, Storage{tensor.storage().getWeakStorageImpl()}).first;
  }
  const Slot slot = NewSlot(tensor, index, base);
  const ProgramOp& op = program_.ops[index];
  if ((!alias || !op.writes.empty()) && !op.uninitialized) {
    program_.slots[slot].hash = HashOf(tensor);
  }
  program_.ops[index].results.push_back({position, element, slot});
  Geometry geometry = GeometryOf(tensor);
  for (auto& [each, latest] : found->second.tensors) {
    if (each == geometry) {
      latest = slot;
      return;
    }
  }
  found->second.tensors.emplace_back(std::move(geometry), slot);
}

void StepRecorder::AddResident(const std::string& name, OpRole role, const at::Tensor& tensor,
                               const std::string& colocation) {
  CheckSupported(tensor, name);
  keep_.push_back(tensor);
  const Slot slot = NewSlot(tensor, kNone, std::nullopt);
  Storage storage{tensor.storage().getWeakStorageImpl()};
  storage.tensors.emplace_back(GeometryOf(tensor), slot);
  storage.resident = static_cast<std::uint32_t>(program_.residents.size());
  storages_.emplace(tensor.storage().unsafeGetStorageImpl(), std::move(storage));
  program_.residents.push_back({.name = name,
                                .role = role,
                                .slot = slot,
                                .initial = CopyWithLayout(tensor.detach(), c10::kCPU),
                                .colocation = colocation});
}

Slot StepRecorder::NewSlot(const at::Tensor& tensor, std::uint32_t producer,
                           std::optional<Slot> base) {
  const auto slot = static_cast<Slot>(program_.slots.size());
  program_.slots.push_back({.dtype = ToDataType(tensor.scalar_type()),
                            .shape = tensor.sizes().vec(),
                            .bytes = static_cast<std::int64_t>(tensor.nbytes()),
                            .producer = producer,
                            .base = base.value_or(slot)});
  return slot;
}

bool StepRecorder::IsStale(const Storage& storage, Slot slot) const {
  const std::uint32_t producer = program_.slots[slot].producer;
  return storage.last_writer != kNone && (producer == kNone || producer < storage.last_writer);
}

Slot StepRecorder::Current(Storage& storage, std::pair<Geometry, Slot>& entry) {
  if (IsStale(storage, entry.second)) {
    SlotInfo info = program_.slots[entry.second];
    info.producer = storage.last_writer;
    info.hash.reset();
    const auto slot = static_cast<Slot>(program_.slots.size());
    program_.slots.push_back(std::move(info));
    program_.ops[storage.last_writer].passes.emplace_back(entry.second, slot);
    entry.second = slot;
  }
  return entry.second;
}

Slot StepRecorder::Find(const at::Tensor& tensor, std::uint32_t reader) {
  auto* address = tensor.storage().unsafeGetStorageImpl();
  if (!storages_.contains(address)) {
    AddResident("constant_" + std::to_string(program_.residents.size()), OpRole::kInput, tensor,
                "");
  }
  Storage& storage = storages_.at(address);
  if (reader != kNone) {
    storage.readers.push_back(reader);
  }
  const Geometry geometry = GeometryOf(tensor);
  for (auto& entry : storage.tensors) {
    if (entry.first == geometry) {
      return Current(storage, entry);
    }
  }
  return AddView(storage, geometry, tensor);
}

/// Autograd makes tensors of its own on memory it knows, without calling an op.
Slot StepRecorder::AddView(Storage& storage, const Geometry& geometry, const at::Tensor& tensor) {
  auto& base = storage.tensors.front();
  if (base.first.type != geometry.type) {
    throw InputError("found a tensor of type " + std::string(c10::toString(geometry.type)) +
                     " on memory of type " + c10::toString(base.first.type) +
                     ", expected one type");
  }
  ProgramOp op(c10::Dispatcher::singleton().findSchemaOrThrow("aten::as_strided", ""));
  op.role = role_;
  const Slot from = Current(storage, base);
  if (const std::uint32_t producer = program_.slots[from].producer; producer != kNone) {
    op.module = program_.ops[producer].module;
  }
  op.arguments = {c10::IValue(), c10::IValue(geometry.sizes), c10::IValue(geometry.strides),
                  c10::IValue(geometry.offset)};
  op.reads = {{0, kNone, from}};
  Name(op);
  const auto index = static_cast<std::uint32_t>(program_.ops.size());
  storage.readers.push_back(index);
  program_.ops.push_back(std::move(op));
  const Slot slot = NewSlot(tensor, index, program_.slots[from].base);
  program_.ops[index].results.push_back({0, kNone, slot});
  storage.tensors.emplace_back(geometry, slot);
  return slot;
}

StepRecorder::Geometry StepRecorder::GeometryOf(const at::Tensor& tensor) {
  return {tensor.scalar_type(), tensor.storage_offset(), tensor.sizes().vec(),
          tensor.strides().vec()};
}

void StepRecorder::CheckSupported(const at::Tensor& tensor, const std::string& op) const {
  if (!tensor.has_storage() || tensor.layout() != c10::kStrided || tensor.is_quantized() ||
      !tensor.is_cpu() || ToDataType(tensor.scalar_type()) == DataType::kUnknown) {
    throw InputError("op '" + op + "': found a tensor of type " + tensor.toString() +
                     ", expected a dense one in host memory");
  }
}

void StepRecorder::AddOutput(const std::string& name, const at::Tensor& tensor) {
  program_.outputs.push_back({name, Find(tensor, kNone), HashOf(tensor)});
}

void StepRecorder::AddGradient(const std::string& name, const at::Tensor& tensor) {
  program_.gradients.push_back({name, Find(tensor, kNone), HashOf(tensor)});
}

Program StepRecorder::Finish() && {
  for (std::size_t i = 0; i < program_.residents.size(); ++i) {
    if (program_.residents[i].written) {
      program_.residents[i].final_hash = HashOf(keep_[i]);
    }
  }
  DropImpliedOrder(program_);
  RenumberSlots(program_);
  return std::move(program_);
}

}  // namespace placer::detail
