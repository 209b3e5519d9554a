#include "experiments/device_map.h"

#include <algorithm>
#include <cctype>
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
  std::vector<OpId> own;              ///< ops and parameters of the module itself
  std::set<std::string> devices;      ///< of all ops inside
};

std::string OuterOf(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string::npos ? "" : path.substr(0, dot);
}

/// Whether the op is a parameter under the name that it has in PyTorch: `class_token`, `0.weight`,
/// but neither `497` nor `onnx::MatMul_497`, which the exporter made.
bool IsNamedParameter(const Op& op) {
  const auto in_a_word = [](unsigned char c) { return std::isalpha(c) != 0 || c == '_'; };
  const auto in_a_path = [&](unsigned char c) {
    return in_a_word(c) || std::isdigit(c) != 0 || c == '.';
  };
  return op.role == OpRole::kParameter && std::any_of(op.name.begin(), op.name.end(), in_a_word) &&
         std::all_of(op.name.begin(), op.name.end(), in_a_path);
}

class Mapper {
 public:
  Mapper(const Graph& graph, std::span<const std::string> device_of_op)
      : graph_(graph), device_of_op_(device_of_op) {
    const std::vector<std::string> modules = ModulesOfOps(graph);
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      const Op& op = graph.op(OpId(i));
      if (op.role != OpRole::kInput) {
        const std::string module = IsNamedParameter(op) ? OuterOf(op.name) : modules[i];
        Enter(module);
        modules_[module].own.emplace_back(i);
        AddDevice(module, device_of_op[i]);
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
    if (module.children.empty() && RunsOps(module)) {
      map_[name] = TorchDevice(MainDevice(module.own));
      AddConflict(name, module, "its ops are on several devices");
      return;
    }
    for (const OpId op : module.own) {
      if (IsNamedParameter(graph_.op(op))) {
        map_[graph_.op(op).name] = TorchDevice(device_of_op_[op.index()]);
      }
    }
    if (RunsOps(module)) {
      if (IsTorn(module)) {
        AddConflict(name, module, "its ops are on several devices");
      } else if (!name.empty()) {
        AddConflict(name, module, "it runs ops itself, and holds modules elsewhere");
      }
    }
    for (const std::string& child : module.children) {
      Visit(child);
    }
  }

  void AddConflict(const std::string& name, const Module& module, const char* why) {
    conflicts_.push_back({{"module", name}, {"why", why}, {"ops", DevicesOf(module.own)}});
  }

  [[nodiscard]] bool RunsOps(const Module& module) const {
    return std::any_of(module.own.begin(), module.own.end(),
                       [this](OpId op) { return !graph_.is_resident(op); });
  }

  [[nodiscard]] bool IsTorn(const Module& module) const {
    return std::any_of(module.own.begin(), module.own.end(), [&](OpId op) {
      return device_of_op_[op.index()] != device_of_op_[module.own.front().index()];
    });
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
