#pragma once

#include <memory>
#include <string>
#include <vector>

#include "experiments/console.h"
#include "experiments/exit_code.h"

namespace CLI {
class App;
}

namespace placer {

/// One verb of the command: declares its flags, then runs once.
class Subcommand {
 public:
  virtual ~Subcommand() = default;
  Subcommand(const Subcommand&) = delete;
  Subcommand& operator=(const Subcommand&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& summary() const noexcept { return summary_; }
  /// Binds the flags to members of this object, which must outlive the parser.
  virtual void AddOptions(CLI::App& app) = 0;
  /// @throws InputError, InfeasibleError
  [[nodiscard]] virtual ExitCode Run(const Console& console) = 0;

 protected:
  Subcommand(std::string name, std::string summary)
      : name_(std::move(name)), summary_(std::move(summary)) {}

 private:
  std::string name_, summary_;
};

[[nodiscard]] std::unique_ptr<Subcommand> MakeOptimizeCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeCompareCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeTrainCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeSimulateCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeInspectCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeCheckCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeDiffCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeApplyCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeZooCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeImportCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeExportCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeReproduceCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeProfileCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeMeasureCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeRunCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeFidelityCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeCurvesCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeSweepCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeSweepWorkerCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeResultsCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeWhatIfCommand();
[[nodiscard]] std::unique_ptr<Subcommand> MakeReportCommand();

/// In the order the help lists them.
[[nodiscard]] std::vector<std::unique_ptr<Subcommand>> AllSubcommands();

}  // namespace placer
