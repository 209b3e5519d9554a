#include "runner/torch/detail/program_order.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <sstream>

namespace placer::detail {
namespace {

template <typename Visit>
void ForEachInput(const ProgramOp& op, const Visit& visit) {
  for (const TensorRef& read : op.reads) {
    visit(read.slot);
  }
  for (const auto& [before, after] : op.passes) {
    visit(before);
  }
}

std::string ToText(const c10::IValue& value) {
  std::ostringstream text;
  text << value;
  std::string line = text.str();
  std::ranges::replace(line, '\n', ' ');
  return line;
}

/// Sizes and offsets: what may follow from the shape of a tensor.
bool IsSize(const c10::IValue& value) { return value.isInt() || value.isIntList(); }

std::string DifferenceOfOps(const ProgramOp& a, const ProgramOp& b, bool sizes_vary) {
  if (a.handle.operator_name() != b.handle.operator_name()) {
    return "runs in one run where another runs '" + b.name + "'";
  }
  if (a.reads != b.reads || a.passes != b.passes) {
    return "reads other tensors from run to run";
  }
  for (std::size_t i = 0; i < a.arguments.size(); ++i) {
    const std::string found = ToText(a.arguments[i]), other = ToText(b.arguments[i]);
    if (found != other && !(sizes_vary && IsSize(a.arguments[i]))) {
      return "argument '" + a.handle.schema().arguments()[i].name() + "' is " + found +
             " in one run and " + other + " in another";
    }
  }
  return "";
}

/// By who needs it: an op, or whoever called the model.
std::string InWords(const Program& program, Slot slot) {
  for (const ProgramOp& op : program.ops) {
    if (std::ranges::find(op.reads, slot, &TensorRef::slot) != op.reads.end()) {
      return "a tensor that op '" + op.name + "' reads";
    }
  }
  for (const StepOutput& output : program.outputs) {
    if (output.slot == slot) {
      return "output '" + output.name + "'";
    }
  }
  for (const StepOutput& gradient : program.gradients) {
    if (gradient.slot == slot) {
      return "the gradient of '" + gradient.name + "'";
    }
  }
  return "a tensor";
}

}  // namespace

void DropImpliedOrder(Program& program) {
  std::vector<bool> before;
  for (std::size_t i = 0; i < program.ops.size(); ++i) {
    ProgramOp& op = program.ops[i];
    if (op.run_after.empty()) {
      continue;
    }
    // All ops that op i waits for through tensors, or through what it was told to run after.
    const std::uint32_t oldest = *std::ranges::min_element(op.run_after);
    before.assign(i + 1, false);
    before[i] = true;
    for (std::size_t j = i + 1; j-- > oldest;) {
      if (!before[j]) {
        continue;
      }
      ForEachInput(program.ops[j], [&](Slot slot) {
        if (program.slots[slot].producer != kNone) {
          before[program.slots[slot].producer] = true;
        }
      });
      if (j != i) {
        for (const std::uint32_t earlier : program.ops[j].run_after) {
          before[earlier] = true;
        }
      }
    }
    std::erase_if(op.run_after, [&](std::uint32_t earlier) { return before[earlier]; });
    std::ranges::sort(op.run_after);
    op.run_after.erase(std::unique(op.run_after.begin(), op.run_after.end()), op.run_after.end());
  }
}

void RenumberSlots(Program& program) {
  std::vector<Slot> renamed(program.slots.size());
  Slot next = 0;
  for (const Resident& resident : program.residents) {
    renamed[resident.slot] = next++;
  }
  for (const ProgramOp& op : program.ops) {
    for (const TensorRef& result : op.results) {
      renamed[result.slot] = next++;
    }
    for (const auto& [before, after] : op.passes) {
      renamed[after] = next++;
    }
  }
  std::vector<SlotInfo> slots(next);
  for (std::size_t i = 0; i < renamed.size(); ++i) {
    slots[renamed[i]] = std::move(program.slots[i]);
    slots[renamed[i]].base = renamed[slots[renamed[i]].base];
  }
  program.slots = std::move(slots);
  const auto rename = [&](Slot& slot) { slot = renamed[slot]; };
  for (Resident& resident : program.residents) {
    rename(resident.slot);
  }
  for (ProgramOp& op : program.ops) {
    for (auto* refs : {&op.reads, &op.results}) {
      for (TensorRef& ref : *refs) {
        rename(ref.slot);
      }
    }
    for (auto& [before, after] : op.passes) {
      rename(before);
      rename(after);
    }
    std::ranges::for_each(op.writes, rename);
    std::ranges::sort(op.writes);
  }
  for (auto* outputs : {&program.outputs, &program.gradients}) {
    for (StepOutput& output : *outputs) {
      rename(output.slot);
    }
  }
}

std::string FindDifference(const Program& a, const Program& b, std::string& data_dependent) {
  const std::size_t num_ops = std::min(a.ops.size(), b.ops.size());
  for (std::size_t i = 0; i < num_ops; ++i) {
    const std::string difference = DifferenceOfOps(a.ops[i], b.ops[i], !data_dependent.empty());
    if (!difference.empty()) {
      return "op '" + a.ops[i].name + "' " + difference;
    }
    for (std::size_t r = 0; data_dependent.empty() && r < a.ops[i].results.size(); ++r) {
      const SlotInfo& slot = a.slots[a.ops[i].results[r].slot];
      if (slot.shape != b.slots[b.ops[i].results[r].slot].shape) {
        data_dependent = a.ops[i].name;
      }
    }
  }
  if (a.ops.size() != b.ops.size()) {
    const ProgramOp& extra = (a.ops.size() > num_ops ? a : b).ops[num_ops];
    return "op '" + extra.name + "' runs in one run and not in another";
  }
  for (std::size_t i = 0; i < std::min(a.residents.size(), b.residents.size()); ++i) {
    const Resident& resident = a.residents[i];
    if (resident.found && HashOf(resident.initial) != HashOf(b.residents[i].initial)) {
      return InWords(a, resident.slot) + " comes from no operator and differs from run to run";
    }
  }
  return "";
}

}  // namespace placer::detail
