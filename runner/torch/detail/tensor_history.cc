#include "runner/torch/detail/tensor_history.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <set>

#include "graphs/base/error.h"

namespace placer::detail {

bool TensorHistory::Knows(const at::Tensor& tensor) const {
  return storages_.contains(tensor.storage().unsafeGetStorageImpl());
}

bool TensorHistory::IsResident(const at::Tensor& tensor) const {
  return storages_.at(tensor.storage().unsafeGetStorageImpl()).resident != kNone;
}

TensorHistory::Storage& TensorHistory::StorageOf(const at::Tensor& tensor) {
  return storages_.at(tensor.storage().unsafeGetStorageImpl());
}

void TensorHistory::HashWrittenResidents() {
  for (std::size_t i = 0; i < program_.residents.size(); ++i) {
    if (program_.residents[i].written) {
      program_.residents[i].final_hash = HashOf(keep_[i]);
    }
  }
}

void TensorHistory::AddAccesses(std::uint32_t op,
                                std::span<const std::pair<Slot, at::Tensor>> tensors) {
  for (const auto& [slot, tensor] : tensors) {
    StorageOf(tensor).readers.push_back(op);
  }
  for (const auto& [slot, tensor] : tensors) {
    if (std::ranges::binary_search(program_.ops[op].writes, slot)) {
      ApplyWrite(op, StorageOf(tensor));
    }
  }
}

void TensorHistory::ApplyWrite(std::uint32_t op, Storage& storage) {
  std::set<std::uint32_t> before(storage.readers.begin(), storage.readers.end());
  before.erase(op);
  std::vector<std::uint32_t>& run_after = program_.ops[op].run_after;
  run_after.insert(run_after.end(), before.begin(), before.end());
  storage.readers.clear();
  storage.last_writer = op;
  if (storage.resident != kNone) {
    program_.residents[storage.resident].written = true;
  }
}

void TensorHistory::AddResult(std::uint32_t index, std::uint32_t position, std::uint32_t element,
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

void TensorHistory::AddResident(const std::string& name, OpRole role, const at::Tensor& tensor,
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

Slot TensorHistory::NewSlot(const at::Tensor& tensor, std::uint32_t producer,
                            std::optional<Slot> base) {
  const auto slot = static_cast<Slot>(program_.slots.size());
  program_.slots.push_back({.dtype = ToDataType(tensor.scalar_type()),
                            .shape = tensor.sizes().vec(),
                            .bytes = static_cast<std::int64_t>(tensor.nbytes()),
                            .producer = producer,
                            .base = base.value_or(slot)});
  return slot;
}

bool TensorHistory::IsStale(const Storage& storage, Slot slot) const {
  const std::uint32_t producer = program_.slots[slot].producer;
  return storage.last_writer != kNone && (producer == kNone || producer < storage.last_writer);
}

Slot TensorHistory::Current(Storage& storage, std::pair<Geometry, Slot>& entry) {
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

Slot TensorHistory::Find(const at::Tensor& tensor) {
  if (!Knows(tensor)) {
    std::string name = "constant_" + std::to_string(program_.residents.size());
    while (std::ranges::find(program_.residents, name, &Resident::name) !=
           program_.residents.end()) {
      name += '_';  // something of the model is called so
    }
    AddResident(name, OpRole::kInput, tensor, "");
    program_.residents.back().found = true;
  }
  Storage& storage = StorageOf(tensor);
  const Geometry geometry = GeometryOf(tensor);
  for (auto& entry : storage.tensors) {
    if (entry.first == geometry) {
      return Current(storage, entry);
    }
  }
  return AddView(storage, geometry, tensor);
}

/// Autograd makes tensors of its own on memory it knows, without calling an op.
Slot TensorHistory::AddView(Storage& storage, const Geometry& geometry, const at::Tensor& tensor) {
  auto& base = storage.tensors.front();
  if (base.first.type != geometry.type) {
    throw InputError("found a tensor of type " + std::string(c10::toString(geometry.type)) +
                     " on memory of type " + c10::toString(base.first.type) +
                     ", expected one type");
  }
  ProgramOp op(c10::Dispatcher::singleton().findSchemaOrThrow("aten::as_strided", ""));
  const Slot from = Current(storage, base);
  if (const std::uint32_t producer = program_.slots[from].producer; producer != kNone) {
    op.module = program_.ops[producer].module;
  }
  op.arguments = {c10::IValue(), c10::IValue(geometry.sizes), c10::IValue(geometry.strides),
                  c10::IValue(geometry.offset)};
  op.reads = {{0, kNone, from}};
  complete_(op);
  const auto index = static_cast<std::uint32_t>(program_.ops.size());
  storage.readers.push_back(index);
  program_.ops.push_back(std::move(op));
  const Slot slot = NewSlot(tensor, index, program_.slots[from].base);
  program_.ops[index].results.push_back({0, kNone, slot});
  storage.tensors.emplace_back(geometry, slot);
  return slot;
}

TensorHistory::Geometry TensorHistory::GeometryOf(const at::Tensor& tensor) {
  return {tensor.scalar_type(), tensor.storage_offset(), tensor.sizes().vec(),
          tensor.strides().vec()};
}

void CheckSupported(const at::Tensor& tensor, const std::string& what) {
  if (!tensor.has_storage() || tensor.layout() != c10::kStrided || tensor.is_quantized() ||
      !tensor.is_cpu() || ToDataType(tensor.scalar_type()) == DataType::kUnknown) {
    throw InputError("op '" + what + "': found a tensor of type " + tensor.toString() +
                     ", expected a dense one in host memory");
  }
}

}  // namespace placer::detail
