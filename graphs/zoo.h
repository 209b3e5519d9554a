#pragma once

#include <map>
#include <string>
#include <vector>

#include "graphs/graph.h"

namespace placer {

struct ZooParameter {
  std::string name;
  std::string default_value;
  std::string meaning;
};
struct ZooEntry {
  std::string name;
  std::string summary;
  std::vector<ZooParameter> parameters;
};

/// The generated graphs, sorted by name.
[[nodiscard]] std::vector<ZooEntry> GraphZoo();

/// Makes `NAME` or `NAME?key=value&key=value`. @throws InputError for unknown names (lists the
/// known ones), unknown keys or values out of range
[[nodiscard]] Graph MakeZooGraph(const std::string& spec);

}  // namespace placer
