#include "experiments/paper/differences.h"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "experiments/format.h"
#include "experiments/paper/sensitivity.h"
#include "experiments/plan_facts.h"
#include "experiments/table.h"

namespace placer {
namespace {

constexpr double kTolerance = 0.25;
/// Two methods closer than this are in no order.
constexpr double kSame = 0.01;

/// A method with figures of both sides, and the placement to look into: the best seed's, whose time
/// is not the mean's.
struct Side {
  std::string method;
  double ours = 0, paper = 0;
  Placement placement;
  double placement_seconds = 0;
};

std::vector<Side> SidesOf(const PaperRun& run, const PaperSetting& setting) {
  std::vector<Side> sides;
  for (const PaperCell& cell : setting.cells) {
    const std::optional<Sample> sample = cell.sample();
    const std::optional<Placement> best = run.Best(cell.method);
    if (sample && cell.paper_seconds && best) {
      const double seconds = StepSeconds(run.bench().graph(), run.bench().cluster(), *best);
      sides.push_back({cell.method, sample->mean, *cell.paper_seconds, *best, seconds});
    }
  }
  return sides;
}

void PrintFlips(std::ostream& out, const std::vector<KnobFlip>& flips) {
  Table table({{"constant", Table::Align::kLeft},
               {"here"},
               {"needed"},
               {"factor"},
               {"unit", Table::Align::kLeft}});
  for (const KnobFlip& flip : flips) {
    table.AddRow({flip.knob, fmt::format("{:.3g}", flip.now),
                  flip.needed ? fmt::format("{:.3g}", *flip.needed) : "no value does",
                  flip.needed ? fmt::format("{:.3g}", *flip.needed / flip.now) : "-", flip.unit});
  }
  table.PrintMarkdown(out);
}

void ExplainCell(std::ostream& out, const Workbench& bench, const Side& side) {
  out << fmt::format(
      "\n**{}**: {:.3f} s here (mean of seeds), {:.2f} s in the paper, ratio {:.2f}. Of the step "
      "of "
      "the best seed's plan, {:.3f} s:\n\n",
      side.method, side.ours, side.paper, side.ours / side.paper, side.placement_seconds);
  for (const std::string& sentence : WhatLimits(bench, ExaminePlan(bench, side.placement))) {
    out << "- " << sentence << '\n';
  }
  out << "\nFor this placement to take as long as in the paper, one of these alone would have to "
         "change:\n\n";
  PrintFlips(out, FindFlips(bench.cluster().spec(), [&](const Cluster& cluster) {
               return StepSeconds(bench.graph(), cluster, side.placement) - side.paper;
             }));
}

void ExplainOrder(std::ostream& out, const Workbench& bench, const Side& a, const Side& b) {
  out << fmt::format(
      "\n**{} against {}**: {:.3f} s and {:.3f} s here (means of seeds), {:.2f} s and {:.2f} s in "
      "the "
      "paper: another order. That of the best seeds' plans, {:.3f} s and {:.3f} s, would turn "
      "at\n\n",
      a.method, b.method, a.ours, b.ours, a.paper, b.paper, a.placement_seconds,
      b.placement_seconds);
  PrintFlips(out, FindFlips(bench.cluster().spec(), [&](const Cluster& cluster) {
               return StepSeconds(bench.graph(), cluster, a.placement) -
                      StepSeconds(bench.graph(), cluster, b.placement);
             }));
}

bool DifferInOrder(const Side& a, const Side& b) {
  const double ours = std::log(a.ours / b.ours), paper = std::log(a.paper / b.paper);
  return std::abs(ours) > kSame && std::abs(paper) > kSame && ours * paper < 0;
}

}  // namespace

void ExplainDifferences(std::ostream& out, const PaperRun& run, const PaperSetting& setting) {
  out << "## " << setting.model.title << ", " << setting.row.num_gpus << " GPUs\n";
  const std::vector<Side> sides = SidesOf(run, setting);
  bool any = false;
  for (const Side& side : sides) {
    if (std::abs(side.ours / side.paper - 1) > kTolerance) {
      ExplainCell(out, run.bench(), side);
      any = true;
    }
  }
  for (std::size_t i = 0; i < sides.size(); ++i) {
    for (std::size_t j = i + 1; j < sides.size(); ++j) {
      if (DifferInOrder(sides[i], sides[j])) {
        ExplainOrder(out, run.bench(), sides[i], sides[j]);
        any = true;
      }
    }
  }
  if (!any) {
    out << "\nEvery cell is within 25 %, and the methods are in the paper's order.\n";
  }
  out << '\n';
}

}  // namespace placer
