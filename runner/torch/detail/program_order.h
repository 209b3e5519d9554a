#pragma once

#include "runner/torch/detail/program.h"

namespace placer::detail {

/// Leaves out what an op must run after if its inputs say so already.
void DropImpliedOrder(Program& program);
/// Numbers slots as a graph numbers tensors: by producer, residents first, then by output.
void RenumberSlots(Program& program);

/// Where two recordings of the same model differ in more than the content of tensors: which op, and
/// how. Empty: nowhere. Sizes that follow from data are no difference; the first op that has such
/// results is put into `data_dependent`.
[[nodiscard]] std::string FindDifference(const Program& a, const Program& b,
                                         std::string& data_dependent);

}  // namespace placer::detail
