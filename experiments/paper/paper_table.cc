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

/// "x % faster" is time of the other / ours - 1; the paper's 27.8 % is 1 - ours / other.
void PrintClaims(std::ostream& out, const std::vector<PaperSetting>& settings) {
  Table table({{"model", kLeft},
               {"GPUs"},
               {"reinforce against", kLeft},
               {"faster by"},
               {"shorter by"},
               {"paper: faster by"},
               {"shorter by"}});
  const auto faster = [](double other, double own) { return FormatChange(other / own - 1); };
  const auto shorter = [](double other, double own) { return FormatChange(1 - own / other); };
  for (const PaperSetting& setting : settings) {
    const PaperCell* own = Find(setting, "reinforce");
    if (own == nullptr || !Mean(*own)) {
      continue;
    }
    const auto add = [&](const std::string& against, std::optional<double> other,
                         std::optional<double> paper) {
      const double paper_own = setting.row.reinforce;
      table.AddRow(
          {std::string(setting.model.title), std::to_string(setting.row.num_gpus), against,
           other ? faster(*other, *Mean(*own)) : "-", other ? shorter(*other, *Mean(*own)) : "-",
           paper ? faster(*paper, paper_own) : "-", paper ? shorter(*paper, paper_own) : "-"});
    };
    const PaperCell* expert = Find(setting, "expert");
    if (expert != nullptr) {
      add("expert", Mean(*expert), setting.row.expert);
    }
    const std::optional<double> gpu = setting.model.gpu;
    add("best of 1 GPU, expert", setting.BestOfGpuAndExpert(),
        gpu ? std::min(*gpu, setting.row.expert) : setting.row.expert);
    if (const PaperCell* annealing = Find(setting, "annealing")) {
      add("annealing", Mean(*annealing), std::nullopt);
    }
  }
  table.PrintMarkdown(out);
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

std::optional<double> PaperSetting::BestOfGpuAndExpert() const {
  std::optional<double> best;
  for (const char* method : {kOneGpu, "expert"}) {
    const PaperCell* cell = Find(*this, method);
    const std::optional<double> mean = cell == nullptr ? std::nullopt : Mean(*cell);
    if (mean) {
      best = std::min(*mean, best.value_or(*mean));
    }
  }
  return best;
}

void PrintPaperTable(std::ostream& out, const std::vector<PaperSetting>& settings) {
  PrintLayout(out, settings);
  out << "\nOurs: simulated (zoo:tf_k80x2, zoo:tf_k80x4), means over seeds. The paper's figures "
         "are "
         "recalled, not verified.\n\n";
  PrintSpread(out, settings);
  out << "\nGap limit: mean / bound - 1; no placement is more than that below the mean.\n\n";
  PrintClaims(out, settings);
  out << "\nFaster by: their time / ours - 1. Shorter by: 1 - our time / theirs (the paper's "
         "27.8 % is of this kind).\n";
}

Json ToJson(const PaperSetting& setting) {
  Json cells = Json::array();
  for (const PaperCell& cell : setting.cells) {
    cells.push_back({{"method", cell.method},
                     {"paper_seconds", cell.paper_seconds ? Json(*cell.paper_seconds) : Json()},
                     {"seconds", cell.seconds},
                     {"trials", cell.trials},
                     {"mean_samples", cell.mean_samples},
                     {"mean_unique_samples", cell.mean_unique},
                     {"mean_wall_seconds", cell.mean_wall_seconds}});
  }
  return {{"model", setting.model.name},
          {"gpus", setting.row.num_gpus},
          {"ops", setting.num_ops},
          {"groups", setting.num_groups},
          {"bound_seconds", setting.bound_seconds},
          {"cells", cells}};
}

}  // namespace placer
