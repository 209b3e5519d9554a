#include "placer/plan_apply.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "graphs/base/error.h"

namespace placer {
namespace {

/// Letters and digits alone, in lower case: exporters disagree about the rest.
std::string Normalized(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      text += c;
    } else if (c >= 'A' && c <= 'Z') {
      text += static_cast<char>(c - 'A' + 'a');
    }
  }
  return text;
}

/// Names of the plan by normalized name; null where several have the same.
std::map<std::string, const std::string*> ByNormalizedName(
    const SavedPlacement& saved, const std::set<std::string_view>& taken) {
  std::map<std::string, const std::string*> names;
  for (const auto& [name, device] : saved.device_of_op) {
    if (!taken.contains(name)) {
      const auto [at, added] = names.emplace(Normalized(name), &name);
      at->second = added ? at->second : nullptr;
    }
  }
  return names;
}

class Applier {
 public:
  Applier(const SavedPlacement& saved, const Graph& graph, const Cluster& cluster)
      : saved_(saved),
        graph_(graph),
        cluster_(cluster),
        name_in_plan_(graph.num_ops(), nullptr),
        allowed_(graph.num_colocation_classes(), std::vector<bool>(cluster.num_devices(), true)),
        device_(graph.num_colocation_classes()),
        alone_(graph.num_colocation_classes(), false),
        members_(graph.num_colocation_classes()) {
    for (const auto& [op, device] : saved.device_of_op) {
      planned_.emplace(op, cluster.FindDevice(device));
    }
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      const std::uint32_t of = graph.colocation_class(OpId(i));
      members_[of].emplace_back(i);
      for (std::size_t d = 0; d < cluster.num_devices(); ++d) {
        allowed_[of][d] =
            allowed_[of][d] && IsAllowed(graph.op(OpId(i)), cluster.device(DeviceId(d)));
      }
    }
    for (std::size_t c = 0; c < allowed_.size(); ++c) {
      if (std::find(allowed_[c].begin(), allowed_[c].end(), true) == allowed_[c].end()) {
        throw InputError("op '" + graph.op(members_[c].front()).name +
                         "': has no allowed device on cluster '" + cluster.name() + "'");
      }
    }
  }

  AppliedPlan Run() {
    MatchNames();
    for (std::size_t c = 0; c < members_.size(); ++c) {
      Vote(c);
    }
    Follow();
    return Report();
  }

 private:
  void MatchNames() {
    std::set<std::string_view> taken;
    for (std::size_t i = 0; i < graph_.num_ops(); ++i) {
      if (const auto same = planned_.find(graph_.op(OpId(i)).name); same != planned_.end()) {
        name_in_plan_[i] = &same->first;
        taken.insert(same->first);
      }
    }
    const auto rest = ByNormalizedName(saved_, taken);
    std::map<std::string, int> wanted;
    const auto key = [&](std::size_t i) {
      const Op& op = graph_.op(OpId(i));
      const std::string own = Normalized(op.name);
      return rest.contains(own) || op.source_name.empty() ? own : Normalized(op.source_name);
    };
    for (std::size_t i = 0; i < graph_.num_ops(); ++i) {
      wanted[key(i)] += name_in_plan_[i] == nullptr ? 1 : 0;
    }
    for (std::size_t i = 0; i < graph_.num_ops(); ++i) {
      const auto similar = rest.find(key(i));
      if (name_in_plan_[i] == nullptr && similar != rest.end() && similar->second != nullptr &&
          wanted[similar->first] == 1 && !similar->first.empty()) {
        name_in_plan_[i] = similar->second;
      }
    }
    if (std::all_of(name_in_plan_.begin(), name_in_plan_.end(),
                    [](const std::string* name) { return name == nullptr; })) {
      throw InputError("the placement was made for graph '" + saved_.graph_name +
                       "': none of its " + std::to_string(saved_.device_of_op.size()) +
                       " ops is in graph '" + graph_.name() + "'");
    }
  }

  [[nodiscard]] std::optional<DeviceId> Planned(OpId op) const {
    const std::string* name = name_in_plan_[op.index()];
    return name == nullptr ? std::nullopt : planned_.find(*name)->second;
  }

  /// Ties go to the device that comes first.
  void Choose(std::size_t of, const std::vector<double>& weight) {
    for (std::size_t d = 0; d < weight.size(); ++d) {
      if (allowed_[of][d] && weight[d] > 0 &&
          (!device_[of] || weight[d] > weight[device_[of]->index()])) {
        device_[of] = DeviceId(d);
      }
    }
  }

  void Vote(std::size_t of) {
    std::vector<double> votes(cluster_.num_devices(), 0);
    for (const OpId op : members_[of]) {
      if (const auto device = Planned(op)) {
        votes[device->index()] += 1;
      }
    }
    Choose(of, votes);
  }

  /// Weighs what the class exchanges with what is placed.
  [[nodiscard]] std::vector<double> Neighbours(std::size_t of) const {
    std::vector<double> weight(cluster_.num_devices(), 0);
    const auto add = [&](OpId other, std::int64_t bytes) {
      if (const auto device = device_[graph_.colocation_class(other)]) {
        weight[device->index()] += 1 + static_cast<double>(bytes);
      }
    };
    for (const OpId op : members_[of]) {
      for (const TensorId input : graph_.inputs(op)) {
        add(graph_.tensor(input).producer, graph_.tensor(input).bytes);
      }
      for (std::size_t k = 0; k < graph_.num_outputs(op); ++k) {
        const TensorId output(graph_.first_output(op).index() + k);
        for (const OpId consumer : graph_.consumers(output)) {
          add(consumer, graph_.tensor(output).bytes);
        }
      }
      for (const auto controls : {graph_.control_inputs(op), graph_.control_consumers(op)}) {
        for (const OpId other : controls) {
          add(other, 0);
        }
      }
    }
    return weight;
  }

  void Follow() {
    std::vector<std::size_t> open;
    for (std::size_t c = 0; c < device_.size(); ++c) {
      if (!device_[c]) {
        open.push_back(c);
      }
    }
    // Forwards, then backwards: each direction carries a device along a whole chain.
    for (std::size_t before = open.size() + 1; !open.empty() && open.size() < before;) {
      before = open.size();
      for (int direction = 0; direction < 2; ++direction) {
        for (const std::size_t c : open) {
          Choose(c, Neighbours(c));
        }
        std::erase_if(open, [this](std::size_t c) { return device_[c].has_value(); });
        std::reverse(open.begin(), open.end());
      }
    }
    for (const std::size_t c : open) {
      alone_[c] = true;
      Choose(c, std::vector<double>(cluster_.num_devices(), 1));
    }
  }

  AppliedPlan Report() {
    AppliedPlan applied;
    std::set<std::string_view> used;
    std::vector<DeviceId> devices;
    for (std::size_t i = 0; i < graph_.num_ops(); ++i) {
      const std::string& name = graph_.op(OpId(i)).name;
      const std::string* planned = name_in_plan_[i];
      const std::uint32_t of = graph_.colocation_class(OpId(i));
      devices.push_back(*device_[of]);
      if (planned == nullptr) {
        (alone_[of] ? applied.alone : applied.followed).push_back(name);
        continue;
      }
      used.insert(*planned);
      if (Planned(OpId(i)) != devices.back()) {
        applied.moved.push_back(name);
      } else if (*planned == name) {
        applied.kept.push_back(name);
      } else {
        applied.matched.emplace_back(name, *planned);
      }
    }
    for (const auto& [name, device] : saved_.device_of_op) {
      if (!used.contains(name)) {
        applied.dropped.push_back(name);
      }
    }
    applied.placement = Placement(std::move(devices));
    return applied;
  }

  const SavedPlacement& saved_;
  const Graph& graph_;
  const Cluster& cluster_;
  std::map<std::string, std::optional<DeviceId>> planned_;  ///< nothing: an unknown device
  std::vector<const std::string*> name_in_plan_;            ///< [num_ops]
  std::vector<std::vector<bool>> allowed_;                  ///< [num_classes, num_devices]
  std::vector<std::optional<DeviceId>> device_;             ///< [num_classes]
  std::vector<bool> alone_;                                 ///< [num_classes]
  std::vector<std::vector<OpId>> members_;
};

}  // namespace

AppliedPlan ApplyPlan(const SavedPlacement& saved, const Graph& graph, const Cluster& cluster) {
  return Applier(saved, graph, cluster).Run();
}

}  // namespace placer
