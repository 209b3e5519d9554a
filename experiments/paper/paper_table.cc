#include "experiments/paper/paper_table.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <stdexcept>

#include "experiments/format.h"
#include "experiments/table.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;
constexpr auto kLeft = Table::Align::kLeft;

std::string Number(std::optional<double> seconds) {
  return seconds ? fmt::format("{:.2f}", *seconds) : "OOM";
}

std::optional<double> Mean(const PaperCell& cell) {
  const std::optional<Sample> sample = cell.sample();
  return sample ? std::optional(sample->mean) : std::nullopt;
}

/// Columns of the table in the paper's layout: those methods that the setting has.
std::vector<std::string> Methods(const std::vector<PaperSetting>& settings) {
  std::vector<std::string> methods;
  for (const PaperSetting& setting : settings) {
    for (const PaperCell& cell : setting.cells) {
      if (std::ranges::find(methods, cell.method) == methods.end()) {
        methods.push_back(cell.method);
      }
    }
  }
  return methods;
}

const PaperCell* Find(const PaperSetting& setting, const std::string& method) {
  const auto it = std::ranges::find(setting.cells, method, &PaperCell::method);
  return it == setting.cells.end() ? nullptr : &*it;
}

void PrintLayout(std::ostream& out, const std::vector<PaperSetting>& settings) {
  const std::vector<std::string> methods = Methods(settings);
  std::vector<Table::Column> columns = {{"model", kLeft}, {"GPUs"}, {"seconds per step", kLeft}};
  for (const std::string& method : methods) {
    columns.push_back({method});
  }
  Table table(columns);
  for (const PaperSetting& setting : settings) {
    std::vector<std::string> ours = {std::string(setting.model.title),
                                     std::to_string(setting.row.num_gpus), "ours"};
    std::vector<std::string> papers = {"", "", "paper (recalled)"};
    std::vector<std::string> ratios = {"", "", "ours / paper"};
    for (const std::string& method : methods) {
      const PaperCell* cell = Find(setting, method);
      const bool in_paper = cell != nullptr && (cell->paper_seconds || method == kOneGpu);
      ours.push_back(cell == nullptr ? "" : Number(Mean(*cell)));
      papers.push_back(in_paper ? Number(cell->paper_seconds) : "-");
      ratios.push_back(in_paper && cell->paper_seconds && Mean(*cell)
                           ? fmt::format("{:.2f}", *Mean(*cell) / *cell->paper_seconds)
                           : "-");
    }
    for (auto* row : {&ours, &papers, &ratios}) {
      table.AddRow(*row);
    }
  }
  table.PrintMarkdown(out);
}

void PrintSpread(std::ostream& out, const std::vector<PaperSetting>& settings) {
  Table table({{"model", kLeft},
               {"GPUs"},
               {"method", kLeft},
               {"mean"},
               {"min"},
               {"max"},
               {"feasible"},
               {"gap limit"},
               {"samples"},
               {"unique"},
               {"wall"}});
  for (const PaperSetting& setting : settings) {
    table.AddRow({std::string(setting.model.title), std::to_string(setting.row.num_gpus), "bound",
                  fmt::format("{:.3f} s", setting.bound_seconds), "", "", "", "", "", "", ""});
    for (const PaperCell& cell : setting.cells) {
      const std::optional<Sample> sample = cell.sample();
      const auto seconds = [&](double Sample::*field) {
        return sample ? fmt::format("{:.3f} s", (*sample).*field) : std::string("does not fit");
      };
      table.AddRow(
          {"", "", cell.method, seconds(&Sample::mean), seconds(&Sample::min),
           seconds(&Sample::max), fmt::format("{} of {}", cell.seconds.size(), cell.trials),
           sample ? FormatPercent(sample->mean / setting.bound_seconds - 1) : "-",
           fmt::format("{:.0f}", cell.mean_samples), fmt::format("{:.0f}", cell.mean_unique),
           FormatWall(Seconds(cell.mean_wall_seconds))});
    }
  }
  table.PrintMarkdown(out);
}

double Faster(double other, double own) { return other / own - 1; }
double Shorter(double other, double own) { return 1 - own / other; }

/// @param other  of one trial: the same for every seed
std::optional<Change> ShorterAtSameSeed(const PaperCell& own, const PaperCell& other) {
  const std::size_t seeds = own.trials;
  const bool all_fit = own.seconds.size() == seeds && other.seconds.size() == other.trials;
  if (!all_fit || (other.trials != seeds && other.trials != 1)) {
    return std::nullopt;
  }
  const Change longer = PairedChange(
      own.seconds,
      other.trials == seeds ? other.seconds : std::vector<double>(seeds, other.seconds.front()));
  Change shorter{-longer.mean, std::nullopt};
  if (longer.interval) {
    shorter.interval = {-longer.interval->mean, -longer.interval->high, -longer.interval->low};
  }
  return shorter;
}

PaperClaim ClaimAgainst(const std::string& name, const PaperCell& own, const PaperCell* other,
                        double paper_own, std::optional<double> paper_other) {
  PaperClaim claim{name, {}, {}, {}, {}, {}};
  if (other != nullptr && Mean(*other)) {
    claim.faster = Faster(*Mean(*other), *Mean(own));
    claim.shorter = Shorter(*Mean(*other), *Mean(own));
    claim.shorter_at_same_seed = ShorterAtSameSeed(own, *other);
  }
  if (paper_other) {
    claim.paper_faster = Faster(*paper_other, paper_own);
    claim.paper_shorter = Shorter(*paper_other, paper_own);
  }
  return claim;
}

std::string FormatPaired(const std::optional<Change>& change) {
  if (!change) {
    return "-";
  }
  std::string text = FormatChange(change->mean);
  if (change->interval) {
    text += " (" + FormatChange(change->interval->low) + " .. " +
            FormatChange(change->interval->high) + ")";
  }
  return text;
}

void PrintClaims(std::ostream& out, const std::vector<PaperSetting>& settings) {
  Table table({{"model", kLeft},
               {"GPUs"},
               {"reinforce against", kLeft},
               {"faster by"},
               {"shorter by"},
               {"at the same seed (95 %)"},
               {"paper: faster by"},
               {"shorter by"}});
  const auto change = [](std::optional<double> fraction) {
    return fraction ? FormatChange(*fraction) : "-";
  };
  for (const PaperSetting& setting : settings) {
    for (const PaperClaim& claim : ClaimsOf(setting)) {
      table.AddRow({std::string(setting.model.title), std::to_string(setting.row.num_gpus),
                    claim.against, change(claim.faster), change(claim.shorter),
                    FormatPaired(claim.shorter_at_same_seed), change(claim.paper_faster),
                    change(claim.paper_shorter)});
    }
  }
  table.PrintMarkdown(out);
}

Json ToJson(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json ToJson(const PaperClaim& claim) {
  Json json = {{"against", claim.against},
               {"faster_by", ToJson(claim.faster)},
               {"shorter_by", ToJson(claim.shorter)}};
  if (const std::optional<Change>& paired = claim.shorter_at_same_seed) {
    json["shorter_by_at_same_seed"] = paired->mean;
    if (paired->interval) {
      json["shorter_by_at_same_seed_95"] = {paired->interval->low, paired->interval->high};
    }
  }
  json["paper_faster_by"] = ToJson(claim.paper_faster);
  json["paper_shorter_by"] = ToJson(claim.paper_shorter);
  return json;
}

}  // namespace

std::optional<Sample> PaperCell::sample() const {
  return seconds.empty() ? std::nullopt : std::optional(Summarize(seconds));
}

std::string PaperSetting::name() const {
  return std::string(model.name) + "-" + std::to_string(row.num_gpus) + "gpu";
}

const PaperCell& PaperSetting::cell(const std::string& method) const {
  const PaperCell* found = Find(*this, method);
  if (found == nullptr) {
    throw std::logic_error("no cell of method '" + method + "'");
  }
  return *found;
}

const PaperCell* PaperSetting::BestOfGpuAndExpert() const {
  const PaperCell* best = nullptr;
  for (const char* method : {kOneGpu, "expert"}) {
    const PaperCell* cell = Find(*this, method);
    if (cell != nullptr && Mean(*cell) && (best == nullptr || *Mean(*cell) < *Mean(*best))) {
      best = cell;
    }
  }
  return best;
}

std::vector<PaperClaim> ClaimsOf(const PaperSetting& setting) {
  const PaperCell* own = Find(setting, "reinforce");
  if (own == nullptr || !Mean(*own)) {
    return {};
  }
  std::vector<PaperClaim> claims;
  const auto add = [&](const char* name, const PaperCell* other, std::optional<double> paper) {
    claims.push_back(ClaimAgainst(name, *own, other, setting.row.reinforce, paper));
  };
  if (const PaperCell* expert = Find(setting, "expert")) {
    add("expert", expert, setting.row.expert);
  }
  const std::optional<double> gpu = setting.model.gpu;
  add("best of 1 GPU, expert", setting.BestOfGpuAndExpert(),
      gpu ? std::min(*gpu, setting.row.expert) : setting.row.expert);
  if (const PaperCell* annealing = Find(setting, "annealing")) {
    add("annealing", annealing, std::nullopt);
  }
  return claims;
}

void PrintPaperTable(std::ostream& out, const std::vector<PaperSetting>& settings) {
  PrintLayout(out, settings);
  out << "\nOurs: simulated (zoo:tf_k80x2, zoo:tf_k80x4), means over seeds. The paper's figures "
         "are "
      << kPaperFigures << ".\n\n";
  PrintSpread(out, settings);
  out << "\nGap limit: mean / bound - 1; no placement is more than that below the mean.\n\n";
  PrintClaims(out, settings);
  out << "\nFaster by: their time / ours - 1. Shorter by: 1 - our time / theirs (the paper's "
         "27.8 % is of this kind); of the means, and as the mean over seeds of both at the same "
         "seed with its 95 % interval, from "
      << kMinSeedsForInterval << " seeds on.\n";
}

Json ToJson(const PaperSetting& setting) {
  Json cells = Json::array();
  for (const PaperCell& cell : setting.cells) {
    cells.push_back({{"method", cell.method},
                     {"paper_seconds", ToJson(cell.paper_seconds)},
                     {"seconds", cell.seconds},
                     {"trials", cell.trials},
                     {"mean_samples", cell.mean_samples},
                     {"mean_unique_samples", cell.mean_unique},
                     {"mean_wall_seconds", cell.mean_wall_seconds}});
  }
  Json claims = Json::array();
  for (const PaperClaim& claim : ClaimsOf(setting)) {
    claims.push_back(ToJson(claim));
  }
  return {{"model", setting.model.name},
          {"gpus", setting.row.num_gpus},
          {"ops", setting.num_ops},
          {"groups", setting.num_groups},
          {"bound_seconds", setting.bound_seconds},
          {"cells", cells},
          {"reinforce", claims}};
}

}  // namespace placer
