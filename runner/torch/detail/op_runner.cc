#include "runner/torch/detail/op_runner.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <mutex>

namespace placer::detail {
namespace {

/// Ops without a generator of their own take their numbers from the process's.
std::mutex default_generator_mutex;

const at::Tensor& ElementOf(const c10::IValue& value, std::uint32_t element, at::Tensor& buffer) {
  if (element == kNone) {
    return value.toTensor();
  }
  buffer = value.toListRef()[element].toTensor();
  return buffer;
}

bool HasTensor(const c10::IValue& value) {
  const auto is_tensor = [](const c10::IValue& each) {
    return each.isTensor() && each.toTensor().defined();
  };
  if (value.isTensorList() || value.isList()) {
    const auto elements = value.toListRef();
    return std::any_of(elements.begin(), elements.end(), is_tensor);
  }
  return is_tensor(value);
}

c10::IValue ToHost(const c10::IValue& value) {
  return value.isTensor() && value.toTensor().defined() ? c10::IValue(value.toTensor().cpu())
                                                        : value;
}

}  // namespace

void UseDevice(const c10::FunctionSchema& schema, torch::jit::Stack& stack, c10::Device device) {
  // What reads a tensor makes its results where that one is.
  const bool is_factory = std::none_of(stack.begin(), stack.end(), HasTensor);
  for (std::size_t i = 0; i < stack.size(); ++i) {
    const bool open =
        is_factory && stack[i].isNone() && schema.arguments()[i].type()->str() == "Device?";
    if (stack[i].isDevice() || open) {
      stack[i] = device;
    }
  }
}

OpRunner::OpRunner(const ProgramOp& op) : op_(op) {
  for (const TensorRef& read : op.reads) {
    if (read.element == kNone || (!lists_.empty() && lists_.back().position == read.position)) {
      continue;
    }
    const auto& type = *op.handle.schema().arguments()[read.position].type();
    lists_.push_back({read.position, static_cast<std::size_t>(op.arguments[read.position].toInt()),
                      type.str().find("?[]") != std::string::npos ||
                          type.containedType(0)->kind() == c10::TypeKind::OptionalType});
  }
  if (op.random_state.defined()) {
    generator_ = at::detail::createCPUGenerator();
  }
}

void OpRunner::FillStack(const std::vector<at::Tensor>& cells,
                         std::span<const std::uint32_t> inputs) {
  stack_ = op_.arguments;
  std::size_t at = 0;
  for (const List& list : lists_) {
    if (list.optional) {
      decltype(stack_[0].toOptionalTensorList()) values;
      values.resize(list.size);
      stack_[list.position] = std::move(values);
    } else {
      c10::List<at::Tensor> values;
      values.resize(list.size);
      stack_[list.position] = std::move(values);
    }
  }
  std::size_t list = 0;
  for (const TensorRef& read : op_.reads) {
    const at::Tensor& value = cells[inputs[at++]];
    if (read.element == kNone) {
      stack_[read.position] = value;
      continue;
    }
    while (lists_[list].position != read.position) {
      ++list;
    }
    if (lists_[list].optional) {
      stack_[read.position].toOptionalTensorList().set(read.element, value);
    } else {
      stack_[read.position].toTensorList().set(read.element, value);
    }
  }
}

void OpRunner::Call() {
  if (!op_.random_state.defined()) {
    op_.handle.callBoxed(&stack_);
    return;
  }
  if (op_.generator_argument != kNone) {
    generator_.set_state(op_.random_state);
    stack_[op_.generator_argument] = generator_;
    op_.handle.callBoxed(&stack_);
    return;
  }
  const std::lock_guard lock(default_generator_mutex);
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  {
    const std::lock_guard generator_lock(generator.mutex());
    generator.set_state(op_.random_state);
  }
  op_.handle.callBoxed(&stack_);
}

/// The recorded random numbers are the host's: another device gets its values from there. Devices
/// among the arguments stay the host's too.
void OpRunner::RunOnHost(c10::Device device) {
  const torch::jit::Stack original = stack_;
  for (c10::IValue& value : stack_) {
    value = ToHost(value);
  }
  const torch::jit::Stack arguments = stack_;
  Call();
  for (std::size_t i = 0; i < original.size(); ++i) {
    if (!original[i].isTensor() || !original[i].toTensor().defined()) {
      continue;
    }
    const at::Tensor& there = original[i].toTensor();
    const auto* alias = op_.handle.schema().arguments()[i].alias_info();
    if (alias != nullptr && alias->isWrite()) {
      there.copy_(arguments[i].toTensor());
    }
    for (c10::IValue& result : stack_) {
      if (result.isTensor() && result.toTensor().is_same(arguments[i].toTensor())) {
        result = there;
      }
    }
  }
  for (c10::IValue& result : stack_) {
    if (result.isTensor() && result.toTensor().defined()) {
      result = result.toTensor().to(device);
    }
  }
}

void OpRunner::Run(std::vector<at::Tensor>& cells, std::span<const std::uint32_t> inputs,
                   std::uint32_t first_output, c10::Device device) {
  FillStack(cells, inputs);
  if (device.is_cpu()) {
    Call();
  } else if (op_.random_state.defined()) {
    RunOnHost(device);
  } else {
    UseDevice(op_.handle.schema(), stack_, device);
    Call();
  }
  at::Tensor buffer;
  std::uint32_t output = first_output;
  for (const TensorRef& result : op_.results) {
    cells[output++] = ElementOf(stack_[result.position], result.element, buffer);
  }
  for (std::size_t i = 0; i < op_.passes.size(); ++i) {
    cells[output++] = cells[inputs[op_.reads.size() + i]];
  }
  stack_.clear();
}

}  // namespace placer::detail
