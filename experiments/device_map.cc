#include "experiments/device_map.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "graphs/base/error.h"
#include "graphs/modules.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

/// A module with what is in it.
struct Module {
  std::vector<std::string> children;  ///< in order of appearance
  std::vector<OpId> own;              ///< ops of the module itself
  std::set<std::string> devices;      ///< of all ops inside
};

class Mapper {
 public:
  Mapper(const Graph& graph, std::span<const std::string> device_of_op)
      : graph_(graph), device_of_op_(device_of_op) {
    const std::vector<std::string> modules = ModulesOfOps(graph);
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      if (graph.op(OpId(i)).role != OpRole::kInput) {
        Enter(modules[i]);
        modules_[modules[i]].own.emplace_back(i);
        AddDevice(modules[i], device_of_op[i]);
      }
    }
    if (modules_.size() <= 1) {
      throw InputError("graph '" + graph.name() +
                       "': its op names have no module scopes, expected names such as "
                       "/layer1/conv1/Conv");
    }
  }

  Json Run() {
    Visit("");
    return {{"device_map", map_}, {"conflicts", conflicts_}};
  }

 private:
  static std::string OuterOf(const std::string& module) {
    const std::size_t dot = module.rfind('.');
    return dot == std::string::npos ? "" : module.substr(0, dot);
  }

  void Enter(const std::string& module) {
    if (!modules_.try_emplace(module).second || module.empty()) {
      return;
    }
    Enter(OuterOf(module));
    modules_[OuterOf(module)].children.push_back(module);
  }

  void AddDevice(std::string module, const std::string& device) {
    for (;; module = OuterOf(module)) {
      modules_[module].devices.insert(device);
      if (module.empty()) {
        return;
      }
    }
  }

  void Visit(const std::string& name) {
    const Module& module = modules_.at(name);
    if (module.devices.size() == 1) {
      map_[name] = TorchDevice(*module.devices.begin());
      return;
    }
    if (!module.own.empty() && !name.empty()) {
      const std::string device = MainDevice(module.own);
      if (module.children.empty()) {
        map_[name] = TorchDevice(device);
      }
      conflicts_.push_back(
          {{"module", name},
           {"why", module.children.empty() ? "its ops are on several devices"
                                           : "it runs ops itself, and holds modules elsewhere"},
           {"ops", DevicesOf(module.own)}});
    }
    for (const std::string& child : module.children) {
      Visit(child);
    }
  }

  /// Where most of the work is, ties by name.
  [[nodiscard]] std::string MainDevice(const std::vector<OpId>& ops) const {
    std::map<std::string, std::int64_t> work;
    for (const OpId op : ops) {
      work[device_of_op_[op.index()]] += 1 + graph_.op(op).flops;
    }
    return std::max_element(work.begin(), work.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  }

  [[nodiscard]] Json DevicesOf(const std::vector<OpId>& ops) const {
    Json devices = Json::object();
    for (const OpId op : ops) {
      devices[graph_.op(op).name] = TorchDevice(device_of_op_[op.index()]);
    }
    return devices;
  }

  const Graph& graph_;
  std::span<const std::string> device_of_op_;
  std::map<std::string, Module> modules_;
  Json map_ = Json::object();
  Json conflicts_ = Json::array();
};

}  // namespace

std::string TorchDevice(const std::string& device) {
  std::string name = device.starts_with('/') ? device.substr(1) : device;
  if (name.starts_with("gpu:")) {
    return "cuda" + name.substr(3);
  }
  return name.starts_with("cpu:") ? "cpu" : name;
}

Json DeviceMapOf(const Graph& graph, std::span<const std::string> device_of_op) {
  for (const Op& op : graph.ops()) {
    if (op.role == OpRole::kBackward || op.role == OpRole::kUpdate) {
      throw InputError("graph '" + graph.name() + "': op '" + op.name +
                       "' is of a training step, expected a plan for inference");
    }
  }
  return Mapper(graph, device_of_op).Run();
}

}  // namespace placer
