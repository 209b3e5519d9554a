#pragma once

#include "graphs/op_rules.h"
#include "runner/torch/detail/program.h"

namespace placer::detail {

/// Costs of an op by the rules that all sources of graphs share. Ops that only look at memory in
/// another way cost nothing.
[[nodiscard]] OpCosts CostOf(const ProgramOp& op, const Program& program);

}  // namespace placer::detail
