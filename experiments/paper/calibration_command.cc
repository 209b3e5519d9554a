#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "experiments/format.h"
#include "experiments/paper/calibration.h"
#include "experiments/paper/commands.h"
#include "experiments/paper/models.h"
#include "experiments/table.h"

namespace placer {
namespace {

using Json = nlohmann::ordered_json;

struct ConstantRow {
  std::string name;
  double start, fitted;
  std::string unit;
};

std::vector<ConstantRow> Rows(const Calibration& fit) {
  std::vector<ConstantRow> rows;
  const auto add = [&rows](const std::string& device, const TfK80Constants::Kind& from,
                           const TfK80Constants::Kind& to) {
    rows.push_back({device + ": products", from.matmul, to.matmul, "of peak flop/s"});
    rows.push_back({device + ": convolutions", from.convolution, to.convolution, "of peak flop/s"});
    rows.push_back({device + ": all else", from.memory, to.memory, "x the table's efficiency"});
    rows.push_back({device + ": per op", 1e6 * from.overhead_s, 1e6 * to.overhead_s, "us"});
  };
  add("CPU", fit.start.cpu, fit.fitted.cpu);
  add("GPU", fit.start.gpu, fit.fitted.gpu);
  rows.push_back({"GPU: usable memory", 1e-9 * static_cast<double>(fit.start.gpu_usable_bytes),
                  1e-9 * static_cast<double>(fit.fitted.gpu_usable_bytes), "GB"});
  return rows;
}

Json ToJson(const Calibration& fit) {
  Json constants = Json::array();
  for (const ConstantRow& row : Rows(fit)) {
    constants.push_back(
        {{"name", row.name}, {"start", row.start}, {"fitted", row.fitted}, {"unit", row.unit}});
  }
  Json targets = Json::array();
  for (const CalibrationTarget& target : fit.targets) {
    targets.push_back({{"model", target.model},
                       {"device", target.device},
                       {"paper_seconds", target.paper_seconds},
                       {"start_seconds", target.start_seconds},
                       {"fitted_seconds", target.fitted_seconds},
                       {"residual", target.residual()}});
  }
  Json fits = Json::array();
  for (const MemoryFacts::Need& need : fit.memory.fits) {
    fits.push_back({{"what", need.what}, {"bytes", need.bytes}});
  }
  return {{"paper_figures", kPaperFigures},
          {"constants", constants},
          {"targets", targets},
          {"memory",
           {{"fits", fits},
            {"too_large",
             {{"what", fit.memory.too_large.what}, {"bytes", fit.memory.too_large.bytes}}}}},
          {"committed", fit.fitted == FittedTfK80()}};
}

void Print(std::ostream& out, const Calibration& fit) {
  Table constants(
      {{"constant", Table::Align::kLeft}, {"start"}, {"fitted"}, {"unit", Table::Align::kLeft}});
  for (const ConstantRow& row : Rows(fit)) {
    constants.AddRow(
        {row.name, fmt::format("{:.3g}", row.start), fmt::format("{:.3g}", row.fitted), row.unit});
  }
  constants.Print(out);
  out << "\nFitted to (seconds per step; the paper's figures are " << kPaperFigures << ")\n\n";
  Table targets({{"model", Table::Align::kLeft},
                 {"on", Table::Align::kLeft},
                 {"paper"},
                 {"start"},
                 {"fitted"},
                 {"residual"}});
  for (const CalibrationTarget& target : fit.targets) {
    targets.AddRow({target.model, target.device, fmt::format("{:.2f}", target.paper_seconds),
                    fmt::format("{:.3f}", target.start_seconds),
                    fmt::format("{:.3f}", target.fitted_seconds),
                    fmt::format("{:+.2f} %", 100 * target.residual())});
  }
  targets.Print(out);
  out << '\n';
  Table memory({{"memory that", Table::Align::kLeft}, {"what", Table::Align::kLeft}, {"needs"}});
  for (const MemoryFacts::Need& need : fit.memory.fits) {
    memory.AddRow({"fits", need.what, FormatBytes(need.bytes)});
  }
  memory.AddRow({"does not", fit.memory.too_large.what, FormatBytes(fit.memory.too_large.bytes)});
  memory.Print(out);
  out << (fit.fitted == FittedTfK80()
              ? "\nThese are the constants of zoo:tf_k80x2 and zoo:tf_k80x4.\n"
              : "\nThese are not the constants of zoo:tf_k80x2 and zoo:tf_k80x4.\n");
}

class CalibrationCommand final : public Subcommand {
 public:
  CalibrationCommand()
      : Subcommand("calibration", "fit zoo:tf_k80xN to the paper's times on a single device") {}
  void AddOptions(CLI::App& app) override {
    app.add_flag("--json", json_, "print one JSON object instead of tables");
  }
  ExitCode Run(const Console& console) override {
    const Calibration fit = FitCalibration();
    if (json_) {
      console.out << ToJson(fit).dump(2) << std::endl;
    } else {
      Print(console.out, fit);
    }
    return ExitCode::kDone;
  }

 private:
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeCalibrationCommand() {
  return std::make_unique<CalibrationCommand>();
}

}  // namespace placer
