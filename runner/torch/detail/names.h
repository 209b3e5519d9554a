#pragma once

#include <set>
#include <string>
#include <vector>

namespace placer::detail {

/// The name, or where it is taken the first of name_1, name_2 ... that is not. Taken from then on.
[[nodiscard]] std::string DistinctName(const std::string& name, std::set<std::string>& taken);

/// Names for files of one folder, one for each name, all different: nothing in them leads to
/// another folder or hides a file. A name that can stay as it is does.
[[nodiscard]] std::vector<std::string> FileNames(const std::vector<std::string>& names);

}  // namespace placer::detail
