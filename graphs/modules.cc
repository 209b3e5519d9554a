#include "graphs/modules.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace placer {
namespace {

constexpr std::string_view kTracedPrefix = "__module.";

/// One component of a path, and what comes before it.
void Append(std::string_view component, std::string& path, std::string& previous) {
  // Older exporters write the class in front: `Bottleneck::layer1.0`.
  if (const std::size_t type = component.rfind("::"); type != std::string_view::npos) {
    component.remove_prefix(type + 2);
  }
  if (component.starts_with(kTracedPrefix)) {
    path = component.substr(kTracedPrefix.size());  // the whole path so far
    previous = path;
    return;
  }
  // Exporters name a child of a sequence with the sequence in front: `/layer1/layer1.0`.
  std::string_view own = component;
  if (!previous.empty() && own.size() > previous.size() + 1 && own.starts_with(previous) &&
      own[previous.size()] == '.') {
    own.remove_prefix(previous.size() + 1);
  }
  previous = component;
  if (!own.empty()) {
    path += (path.empty() ? "" : ".") + std::string(own);
  }
}

/// The path without its last component.
std::string OuterOf(const std::string& module) {
  const std::size_t dot = module.rfind('.');
  return dot == std::string::npos ? "" : module.substr(0, dot);
}

struct ModuleSize {
  std::size_t own = 0;    ///< ops of the module itself
  std::size_t total = 0;  ///< with all inside
};

std::map<std::string, ModuleSize> Sizes(const Graph& graph,
                                        const std::vector<std::string>& modules) {
  std::map<std::string, ModuleSize> sizes;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    if (graph.is_resident(OpId(i))) {
      continue;
    }
    ++sizes[modules[i]].own;
    for (std::string at = modules[i];; at = OuterOf(at)) {
      ++sizes[at].total;
      if (at.empty()) {
        break;
      }
    }
  }
  return sizes;
}

}  // namespace

std::string ModuleOf(const Op& op) {
  if (op.role == OpRole::kInput) {
    return "";
  }
  const std::string_view name = op.name;
  const std::size_t slash = name.rfind('/');
  if (slash == std::string_view::npos) {
    return OuterOf(op.name);
  }
  std::string path, previous;
  for (std::size_t begin = 0; begin < slash;) {
    const std::size_t end = std::min(name.find('/', begin), slash);
    if (end > begin) {
      Append(name.substr(begin, end - begin), path, previous);
    }
    begin = end + 1;
  }
  return path;
}

std::vector<std::string> ModulesOfOps(const Graph& graph) {
  std::vector<std::string> modules;
  for (const Op& op : graph.ops()) {
    modules.push_back(ModuleOf(op));
  }
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    if (graph.op(OpId(i)).role == OpRole::kParameter && modules[i].empty() &&
        graph.num_outputs(OpId(i)) > 0) {
      const auto readers = graph.consumers(graph.first_output(OpId(i)));
      modules[i] = readers.empty() ? "" : modules[readers.front().index()];
    }
  }
  return modules;
}

bool IsWithin(const std::string& module, const std::string& outer) {
  return outer.empty() || module == outer ||
         (module.size() > outer.size() && module.starts_with(outer) && module[outer.size()] == '.');
}

std::vector<std::optional<std::uint32_t>> ModuleUnits(const Graph& graph) {
  const std::vector<std::string> modules = ModulesOfOps(graph);
  const std::map<std::string, ModuleSize> sizes = Sizes(graph, modules);
  const auto root = sizes.find("");
  const std::size_t all = root == sizes.end() ? 0 : root->second.total;
  std::map<std::string, std::uint32_t> number;
  std::vector<std::optional<std::uint32_t>> units(graph.num_ops());
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    std::optional<std::string> unit;
    for (std::string at = modules[i]; !at.empty(); at = OuterOf(at)) {
      const auto size = sizes.find(at);
      if (size != sizes.end() && size->second.own > 0 && 2 * size->second.total <= all) {
        unit = at;
      }
    }
    if (unit) {
      units[i] = number.try_emplace(*unit, static_cast<std::uint32_t>(number.size())).first->second;
    }
  }
  return units;
}

}  // namespace placer
