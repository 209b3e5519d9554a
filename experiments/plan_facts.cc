#include "experiments/plan_facts.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "experiments/channel_name.h"
#include "experiments/format.h"
#include "experiments/table.h"

namespace placer {
namespace {

// Above this share of the capacity a device has no room for another layer's activations; below the
// load a device or link is not what the step waits for. Both only choose words.
constexpr double kNearlyFull = 0.9;
constexpr double kNearlyAlwaysBusy = 0.9;
// Smaller parts of the chain are told as one.
constexpr double kWorthNaming = 0.02;
// A step this close to the critical path has nothing left to run in parallel.
constexpr double kNearCriticalPath = 1.05;

double Share(Picoseconds part, Picoseconds whole) {
  return whole.count() == 0
             ? 0
             : static_cast<double>(part.count()) / static_cast<double>(whole.count());
}
double Share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::size_t Busiest(const std::vector<Picoseconds>& busy) {
  return static_cast<std::size_t>(std::max_element(busy.begin(), busy.end()) - busy.begin());
}

void AddChainSentence(const PlanFacts& facts, std::vector<std::string>& sentences) {
  std::string parts;
  Picoseconds rest{0};
  for (const ChainShare& share : facts.chain) {
    const double part = Share(share.time, facts.report.step_time);
    if (part < kWorthNaming) {
      rest += share.time;
      continue;
    }
    const std::string what = share.kind == ChainShare::Kind::kDevice ? "ops on " + share.name
                             : share.kind == ChainShare::Kind::kLink ? "copies over " + share.name
                                                                     : share.name;
    parts += (parts.empty() ? "" : ", ") + FormatPercent(part) + " " + what;
  }
  if (rest.count() > 0) {
    parts += (parts.empty() ? "" : ", ") + FormatPercent(Share(rest, facts.report.step_time)) +
             " the rest";
  }
  if (!parts.empty()) {
    sentences.push_back("the chain of ops and copies that ends last: " + parts);
  }
}

void AddBusiestSentence(const Workbench& bench, const StepReport& report,
                        std::vector<std::string>& sentences) {
  const std::size_t device = Busiest(report.busy);
  const double device_share = Share(report.busy[device], report.step_time);
  std::string sentence =
      fmt::format("busiest device: {}, {} of the step", bench.cluster().devices()[device].name,
                  FormatPercent(device_share));
  double link_share = 0;
  if (!report.link_busy.empty()) {
    const std::size_t channel = Busiest(report.link_busy);
    link_share = Share(report.link_busy[channel], report.step_time);
    if (link_share > 0) {
      sentence += fmt::format("; busiest link: {}, {}",
                              ChannelName(bench.cluster(), static_cast<Channel>(channel)),
                              FormatPercent(link_share));
    }
  }
  if (std::max(device_share, link_share) >= kNearlyAlwaysBusy) {
    sentence += device_share >= link_share ? ": the device is the bottleneck"
                                           : ": the link is the bottleneck";
  }
  sentences.push_back(sentence);
}

nlohmann::ordered_json DevicesToJson(const Workbench& bench, const StepReport& report) {
  auto devices = nlohmann::ordered_json::array();
  for (std::size_t d = 0; d < bench.cluster().num_devices(); ++d) {
    const Device& device = bench.runner().cluster().devices()[d];
    devices.push_back({{"name", device.name},
                       {"kind", device.kind},
                       {"busy_seconds", ToSeconds(report.busy[d]).count()},
                       {"busy_share", Share(report.busy[d], report.step_time)},
                       {"peak_bytes", report.peak_bytes[d]},
                       {"capacity_bytes", device.memory_bytes},
                       {"memory_share", Share(report.peak_bytes[d], device.memory_bytes)}});
  }
  return devices;
}

nlohmann::ordered_json ShortagesToJson(const Workbench& bench, const StepReport& report) {
  auto shortages = nlohmann::ordered_json::array();
  for (const MemoryShortage& shortage : report.shortages) {
    auto largest = nlohmann::ordered_json::array();
    for (const MemoryShortage::Holder& holder : shortage.largest) {
      const OpId producer = bench.graph().tensor(holder.tensor).producer;
      largest.push_back({{"op", bench.graph().op(producer).name}, {"bytes", holder.bytes}});
    }
    shortages.push_back({{"device", bench.cluster().device(shortage.device).name},
                         {"required_bytes", shortage.required_bytes},
                         {"available_bytes", shortage.available_bytes},
                         {"when_seconds", ToSeconds(shortage.when).count()},
                         {"largest", largest}});
  }
  return shortages;
}

TimeUnit UnitOf(const std::vector<Picoseconds>& times) {
  std::vector<Seconds> seconds;
  seconds.reserve(times.size());
  for (const Picoseconds time : times) {
    seconds.push_back(ToSeconds(time));
  }
  return UnitFor(seconds);
}

void PrintLinks(std::ostream& out, const Workbench& bench, const StepReport& report) {
  const TimeUnit unit = UnitOf(report.link_busy);
  Table table({{"link", Table::Align::kLeft}, {"busy"}, {"of step"}});
  for (std::size_t c = 0; c < report.link_busy.size(); ++c) {
    if (report.link_busy[c].count() > 0) {
      table.AddRow({ChannelName(bench.cluster(), static_cast<Channel>(c)),
                    FormatTime(ToSeconds(report.link_busy[c]), unit),
                    FormatPercent(Share(report.link_busy[c], report.step_time))});
    }
  }
  if (table.num_rows() > 0) {
    out << '\n';
    table.Print(out);
  }
}

}  // namespace

PlanFacts ExaminePlan(const Workbench& bench, const Placement& placement) {
  PlanFacts facts;
  if (bench.objective() == Objective::kMaxLoad) {
    facts.report = bench.runner().Run(placement);
    return facts;
  }
  facts.report = bench.runner().RunWithTrace(placement, &facts.trace);
  facts.chain = CriticalChain(bench.graph(), bench.cluster(), facts.trace);
  return facts;
}

std::vector<std::string> WhatLimits(const Workbench& bench, const PlanFacts& facts) {
  const StepReport& report = facts.report;
  std::vector<std::string> sentences;
  AddChainSentence(facts, sentences);
  AddBusiestSentence(bench, report, sentences);
  const Picoseconds critical_path = bench.lower_bound().critical_path;
  if (bench.objective() == Objective::kLatency && critical_path.count() > 0 &&
      Share(report.step_time, critical_path) <= kNearCriticalPath) {
    sentences.push_back(
        fmt::format("the critical path alone takes {} of the step: more devices cannot shorten it",
                    FormatPercent(Share(critical_path, report.step_time))));
  }
  for (std::size_t d = 0; d < report.peak_bytes.size(); ++d) {
    const Device& device = bench.runner().cluster().devices()[d];
    const double share = Share(report.peak_bytes[d], device.memory_bytes);
    if (share >= kNearlyFull) {
      sentences.push_back(fmt::format("memory of {} is {} full ({} of {})", device.name,
                                      FormatPercent(share), FormatBytes(report.peak_bytes[d]),
                                      FormatBytes(device.memory_bytes)));
    }
  }
  return sentences;
}

std::string DescribeShortages(const Workbench& bench, const StepReport& report) {
  std::string text;
  for (const MemoryShortage& shortage : report.shortages) {
    text += fmt::format("{}{} needs {} of {} ({} missing)", text.empty() ? "" : "; ",
                        bench.cluster().device(shortage.device).name,
                        FormatBytes(shortage.required_bytes), FormatBytes(shortage.available_bytes),
                        FormatBytes(shortage.required_bytes - shortage.available_bytes));
  }
  return text.empty() ? report.reason : text;
}

void PrintPlan(std::ostream& out, const Workbench& bench, const PlanFacts& facts) {
  const StepReport& report = facts.report;
  const bool max_load = bench.objective() == Objective::kMaxLoad;
  out << fmt::format("{}: {}, bound {} ({}), at most {} above the optimum\n",
                     max_load ? "Load of the busiest device" : "Step time",
                     FormatTime(report.step_time), FormatTime(bench.bound()), bench.binding(),
                     FormatPercent(bench.GapLimit(report.step_time)));
  if (report.outcome != StepOutcome::kOk) {
    out << "Does not fit: " << DescribeShortages(bench, report) << '\n';
  }
  out << '\n';
  const TimeUnit unit = UnitOf(report.busy);
  Table devices({{"device", Table::Align::kLeft},
                 {"busy"},
                 {"of step"},
                 {"peak memory"},
                 {"capacity"},
                 {"used"}});
  for (std::size_t d = 0; d < report.busy.size(); ++d) {
    const Device& device = bench.runner().cluster().devices()[d];
    devices.AddRow({device.name, FormatTime(ToSeconds(report.busy[d]), unit),
                    FormatPercent(Share(report.busy[d], report.step_time)),
                    FormatBytes(report.peak_bytes[d]), FormatBytes(device.memory_bytes),
                    FormatPercent(Share(report.peak_bytes[d], device.memory_bytes))});
  }
  devices.Print(out);
  PrintLinks(out, bench, report);
  out << "\nWhat limits the step:\n";
  for (const std::string& sentence : WhatLimits(bench, facts)) {
    out << "  - " << sentence << '\n';
  }
}

nlohmann::ordered_json PlanToJson(const Workbench& bench, const PlanFacts& facts) {
  const StepReport& report = facts.report;
  nlohmann::ordered_json json = {{"feasible", report.outcome == StepOutcome::kOk},
                                 {"step_time_seconds", ToSeconds(report.step_time).count()},
                                 {"bound_seconds", ToSeconds(bench.bound()).count()},
                                 {"gap_limit", bench.GapLimit(report.step_time)},
                                 {"moved_bytes", report.moved_bytes},
                                 {"devices", DevicesToJson(bench, report)}};
  auto links = nlohmann::ordered_json::array();
  for (std::size_t c = 0; c < report.link_busy.size(); ++c) {
    if (report.link_busy[c].count() > 0) {
      links.push_back({{"name", ChannelName(bench.cluster(), static_cast<Channel>(c))},
                       {"busy_seconds", ToSeconds(report.link_busy[c]).count()},
                       {"busy_share", Share(report.link_busy[c], report.step_time)}});
    }
  }
  json["links"] = links;
  auto chain = nlohmann::ordered_json::array();
  for (const ChainShare& share : facts.chain) {
    chain.push_back({{"kind", share.kind == ChainShare::Kind::kDevice ? "device"
                              : share.kind == ChainShare::Kind::kLink ? "link"
                                                                      : "idle"},
                     {"name", share.name},
                     {"seconds", ToSeconds(share.time).count()},
                     {"share", Share(share.time, report.step_time)}});
  }
  json["critical_chain"] = chain;
  json["limits"] = WhatLimits(bench, facts);
  if (report.outcome != StepOutcome::kOk) {
    json["reason"] = report.reason;
    json["shortages"] = ShortagesToJson(bench, report);
  }
  return json;
}

void PrintProblem(std::ostream& out, const Workbench& bench) {
  out << fmt::format("{}: {} ops in {} groups, on {} ({} devices)\n", bench.graph().name(),
                     FormatCount(static_cast<std::int64_t>(bench.graph().num_ops())),
                     FormatCount(static_cast<std::int64_t>(bench.problem().num_groups())),
                     bench.cluster().name(), bench.cluster().num_devices());
}

nlohmann::ordered_json ProblemToJson(const Workbench& bench) {
  const LowerBound& bound = bench.lower_bound();
  return {
      {"graph", bench.graph().name()},
      {"graph_fingerprint", FormatFingerprint(bench.graph().fingerprint())},
      {"cluster", bench.cluster().name()},
      {"cluster_fingerprint", FormatFingerprint(bench.cluster().fingerprint())},
      {"ops", bench.graph().num_ops()},
      {"groups", bench.problem().num_groups()},
      {"devices", bench.cluster().num_devices()},
      {"objective", bench.objective() == Objective::kMaxLoad ? "max-load" : "latency"},
      {"order", bench.runner().options().order == ScheduleOrder::kFifo ? "fifo" : "critical-path"},
      {"bound_seconds", ToSeconds(bench.bound()).count()},
      {"critical_path_seconds", ToSeconds(bound.critical_path).count()},
      {"load_bound_seconds", ToSeconds(bound.load).count()},
      {"work_seconds", ToSeconds(bench.work()).count()},
      {"warnings", bench.warnings()}};
}

void PrintWarnings(std::ostream& err, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    err << "placer: warning: " << warning << '\n';
  }
}

}  // namespace placer
