#include "cost_model/profile.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "cost_model/profile.pb.h"
#include "graphs/base/error.h"
#include "graphs/base/proto_file.h"

namespace placer {
namespace {

constexpr ProtoFormat kFormat{"a profile", "placer.profile/1"};

std::string TensorText(const Tensor& tensor) {
  std::string text(Name(tensor.dtype));
  text += '[';
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    text += (i == 0 ? "" : ",") + std::to_string(tensor.shape[i]);
  }
  return text + ']';
}

[[noreturn]] void Fail(const std::string& field, const std::string& found,
                       const std::string& expected) {
  throw InputError(field + ": found " + found + ", expected " + expected);
}

MeasuredMean MeanFrom(const std::string& field, double seconds, std::int64_t count) {
  if (!std::isfinite(seconds) || seconds < 0) {
    Fail(field, std::to_string(seconds), "a time of 0 s or more");
  }
  if (count < 0 || (count == 0 && seconds > 0)) {
    Fail(field, "count " + std::to_string(count), "a positive count beside a time");
  }
  return {seconds, count};
}

const std::string& Required(const std::string& field, const std::string& value) {
  if (value.empty()) {
    throw InputError(field + ": missing");
  }
  return value;
}

std::uint64_t NumEntries(const proto::Profile& profile) {
  return static_cast<std::uint64_t>(profile.hardware_size()) +
         static_cast<std::uint64_t>(profile.ops_size()) +
         static_cast<std::uint64_t>(profile.copies_size()) +
         static_cast<std::uint64_t>(profile.launch_overheads_size());
}

void ReadOps(const proto::Profile& from, Profile& to) {
  for (int i = 0; i < from.ops_size(); ++i) {
    const proto::OpTime& op = from.ops(i);
    const std::string where = "ops[" + std::to_string(i) + "]";
    Profile::OpTime time;
    time.busy = MeanFrom(where + ".busy_s", op.busy_s(), op.busy_count());
    time.idle = MeanFrom(where + ".idle_s", op.idle_s(), op.idle_count());
    Profile::OpTime& known = to.ops[{Required(where + ".signature", op.signature()),
                                     Required(where + ".kind", op.kind())}];
    known.busy.Merge(time.busy);
    known.idle.Merge(time.idle);
  }
}

void ReadCopies(const proto::Profile& from, Profile& to) {
  for (int i = 0; i < from.copies_size(); ++i) {
    const proto::CopyTime& copy = from.copies(i);
    const std::string where = "copies[" + std::to_string(i) + "]";
    if (copy.bytes() < 0) {
      Fail(where + ".bytes", std::to_string(copy.bytes()), "0 or more");
    }
    to.copies[{Required(where + ".from_kind", copy.from_kind()),
               Required(where + ".to_kind", copy.to_kind()), copy.bytes()}]
        .Merge(MeanFrom(where + ".seconds", copy.seconds(), copy.count()));
  }
}

Profile FromProto(const proto::Profile& from) {
  if (!from.has_num_entries() && (!from.format().empty() || NumEntries(from) == 0)) {
    throw InputError("num_entries: missing, expected the number of entries: the file is cut off");
  }
  if (from.has_num_entries() && from.num_entries() != NumEntries(from)) {
    Fail("num_entries", std::to_string(NumEntries(from)) + " entries in the file",
         std::to_string(from.num_entries()) + ": it is cut off or was changed");
  }
  Profile to;
  for (int i = 0; i < from.hardware_size(); ++i) {
    const std::string where = "hardware[" + std::to_string(i) + "]";
    to.hardware[Required(where + ".kind", from.hardware(i).kind())] =
        Required(where + ".name", from.hardware(i).name());
  }
  ReadOps(from, to);
  ReadCopies(from, to);
  for (int i = 0; i < from.launch_overheads_size(); ++i) {
    const proto::LaunchOverhead& launch = from.launch_overheads(i);
    const std::string where = "launch_overheads[" + std::to_string(i) + "]";
    to.launch_overheads[Required(where + ".kind", launch.kind())].Merge(
        MeanFrom(where + ".seconds", launch.seconds(), launch.count()));
  }
  return to;
}

proto::Profile ToProto(const Profile& from) {
  proto::Profile to;
  to.set_num_entries(from.hardware.size() + from.ops.size() + from.copies.size() +
                     from.launch_overheads.size());
  for (const auto& [kind, name] : from.hardware) {
    proto::Hardware& hardware = *to.add_hardware();
    hardware.set_kind(kind);
    hardware.set_name(name);
  }
  for (const auto& [key, time] : from.ops) {
    proto::OpTime& op = *to.add_ops();
    op.set_signature(key.first);
    op.set_kind(key.second);
    op.set_busy_s(time.busy.seconds);
    op.set_busy_count(time.busy.count);
    op.set_idle_s(time.idle.seconds);
    op.set_idle_count(time.idle.count);
  }
  for (const auto& [key, time] : from.copies) {
    proto::CopyTime& copy = *to.add_copies();
    copy.set_from_kind(std::get<0>(key));
    copy.set_to_kind(std::get<1>(key));
    copy.set_bytes(std::get<2>(key));
    copy.set_seconds(time.seconds);
    copy.set_count(time.count);
  }
  for (const auto& [kind, time] : from.launch_overheads) {
    proto::LaunchOverhead& launch = *to.add_launch_overheads();
    launch.set_kind(kind);
    launch.set_seconds(time.seconds);
    launch.set_count(time.count);
  }
  return to;
}

}  // namespace

std::string OpSignature(const Graph& graph, OpId id) {
  const Op& op = graph.op(id);
  std::string text = op.type + "(";
  const auto inputs = graph.inputs(id);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    text += (i == 0 ? "" : ",") + TensorText(graph.tensor(inputs[i]));
  }
  text += ")->";
  for (std::size_t o = 0; o < graph.num_outputs(id); ++o) {
    text += (o == 0 ? "" : ",") +
            TensorText(graph.tensor(TensorId(graph.first_output(id).index() + o)));
  }
  return text + " " + std::to_string(op.flops) + "F " + std::to_string(op.traffic_bytes) + "B";
}

void MeasuredMean::Merge(const MeasuredMean& other) {
  if (other.count == 0) {
    return;
  }
  const auto mine = static_cast<double>(count);
  const auto theirs = static_cast<double>(other.count);
  seconds = (seconds * mine + other.seconds * theirs) / (mine + theirs);
  count += other.count;
}

std::optional<double> Profile::OpSeconds(const std::string& signature,
                                         const std::string& kind) const {
  const auto found = ops.find({signature, kind});
  if (found == ops.end()) {
    return std::nullopt;
  }
  const MeasuredMean& mean = found->second.busy.count > 0 ? found->second.busy : found->second.idle;
  if (mean.count == 0) {
    return std::nullopt;
  }
  const auto launch = launch_overheads.find(kind);
  return mean.seconds + (launch == launch_overheads.end() ? 0 : launch->second.seconds);
}

std::optional<double> Profile::CopySeconds(const std::string& from_kind, const std::string& to_kind,
                                           std::int64_t bytes) const {
  const auto of_pair = [&](const auto& entry) {
    return std::get<0>(entry->first) == from_kind && std::get<1>(entry->first) == to_kind;
  };
  const auto above = copies.lower_bound({from_kind, to_kind, bytes});
  const bool has_above = above != copies.end() && of_pair(above);
  const bool has_below = above != copies.begin() && of_pair(std::prev(above));
  if (!has_above && !has_below) {
    return std::nullopt;
  }
  if (!has_below) {
    return above->second.seconds;
  }
  const auto below = std::prev(above);
  const auto low = static_cast<double>(std::get<2>(below->first));
  const auto size = static_cast<double>(bytes);
  if (!has_above) {
    return low > 0 ? below->second.seconds * size / low : below->second.seconds;
  }
  const auto high = static_cast<double>(std::get<2>(above->first));
  return below->second.seconds +
         (above->second.seconds - below->second.seconds) * (size - low) / (high - low);
}

void Profile::Merge(const Profile& other) {
  for (const auto& [kind, name] : other.hardware) {
    const auto [mine, fresh] = hardware.emplace(kind, name);
    if (!fresh && mine->second != name) {
      throw InputError("hardware: found '" + name + "' for " + kind + ", expected '" +
                       mine->second + "': times of different hardware do not mix");
    }
  }
  for (const auto& [key, time] : other.ops) {
    OpTime& mine = ops[key];
    mine.busy.Merge(time.busy);
    mine.idle.Merge(time.idle);
  }
  for (const auto& [key, time] : other.copies) {
    copies[key].Merge(time);
  }
  for (const auto& [kind, time] : other.launch_overheads) {
    launch_overheads[kind].Merge(time);
  }
}

std::vector<std::string> Profile::HardwareWarnings(
    const std::map<std::string, std::string>& here) const {
  std::vector<std::string> warnings;
  for (const auto& [kind, name] : here) {
    const auto measured = hardware.find(kind);
    if (measured == hardware.end()) {
      warnings.push_back("profile: has no times for devices of kind " + kind);
    } else if (measured->second != name) {
      warnings.push_back("profile: was made on '" + measured->second + "', this machine has '" +
                         name + "' as " + kind + ": simulated times are not those of this machine");
    }
  }
  return warnings;
}

ProfileCoverage Coverage(const Profile& profile, const Graph& graph, const Cluster& cluster) {
  std::set<std::string> kinds;
  for (const Device& device : cluster.devices()) {
    kinds.insert(device.kind);
  }
  ProfileCoverage coverage;
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    if (graph.is_resident(OpId(i))) {
      continue;
    }
    const std::string signature = OpSignature(graph, OpId(i));
    for (const std::string& kind : kinds) {
      ++coverage.ops;
      coverage.measured += profile.OpSeconds(signature, kind) ? 1 : 0;
    }
  }
  return coverage;
}

Profile ReadProfile(const std::filesystem::path& path) {
  proto::Profile message;
  ReadProtoFile(path, kFormat, message);
  try {
    return FromProto(message);
  } catch (const InputError& error) {
    throw error.In(path.string());
  }
}

void WriteProfile(const Profile& profile, const std::filesystem::path& path) {
  proto::Profile message = ToProto(profile);
  WriteProtoFile(path, kFormat, message);
}

}  // namespace placer
