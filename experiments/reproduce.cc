#include <CLI/CLI.hpp>

#include "experiments/paper/commands.h"
#include "experiments/subcommand.h"

namespace placer {

std::vector<std::unique_ptr<Subcommand>> ReproduceParts() {
  std::vector<std::unique_ptr<Subcommand>> parts;
  parts.push_back(MakePaperCommand());
  parts.push_back(MakeCalibrationCommand());
  parts.push_back(MakeAblationCommand());
  parts.push_back(MakeYardsticksCommand());
  return parts;
}

namespace {

class ReproduceCommand final : public Subcommand {
 public:
  ReproduceCommand() : Subcommand("reproduce", "measure the tables of arXiv 1706.04972 anew") {}

  void AddOptions(CLI::App& app) override {
    app.require_subcommand(1);
    for (const auto& part : parts_) {
      parsers_.push_back(app.add_subcommand(part->name(), part->summary()));
      part->AddOptions(*parsers_.back());
    }
  }

  ExitCode Run(const Console& console) override {
    std::size_t chosen = 0;
    while (!parsers_[chosen]->parsed()) {
      ++chosen;
    }
    return parts_[chosen]->Run(console);
  }

 private:
  std::vector<std::unique_ptr<Subcommand>> parts_ = ReproduceParts();
  std::vector<CLI::App*> parsers_;
};

}  // namespace

std::unique_ptr<Subcommand> MakeReproduceCommand() { return std::make_unique<ReproduceCommand>(); }

}  // namespace placer
