#include "placer/constraints.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/union_find.h"
#include "graphs/modules.h"
#include "placer/op_pattern.h"

namespace placer {
namespace {

using DeviceSet = Separation::DeviceSet;

std::string Written(const char* kind, const std::string& text) {
  return std::string(kind) + " '" + text + "'";
}

std::string DevicesIn(DeviceSet set, const Cluster& cluster) {
  std::string text;
  for (std::size_t d = 0; d < cluster.num_devices(); ++d) {
    if ((set >> d & 1U) != 0) {
      text += (text.empty() ? "" : ", ") + cluster.device(DeviceId(d)).name;
    }
  }
  return text.empty() ? "none" : text;
}

/// "PATTERN=DEVICE" at its last `=`: device names hold none, op names may.
std::pair<std::string, std::string> SplitAssignment(const char* kind, const std::string& text,
                                                    const char* expected) {
  const std::size_t at = text.rfind('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
    throw InputError(Written(kind, text) + ": expected " + expected);
  }
  return {text.substr(0, at), text.substr(at + 1)};
}

/// "A,B"; a comma inside /.../ belongs to the regular expression.
std::pair<std::string, std::string> SplitPair(const std::string& text) {
  std::size_t at = text.find(',');
  if (text.starts_with('/')) {
    const std::size_t end = text.find("/,", 1);
    at = end == std::string::npos ? at : end + 1;
  }
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
    throw InputError(Written("apart", text) + ": expected PATTERN,PATTERN");
  }
  return {text.substr(0, at), text.substr(at + 1)};
}

DeviceSet DevicesNamed(const std::string& name, const Cluster& cluster, const std::string& where) {
  DeviceSet set = 0;
  for (std::size_t d = 0; d < cluster.num_devices(); ++d) {
    const Device& device = cluster.device(DeviceId(d));
    set |= device.name == name || device.kind == name ? DeviceSet{1} << d : 0;
  }
  if (set == 0) {
    throw InputError(where + ": device '" + name + "' is not in cluster '" + cluster.name() +
                     "', expected a kind or one of " + DevicesIn(~DeviceSet{0}, cluster));
  }
  return set;
}

std::vector<OpId> OpsMatching(const std::string& pattern, const Graph& graph,
                              const std::string& where) {
  std::vector<OpId> ops;
  try {
    const OpPattern matcher(pattern);
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      if (matcher.Matches(graph.op(OpId(i)).name)) {
        ops.emplace_back(i);
      }
    }
  } catch (const InputError& error) {
    throw error.In(where);
  }
  if (ops.empty()) {
    throw InputError(where + ": matches none of the " + std::to_string(graph.num_ops()) +
                     " ops of graph '" + graph.name() + "' (the first is '" +
                     (graph.num_ops() > 0 ? graph.op(OpId(0)).name : "") + "')");
  }
  return ops;
}

/// Pins, forbids and what stays together, collected op by op.
class Collector {
 public:
  Collector(const Graph& graph, const Cluster& cluster)
      : graph_(graph),
        cluster_(cluster),
        allowed_(graph.num_ops(), 0),
        said_(graph.num_ops()),
        together_(graph.num_ops()) {
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      for (std::size_t d = 0; d < cluster.num_devices(); ++d) {
        allowed_[i] |=
            IsAllowed(graph.op(OpId(i)), cluster.device(DeviceId(d))) ? DeviceSet{1} << d : 0;
      }
    }
    original_ = allowed_;
    std::map<std::uint32_t, std::size_t> first;
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      together_.Union(first.try_emplace(graph.colocation_class(OpId(i)), i).first->second, i);
    }
  }

  void Restrict(const char* kind, const std::string& text, bool pin) {
    const auto [pattern, name] = SplitAssignment(kind, text, "PATTERN=DEVICE");
    const std::string where = Written(kind, text);
    const DeviceSet devices = DevicesNamed(name, cluster_, where);
    for (const OpId op : OpsMatching(pattern, graph_, where)) {
      allowed_[op.index()] &= pin ? devices : ~devices;
      said_[op.index()].insert(where);
    }
  }

  void Tie(const std::string& pattern) {
    const std::string where = Written("together", pattern);
    const std::vector<OpId> ops = OpsMatching(pattern, graph_, where);
    for (const OpId op : ops) {
      together_.Union(ops.front().index(), op.index());
      tied_[op.index()].insert(where);
    }
  }

  void TieModules() {
    std::map<std::uint32_t, std::size_t> first;
    const auto units = ModuleUnits(graph_);
    for (std::size_t i = 0; i < units.size(); ++i) {
      if (units[i]) {
        together_.Union(first.try_emplace(*units[i], i).first->second, i);
        tied_[i].insert("whole-modules");
      }
    }
  }

  /// [num_ops]: the smallest op that each shares a device with.
  [[nodiscard]] std::vector<std::uint32_t> Units() {
    std::vector<std::uint32_t> units;
    for (std::size_t i = 0; i < graph_.num_ops(); ++i) {
      units.push_back(static_cast<std::uint32_t>(together_.Find(i)));
    }
    return units;
  }

  /// [num_ops]: devices that the op and all it shares a device with may use. @throws InputError
  [[nodiscard]] std::vector<DeviceSet> AllowedOfUnits() {
    std::vector<DeviceSet> allowed(graph_.num_ops(), ~DeviceSet{0});
    for (std::size_t i = 0; i < graph_.num_ops(); ++i) {
      allowed[together_.Find(i)] &= allowed_[i];
    }
    for (std::size_t i = 0; i < graph_.num_ops(); ++i) {
      if (allowed[together_.Find(i)] == 0) {
        ThrowContradiction(together_.Find(i));
      }
    }
    return allowed;
  }

  [[nodiscard]] Graph Build() {
    std::vector<std::size_t> classes(graph_.num_ops(), 0);  // of each unit
    std::set<std::pair<std::size_t, std::uint32_t>> seen;
    for (std::size_t i = 0; i < graph_.num_ops(); ++i) {
      const std::size_t unit = together_.Find(i);
      classes[unit] += seen.emplace(unit, graph_.colocation_class(OpId(i))).second ? 1 : 0;
    }
    GraphBuilder builder(graph_.name());
    for (std::size_t i = 0; i < graph_.num_ops(); ++i) {
      Op op = graph_.op(OpId(i));
      if (allowed_[i] != original_[i]) {
        op.allowed_devices = Names(allowed_[i]);
      }
      if (const std::size_t unit = together_.Find(i); classes[unit] > 1) {
        op.colocation_group = "together/" + std::to_string(unit);
      }
      const auto controls = graph_.control_inputs(OpId(i));
      const auto inputs = graph_.inputs(OpId(i));
      builder.AddOp(std::move(op), {inputs.begin(), inputs.end()}, OutputsOf(OpId(i)),
                    {controls.begin(), controls.end()});
    }
    return std::move(builder).Build();
  }

 private:
  [[nodiscard]] std::vector<std::string> Names(DeviceSet set) const {
    std::vector<std::string> names;
    for (std::size_t d = 0; d < cluster_.num_devices(); ++d) {
      if ((set >> d & 1U) != 0) {
        names.push_back(cluster_.device(DeviceId(d)).name);
      }
    }
    return names;
  }

  [[nodiscard]] std::vector<TensorSpec> OutputsOf(OpId op) const {
    std::vector<TensorSpec> outputs;
    for (std::size_t k = 0; k < graph_.num_outputs(op); ++k) {
      const TensorId id(graph_.first_output(op).index() + k);
      const Tensor& tensor = graph_.tensor(id);
      TensorSpec spec{.dtype = tensor.dtype,
                      .shape = tensor.shape,
                      .bytes = tensor.bytes,
                      .graph_output = tensor.graph_output,
                      .held_bytes = tensor.held_bytes,
                      .copy_time = tensor.copy_time};
      if (tensor.storage != id) {
        const auto inputs = graph_.inputs(op);
        const auto shared = std::find_if(inputs.begin(), inputs.end(), [&](TensorId input) {
          return graph_.tensor(input).storage == tensor.storage;
        });
        spec.aliases_input = static_cast<std::size_t>(shared - inputs.begin());
      }
      outputs.push_back(std::move(spec));
    }
    return outputs;
  }

  /// Adds the unit's ops one by one until no device is left, and names what was said of those that
  /// took some away.
  [[noreturn]] void ThrowContradiction(std::size_t unit) {
    DeviceSet left = 0;
    for (std::size_t d = 0; d < cluster_.num_devices(); ++d) {
      left |= DeviceSet{1} << d;
    }
    std::set<std::string> said;
    std::vector<std::size_t> ops;
    for (std::size_t i = 0; i < graph_.num_ops() && left != 0; ++i) {
      if (together_.Find(i) != unit || (left & allowed_[i]) == left) {
        continue;
      }
      left &= allowed_[i];
      ops.push_back(i);
      said.insert(said_[i].begin(), said_[i].end());
      if (!graph_.op(OpId(i)).allowed_devices.empty()) {
        said.insert("the model's own devices for '" + graph_.op(OpId(i)).name + "' (" +
                    DevicesIn(original_[i], cluster_) + ")");
      }
    }
    if (ops.size() > 1) {
      for (const std::size_t op : ops) {
        said.insert(tied_[op].begin(), tied_[op].end());
      }
    }
    std::string text;
    for (const std::string& each : said) {
      text += (text.empty() ? "" : ", ") + each;
    }
    throw InputError("constraints: op '" + graph_.op(OpId(ops.back())).name + "'" +
                     (ops.size() > 1 ? " shares a device with op '" +
                                           graph_.op(OpId(ops.front())).name + "', and they have"
                                     : " has") +
                     " no device left on cluster '" + cluster_.name() + "': " + text);
  }

  const Graph& graph_;
  const Cluster& cluster_;
  std::vector<DeviceSet> allowed_, original_;
  std::vector<std::set<std::string>> said_;  ///< pins and forbids, by op
  UnionFind together_;
  std::map<std::size_t, std::set<std::string>> tied_;
};

std::vector<ApartRule> ReadApart(const std::vector<std::string>& texts, const Graph& graph) {
  std::vector<ApartRule> rules;
  for (const std::string& text : texts) {
    const auto [a, b] = SplitPair(text);
    const std::string where = Written("apart", text);
    ApartRule rule{text, OpsMatching(a, graph, where), OpsMatching(b, graph, where)};
    std::vector<OpId> both;
    std::set_intersection(rule.a.begin(), rule.a.end(), rule.b.begin(), rule.b.end(),
                          std::back_inserter(both));
    if (!both.empty()) {
      throw InputError("constraints: " + where + ": op '" + graph.op(both.front()).name +
                       "' matches both sides");
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

/// What keeps ops apart must be possible op by op: the groups that are made later keep to it.
void CheckApart(const std::vector<ApartRule>& rules, Collector& collector,
                const std::vector<DeviceSet>& allowed, const Constraints& constraints) {
  try {
    static_cast<void>(Separation(rules, collector.Units(), allowed));
  } catch (const InputError& error) {
    std::string others;
    for (const auto& [kind, texts] :
         {std::pair("pin", &constraints.pin), std::pair("forbid", &constraints.forbid),
          std::pair("together", &constraints.together)}) {
      for (const std::string& text : *texts) {
        others += (others.empty() ? "" : ", ") + Written(kind, text);
      }
    }
    others += constraints.whole_modules
                  ? (others.empty() ? "" : ", ") + std::string("whole-modules")
                  : "";
    throw InputError(std::string("constraints: ") + error.what() +
                     (others.empty() ? "" : " (with " + others + ")"));
  }
}

std::vector<std::uint32_t> ApartLabels(const std::vector<ApartRule>& rules, std::size_t num_ops) {
  if (rules.empty()) {
    return {};
  }
  std::vector<std::vector<std::size_t>> sides(num_ops);
  for (std::size_t r = 0; r < rules.size(); ++r) {
    for (const OpId op : rules[r].a) {
      sides[op.index()].push_back(2 * r);
    }
    for (const OpId op : rules[r].b) {
      sides[op.index()].push_back(2 * r + 1);
    }
  }
  std::map<std::vector<std::size_t>, std::uint32_t> number;
  std::vector<std::uint32_t> labels;
  for (const auto& of_op : sides) {
    labels.push_back(
        number.try_emplace(of_op, static_cast<std::uint32_t>(number.size())).first->second);
  }
  return labels;
}

/// "2GB", "512MiB", "1000", "10%" of `capacity`.
std::int64_t ReadAmount(const std::string& amount, std::int64_t capacity,
                        const std::string& where) {
  const std::map<std::string, double> units = {{"", 1},
                                               {"B", 1},
                                               {"kB", 1e3},
                                               {"MB", 1e6},
                                               {"GB", 1e9},
                                               {"KiB", 0x1p10},
                                               {"MiB", 0x1p20},
                                               {"GiB", 0x1p30},
                                               {"TB", 1e12},
                                               {"TiB", 0x1p40},
                                               {"%", static_cast<double>(capacity) / 100}};
  double value = 0;
  const auto [end, error] = std::from_chars(amount.data(), amount.data() + amount.size(), value);
  const auto unit = units.find(std::string(end, amount.data() + amount.size()));
  if (error != std::errc{} || unit == units.end() || !std::isfinite(value) || value < 0 ||
      value * unit->second >= static_cast<double>(capacity)) {
    throw InputError(where + ": found '" + amount + "', expected less than the device's " +
                     FormatBytes(capacity) + ", such as 2GB, 512MiB or 10%");
  }
  return std::llround(value * unit->second);
}

Cluster LeaveHeadRoom(const Cluster& cluster, const std::vector<std::string>& texts) {
  if (texts.empty()) {
    return cluster;
  }
  ClusterSpec spec = cluster.spec();
  std::map<std::size_t, std::string> said;
  for (const std::string& text : texts) {
    const auto [name, amount] =
        SplitAssignment("headroom", text, "DEVICE=BYTES or DEVICE=PERCENT%");
    const std::string where = Written("headroom", text);
    const DeviceSet devices = DevicesNamed(name, cluster, where);
    for (std::size_t d = 0; d < spec.devices.size(); ++d) {
      if ((devices >> d & 1U) == 0) {
        continue;
      }
      if (const auto [before, added] = said.try_emplace(d, where); !added) {
        throw InputError("constraints: " + where + " and " + before->second +
                         ": both for device '" + spec.devices[d].name + "', expected one");
      }
      spec.devices[d].memory_bytes -= ReadAmount(amount, spec.devices[d].memory_bytes, where);
    }
  }
  return Cluster(std::move(spec));
}

}  // namespace

ConstrainedProblem ApplyConstraints(const Graph& graph, const Cluster& cluster,
                                    const Constraints& constraints) {
  Collector collector(graph, cluster);
  for (const std::string& text : constraints.pin) {
    collector.Restrict("pin", text, /*pin=*/true);
  }
  for (const std::string& text : constraints.forbid) {
    collector.Restrict("forbid", text, /*pin=*/false);
  }
  for (const std::string& pattern : constraints.together) {
    collector.Tie(pattern);
  }
  if (constraints.whole_modules) {
    collector.TieModules();
  }
  const std::vector<DeviceSet> allowed = collector.AllowedOfUnits();
  ConstrainedProblem problem;
  problem.apart = ReadApart(constraints.apart, graph);
  CheckApart(problem.apart, collector, allowed, constraints);
  problem.apart_label = ApartLabels(problem.apart, graph.num_ops());
  problem.graph = collector.Build();
  problem.cluster = LeaveHeadRoom(cluster, constraints.headroom);
  return problem;
}

std::vector<std::string> FindFaults(const KnownDevices& devices,
                                    const ConstrainedProblem& problem) {
  std::vector<std::string> faults = FindFaults(devices, problem.graph, problem.cluster);
  if (devices.size() == problem.graph.num_ops()) {
    const std::vector<std::string> apart =
        FindApartFaults(devices, problem.apart, problem.graph, problem.cluster);
    faults.insert(faults.end(), apart.begin(), apart.end());
  }
  return faults;
}

}  // namespace placer
