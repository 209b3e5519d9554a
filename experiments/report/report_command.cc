#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>

#include "experiments/methods.h"
#include "experiments/output_file.h"
#include "experiments/report/report_builder.h"
#include "experiments/report/report_json.h"
#include "experiments/report/report_page.h"
#include "experiments/subcommand.h"
#include "experiments/trials.h"
#include "graphs/base/error.h"
#include "graphs/base/replace_file.h"

namespace placer {
namespace {

class ReportCommand final : public Subcommand {
 public:
  ReportCommand()
      : Subcommand("report", "write a page about runs: table, curves, plan, timeline") {}

  void AddOptions(CLI::App& app) override {
    app.add_option("RUN", paths_,
                   "run directories of train, sweeps or their stores (.db), or folders of them")
        ->required();
    app.add_option("-o,--output", output_, "the page, .html (default report.html)");
    app.add_option("--baselines", baselines_,
                   "methods to run for the report where no run has them, with the runs' seeds and "
                   "samples: heuristics (with annealing; the default), none, or names with commas");
    app.add_option("--jobs", jobs_, "baselines at a time (default: number of cores)")
        ->check(CLI::PositiveNumber);
    app.add_flag("--json", json_,
                 "print what the page shows as one JSON object, and write no page");
  }

  ExitCode Run(const Console& console) override {
    if (!json_) {
      if (BundledPage().empty()) {
        throw UnavailableError(
            "report: this build has no page for reports (it was configured without npm); install "
            "nodejs and npm, run cmake again and build, or use --json");
      }
      CheckWritable(output_, {".html"});
    }
    ReportOptions options;
    options.jobs = jobs_.value_or(DefaultJobs());
    options.baselines = Baselines(console);
    std::vector<StoredRun> runs;
    for (const std::string& path : paths_) {
      std::vector<StoredRun> found = FindRuns(path);
      std::move(found.begin(), found.end(), std::back_inserter(runs));
    }
    ReportModel model = BuildReport(MergeSweepRuns(std::move(runs)), options, console);
    model.command = CommandLine();
    const nlohmann::ordered_json data = ReportToJson(model);
    if (json_) {
      console.out << data.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
                  << std::endl;
    } else {
      ReplaceFile(output_, FillPage(BundledPage(), data));
      console.out << "Wrote " << output_ << std::endl;
    }
    return console.stop.stop_requested() ? ExitCode::kInterrupted : ExitCode::kDone;
  }

 private:
  [[nodiscard]] std::optional<std::vector<std::string>> Baselines(const Console& console) const {
    if (baselines_ == "heuristics") {
      return std::nullopt;
    }
    if (baselines_ == "none") {
      return std::vector<std::string>();
    }
    return ParseMethods(baselines_, AllPlacers(), console.err);
  }

  [[nodiscard]] std::string CommandLine() const {
    std::string line = "placer report";
    for (const std::string& path : paths_) {
      line += " " + path;
    }
    return line + (baselines_ == "heuristics" ? "" : " --baselines " + baselines_) + " -o " +
           output_;
  }

  std::vector<std::string> paths_;
  std::string output_ = "report.html", baselines_ = "heuristics";
  std::optional<int> jobs_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeReportCommand() { return std::make_unique<ReportCommand>(); }

}  // namespace placer
