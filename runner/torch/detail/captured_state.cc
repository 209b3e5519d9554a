#include "runner/torch/detail/captured_state.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace placer::detail {
namespace {

/// One tensor that the step leaves behind.
struct Remains {
  std::string what;
  at::Tensor found;
  std::uint64_t expected_hash = 0;
  at::Tensor expected;  ///< filled in on demand
};

std::vector<Remains> RemainsOf(const Program& program, const StepContent& content) {
  std::vector<Remains> remains;
  for (std::size_t i = 0; i < program.outputs.size(); ++i) {
    remains.push_back(
        {"output '" + program.outputs[i].name + "'", content.outputs[i], program.outputs[i].hash});
  }
  for (std::size_t i = 0; i < program.gradients.size(); ++i) {
    remains.push_back({"gradient of '" + program.gradients[i].name + "'", content.gradients[i],
                       program.gradients[i].hash});
  }
  for (std::size_t i = 0; i < program.residents.size(); ++i) {
    const Resident& resident = program.residents[i];
    if (resident.final_hash) {
      remains.push_back(
          {"'" + resident.name + "' after the step", content.residents[i], *resident.final_hash});
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

/// Largest difference, and largest value to compare it with.
std::pair<double, double> Difference(const Remains& remains) {
  if (!remains.found.defined() || !remains.expected.defined() || remains.found.numel() == 0) {
    return {0, 0};
  }
  const at::Tensor found = remains.found.cpu().to(at::kDouble);
  const at::Tensor expected = remains.expected.to(at::kDouble);
  return {(found - expected).abs().max().item<double>(), expected.abs().max().item<double>()};
}

}  // namespace

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
    const auto [difference, largest] = Difference(each);
    if (!tolerant || difference > kCudaTolerance * largest) {
      std::ostringstream what;
      what << each.what << " differs by " << difference << " where values go up to " << largest;
      const std::string op = tolerant ? "" : FirstOpThatDiffers(captured, content);
      return StepMismatch{op.empty() ? each.what : op, what.str()};
    }
  }
  return std::nullopt;
}

}  // namespace placer::detail
