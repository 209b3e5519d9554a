#pragma once

#include <string_view>

#include "graphs/base/union_find.h"
#include "graphs/detail/group_merger.h"
#include "graphs/graph.h"

namespace placer::detail {

/// The part of an op's name that names what is decided together: up to an unrolled step `t12`; else
/// up to the innermost scope `branch...` and, where the branch forks, a part of it such as `2a`;
/// else the scope of the op (a layer); else the name.
[[nodiscard]] std::string_view UnitOf(std::string_view op_name);

/// Joins the ops of every unit; backward ops join the op they serve, inputs the unit that reads
/// them if there is one alone.
void JoinScopes(const Graph& graph, const AllowedSets& allowed, UnionFind& groups);

}  // namespace placer::detail
