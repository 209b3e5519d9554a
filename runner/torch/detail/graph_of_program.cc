#include "runner/torch/detail/graph_of_program.h"

#include <algorithm>
#include <stdexcept>

#include "graphs/base/error.h"
#include "runner/torch/detail/aten_costs.h"

namespace placer::detail {
namespace {

TensorSpec SpecOf(const SlotInfo& slot) {
  return {.dtype = slot.dtype, .shape = slot.shape, .bytes = slot.bytes};
}

/// The input whose memory the output shares.
std::optional<std::size_t> AliasOf(const Program& program, const std::vector<Slot>& inputs,
                                   Slot output, const std::string& op) {
  if (program.slots[output].base == output) {
    return std::nullopt;
  }
  const auto found = std::ranges::find_if(
      inputs, [&](Slot input) { return program.slots[input].base == program.slots[output].base; });
  if (found == inputs.end()) {
    throw InputError("op '" + op +
                     "': found a result in memory that is none of its inputs', expected new memory "
                     "or an input's");
  }
  return static_cast<std::size_t>(found - inputs.begin());
}

std::string TypeOf(const Resident& resident) {
  if (resident.role == OpRole::kInput) {
    return "input";
  }
  const bool of_parameter = !resident.colocation.empty() && resident.colocation != resident.name;
  return of_parameter ? "optimizer_state" : "parameter";
}

OpId AddResident(GraphBuilder& builder, const Program& program, const Resident& resident) {
  Op op;
  op.name = resident.name;
  op.type = TypeOf(resident);
  op.role = resident.role;
  op.op_class = OpClass::kOther;
  op.colocation_group = resident.colocation;
  return builder.AddOp(std::move(op), {}, {SpecOf(program.slots[resident.slot])});
}

OpId AddOp(GraphBuilder& builder, const Program& program, const ProgramOp& source) {
  Op op;
  op.name = source.name;
  op.type = source.handle.schema().name();
  op.role = source.role;
  op.colocation_group = source.colocation;
  const OpCosts costs = CostOf(source, program);
  op.op_class = costs.op_class;
  op.flops = costs.flops;
  op.traffic_bytes = costs.traffic_bytes;
  const std::vector<Slot> slots = InputsOf(source);
  std::vector<TensorSpec> outputs;
  const auto add = [&](Slot slot) {
    TensorSpec spec = SpecOf(program.slots[slot]);
    spec.aliases_input = AliasOf(program, slots, slot, op.name);
    spec.graph_output = std::ranges::any_of(
        program.outputs, [&](const StepOutput& output) { return output.slot == slot; });
    outputs.push_back(std::move(spec));
  };
  for (const TensorRef& result : source.results) {
    add(result.slot);
  }
  for (const auto& [before, after] : source.passes) {
    add(after);
  }
  std::vector<TensorId> inputs;
  for (const Slot slot : slots) {
    inputs.emplace_back(slot);
  }
  std::vector<OpId> run_after;
  for (const std::uint32_t earlier : source.run_after) {
    run_after.emplace_back(program.residents.size() + earlier);
  }
  return builder.AddOp(std::move(op), std::move(inputs), std::move(outputs), std::move(run_after));
}

}  // namespace

std::vector<Slot> InputsOf(const ProgramOp& op) {
  std::vector<Slot> slots;
  for (const TensorRef& read : op.reads) {
    slots.push_back(read.slot);
  }
  for (const auto& [before, after] : op.passes) {
    slots.push_back(before);
  }
  return slots;
}

Graph GraphOf(const Program& program, const std::string& name) {
  GraphBuilder builder(name);
  for (const Resident& resident : program.residents) {
    AddResident(builder, program, resident);
  }
  for (const ProgramOp& op : program.ops) {
    AddOp(builder, program, op);
  }
  Graph graph = std::move(builder).Build();
  if (graph.num_tensors() != program.slots.size()) {
    throw std::logic_error("a captured step has other tensors than its graph");
  }
  return graph;
}

}  // namespace placer::detail
