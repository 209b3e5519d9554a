#include "runner/torch/detail/captured_state.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

namespace placer::detail {
namespace {

/// One tensor that the step leaves behind.
struct Remains {
  std::string what;
  std::string op;  ///< that left it so
  at::Tensor found;
  std::uint64_t expected_hash = 0;
  at::Tensor expected;  ///< filled in on demand
};

/// The op that made it, or the resident that it always was.
std::string MakerOf(const Program& program, Slot slot) {
  const std::uint32_t producer = program.slots[slot].producer;
  return producer == kNone ? program.residents[slot].name : program.ops[producer].name;
}

std::string LastWriterOf(const Program& program, const Resident& resident) {
  std::string name = resident.name;
  for (const ProgramOp& op : program.ops) {
    if (std::ranges::any_of(op.writes,
                            [&](Slot slot) { return program.slots[slot].base == resident.slot; })) {
      name = op.name;
    }
  }
  return name;
}

std::vector<Remains> RemainsOf(const Program& program, const StepContent& content) {
  std::vector<Remains> remains;
  const auto add = [&](const char* what, const std::vector<StepOutput>& all,
                       const std::vector<at::Tensor>& found) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      remains.push_back({.what = std::string(what) + " '" + all[i].name + "'",
                         .op = MakerOf(program, all[i].slot),
                         .found = found[i],
                         .expected_hash = all[i].hash});
    }
  };
  add("output", program.outputs, content.outputs);
  add("gradient of", program.gradients, content.gradients);
  for (std::size_t i = 0; i < program.residents.size(); ++i) {
    const Resident& resident = program.residents[i];
    if (resident.final_hash) {
      remains.push_back({.what = "'" + resident.name + "' after the step",
                         .op = LastWriterOf(program, resident),
                         .found = content.residents[i],
                         .expected_hash = *resident.final_hash});
    }
  }
  return remains;
}

/// Runs the original step again for its values.
void FillExpected(const CapturedState& captured, std::vector<Remains>& remains) {
  captured.step->Reset();
  captured.step->Run(nullptr);
  std::map<std::string, at::Tensor> values;
  for (const auto& [name, tensor] : captured.step->Outputs()) {
    values["output '" + name + "'"] = tensor;
  }
  for (const auto& [name, tensor] : captured.step->Gradients()) {
    values["gradient of '" + name + "'"] = tensor;
  }
  for (const KnownTensor& known : captured.step->KnownTensors()) {
    values["'" + known.name + "' after the step"] = known.tensor.detach();
  }
  for (Remains& each : remains) {
    each.expected = values[each.what];
  }
}

std::string FirstOpThatDiffers(const CapturedState& captured, const StepContent& content) {
  for (const ProgramOp& op : captured.program.ops) {
    for (const TensorRef& result : op.results) {
      const auto& expected = captured.program.slots[result.slot].hash;
      if (expected && expected != content.hashes[result.slot]) {
        return op.name;
      }
    }
  }
  return "";
}

}  // namespace

std::string DifferenceOf(const at::Tensor& found, const at::Tensor& expected, double tolerance) {
  if (!found.defined() || !expected.defined()) {
    return found.defined() == expected.defined() ? ""
           : found.defined()                     ? " is there, and should not be"
                                                 : " is missing";
  }
  if (found.sizes() != expected.sizes()) {
    std::ostringstream what;
    what << " has shape " << found.sizes() << ", expected " << expected.sizes();
    return what.str();
  }
  if (found.numel() == 0) {
    return "";
  }
  const at::Tensor a = found.cpu().to(at::kDouble);
  const at::Tensor b = expected.cpu().to(at::kDouble);
  // The difference of equal infinities is not a number, and neither is an expected nan a fault.
  const at::Tensor same = a.eq(b).logical_or(a.isnan().logical_and(b.isnan()));
  const double difference = (a - b).abs().masked_fill(same, 0).max().item<double>();
  const double largest = b.abs().masked_fill(b.isfinite().logical_not(), 0).max().item<double>();
  if (difference <= tolerance * largest) {  // false if it is not a number
    return "";
  }
  std::ostringstream what;
  what << " differs by " << std::abs(difference) << " where values go up to " << largest;
  return what.str();
}

std::optional<StepMismatch> FindMismatch(const CapturedState& captured, const StepContent& content,
                                         bool tolerant) {
  std::vector<Remains> remains = RemainsOf(captured.program, content);
  std::erase_if(remains, [](const Remains& each) {
    return each.found.defined() && HashOf(each.found) == each.expected_hash;
  });
  if (remains.empty()) {
    return std::nullopt;
  }
  FillExpected(captured, remains);
  for (const Remains& each : remains) {
    std::string what = DifferenceOf(each.found, each.expected, tolerant ? kCudaTolerance : 0);
    if (tolerant && what.empty()) {
      continue;
    }
    if (what.empty()) {
      what = " has other bits";
    }
    // Of other ops only hashes are known, which say nothing of how far values are apart.
    const std::string op = tolerant ? "" : FirstOpThatDiffers(captured, content);
    return StepMismatch{op.empty() ? each.op : op, each.what + what};
  }
  return std::nullopt;
}

}  // namespace placer::detail
