#include "runner/torch/detail/replay_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace placer::detail {
namespace {

class PlanMaker {
 public:
  PlanMaker(const Graph& graph, const Placement& placement, std::size_t num_devices)
      : graph_(graph), placement_(placement) {
    plan_.num_devices = num_devices;
    plan_.ops.resize(graph.num_ops());
    plan_.cell_uses.assign(graph.num_tensors(), 0);
    kept_.assign(graph.num_tensors(), false);
  }

  ReplayPlan Make() && {
    for (std::size_t t = 0; t < graph_.num_tensors(); ++t) {
      const Tensor& tensor = graph_.tensor(TensorId(t));
      kept_[t] = tensor.graph_output || graph_.is_resident(tensor.producer);
    }
    for (std::size_t i = 0; i < graph_.num_ops(); ++i) {
      plan_.ops[i].device = DeviceOf(OpId(i));
      if (!graph_.is_resident(OpId(i))) {
        ++plan_.num_runs;
        AddOp(OpId(i));
      }
    }
    Finish();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] std::uint32_t DeviceOf(OpId op) const {
    return static_cast<std::uint32_t>(placement_.device(op).index());
  }

  void AddOp(OpId id) {
    ReplayPlan::OpPlan& op = plan_.ops[id.index()];
    const auto index = static_cast<std::uint32_t>(id.index());
    std::set<std::uint32_t> ops, copies;  // that it waits for
    for (const TensorId tensor : graph_.inputs(id)) {
      const OpId producer = graph_.tensor(tensor).producer;
      if (DeviceOf(producer) != op.device) {
        const std::uint32_t copy = CopyTo(tensor, op.device);
        copies.insert(copy);
        op.cells.push_back(plan_.copies[copy].cell);
        continue;
      }
      op.cells.push_back(static_cast<std::uint32_t>(tensor.index()));
      if (!graph_.is_resident(producer)) {
        ops.insert(static_cast<std::uint32_t>(producer.index()));
      }
    }
    for (const OpId before : graph_.control_inputs(id)) {
      if (!graph_.is_resident(before)) {
        ops.insert(static_cast<std::uint32_t>(before.index()));
      }
    }
    for (const std::uint32_t before : ops) {
      ReplayPlan::OpPlan& other = plan_.ops[before];
      (other.device == op.device ? other.next : other.next_elsewhere).push_back(index);
    }
    for (const std::uint32_t copy : copies) {
      plan_.copies[copy].consumers.push_back(index);
    }
    op.num_waits = static_cast<std::uint32_t>(ops.size() + copies.size());
    const std::set<std::uint32_t> cells(op.cells.begin(), op.cells.end());
    for (const std::uint32_t cell : cells) {
      Use(cell, op.releases);
    }
    // What nobody reads is free at once.
    for (std::size_t o = 0; o < graph_.num_outputs(id); ++o) {
      const TensorId output(graph_.first_output(id).index() + o);
      if (graph_.consumers(output).empty()) {
        Use(static_cast<std::uint32_t>(output.index()), op.releases);
      }
    }
  }

  void Use(std::uint32_t cell, std::vector<std::uint32_t>& releases) {
    if (cell >= kept_.size() || !kept_[cell]) {
      ++plan_.cell_uses[cell];
      releases.push_back(cell);
    }
  }

  std::uint32_t CopyTo(TensorId tensor, std::uint32_t device) {
    const auto next = static_cast<std::uint32_t>(plan_.copies.size());
    const auto [found, is_new] = copy_of_.try_emplace({tensor.index(), device}, next);
    if (is_new) {
      const OpId producer = graph_.tensor(tensor).producer;
      const auto cell = static_cast<std::uint32_t>(plan_.cell_uses.size());
      plan_.cell_uses.push_back(0);
      plan_.copies.push_back({.tensor = static_cast<std::uint32_t>(tensor.index()),
                              .cell = cell,
                              .from = DeviceOf(producer),
                              .to = device});
      if (!kept_[tensor.index()]) {
        ++plan_.cell_uses[tensor.index()];
      }
      (graph_.is_resident(producer) ? plan_.first_copies : plan_.ops[producer.index()].copies)
          .push_back(next);
    }
    return found->second;
  }

  void Finish() {
    const auto by_tensor = [&](std::uint32_t a, std::uint32_t b) {
      return std::pair(plan_.copies[a].tensor, plan_.copies[a].to) <
             std::pair(plan_.copies[b].tensor, plan_.copies[b].to);
    };
    std::ranges::sort(plan_.first_copies, by_tensor);
    for (std::size_t i = 0; i < plan_.ops.size(); ++i) {
      std::ranges::sort(plan_.ops[i].copies, by_tensor);
      if (!graph_.is_resident(OpId(i)) && plan_.ops[i].num_waits == 0) {
        plan_.first_ops.push_back(static_cast<std::uint32_t>(i));
      }
    }
  }

  const Graph& graph_;
  const Placement& placement_;
  ReplayPlan plan_;
  std::vector<bool> kept_;
  std::map<std::pair<std::size_t, std::uint32_t>, std::uint32_t> copy_of_;
};

}  // namespace

ReplayPlan MakeReplayPlan(const Graph& graph, const Placement& placement, std::size_t num_devices) {
  return PlanMaker(graph, placement, num_devices).Make();
}

}  // namespace placer::detail
