#pragma once

#include "graphs/graph.h"
#include "runner/torch/detail/program.h"

namespace placer::detail {

/// The graph of a program: its residents, then its ops, in order; tensor i is slot i.
/// @throws InputError
[[nodiscard]] Graph GraphOf(const Program& program, const std::string& name);

/// The tensors an op of the graph reads, in the order of Graph::inputs(): its arguments, then what
/// shares memory that it writes to.
[[nodiscard]] std::vector<Slot> InputsOf(const ProgramOp& op);

}  // namespace placer::detail
