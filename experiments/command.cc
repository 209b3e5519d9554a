#include "experiments/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <ostream>

#include "experiments/subcommand.h"
#include "graphs/base/error.h"
#include "runner/step_worker.h"

namespace placer {
namespace {

constexpr const char* kFooter =
    "MODEL is a file (ONNX, TensorFlow GraphDef, Placer's own format, and others: see\n"
    "docs/importers.md) or zoo:NAME[?key=value&...].\n"
    "C is a cluster file or zoo:NAME. `placer zoo` lists the names.\n"
    "Exit codes: 0 done; 1 internal error; 2 bad input or usage; 3 a check failed or nothing\n"
    "feasible exists; 130 interrupted, the best so far is written.";

/// A message of several lines would break scripts that read one line per fault.
std::string OneLine(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

ExitCode Fail(const Console& console, ExitCode code, const std::string& message) {
  console.err << "placer: error: " << OneLine(message) << '\n';
  return code;
}

/// Of a command that executes a model and has nothing else to offer.
ExitCode CodeOf(StepOutcome outcome) {
  switch (outcome) {
    case StepOutcome::kInterrupted:
      return ExitCode::kInterrupted;
    case StepOutcome::kOutOfMemory:
    case StepOutcome::kTimedOut:
      return ExitCode::kCheckFailed;
    default:
      return ExitCode::kInternalError;
  }
}

ExitCode ParseAndRun(std::span<const std::string> args, const Console& console) {
  CLI::App app("Placer: decides on which device each op of a neural network runs.", "placer");
  app.require_subcommand(1);
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("placer ") + kVersionText);
  const std::vector<std::unique_ptr<Subcommand>> subcommands = AllSubcommands();
  std::vector<CLI::App*> parsers;
  for (const auto& subcommand : subcommands) {
    parsers.push_back(app.add_subcommand(subcommand->name(), subcommand->summary()));
    subcommand->AddOptions(*parsers.back());
  }
  // CLI11 takes its arguments as a stack.
  std::vector<std::string> reversed(args.rbegin(), args.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::Success& request) {  // help, version
    app.exit(request, console.out, console.err);
    return ExitCode::kDone;
  } catch (const CLI::ParseError& error) {
    return Fail(console, ExitCode::kBadInput, std::string(error.what()) + " (see --help)");
  }
  const auto chosen = std::find_if(parsers.begin(), parsers.end(),
                                   [](const CLI::App* parser) { return parser->parsed(); });
  return subcommands[static_cast<std::size_t>(chosen - parsers.begin())]->Run(console);
}

}  // namespace

std::vector<std::unique_ptr<Subcommand>> AllSubcommands() {
  std::vector<std::unique_ptr<Subcommand>> all;
  all.push_back(MakeOptimizeCommand());
  all.push_back(MakeCompareCommand());
  all.push_back(MakeTrainCommand());
  all.push_back(MakeSimulateCommand());
  all.push_back(MakeInspectCommand());
  all.push_back(MakeCheckCommand());
  all.push_back(MakeDiffCommand());
  all.push_back(MakeApplyCommand());
  all.push_back(MakeZooCommand());
  all.push_back(MakeImportCommand());
  all.push_back(MakeExportCommand());
  all.push_back(MakeReproduceCommand());
  all.push_back(MakeProfileCommand());
  all.push_back(MakeMeasureCommand());
  all.push_back(MakeRunCommand());
  all.push_back(MakeFidelityCommand());
  all.push_back(MakeCurvesCommand());
  all.push_back(MakeSweepCommand());
  all.push_back(MakeResultsCommand());
  all.push_back(MakeWhatIfCommand());
  all.push_back(MakeSweepWorkerCommand());
  all.push_back(MakeReportCommand());
  return all;
}

ExitCode RunCommand(std::span<const std::string> args, const Console& console) {
  try {
    return ParseAndRun(args, console);
  } catch (const InputError& error) {
    return Fail(console, ExitCode::kBadInput, error.what());
  } catch (const UnavailableError& error) {
    return Fail(console, ExitCode::kBadInput, error.what());
  } catch (const InfeasibleError& error) {
    return Fail(console, ExitCode::kCheckFailed, error.what());
  } catch (const WorkerError& error) {
    return Fail(console, CodeOf(error.outcome()), error.what());
  } catch (const Error& error) {
    return Fail(console, ExitCode::kInternalError, error.what());
  } catch (const std::bad_alloc&) {
    return Fail(console, ExitCode::kInternalError, "out of memory");
  } catch (const std::exception& error) {
    return Fail(console, ExitCode::kInternalError, std::string("internal: ") + error.what());
  }
}

}  // namespace placer
