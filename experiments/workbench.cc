#include "experiments/workbench.h"

#include <CLI/CLI.hpp>

namespace placer {

void ModelOptions::AddTo(CLI::App& app) {
  app.add_option("MODEL", model, "model file or zoo:NAME[?key=value&...]")->required();
  app.add_option("--batch", batch, "overrides the batch dimension of the model's inputs")
      ->check(CLI::PositiveNumber);
  app.add_flag("--training", training, "turn an inference model into a training step");
  app.add_option("--optimizer", optimizer,
                 "sgd, momentum or adam; with --training (default momentum)");
  app.add_option("--inputs", inputs,
                 "example inputs of a TorchScript model, as \"float32[8,3,299,299]\" or "
                 "\"int64[4,35]<1000\" (values below 1000)");
  app.add_option("--loss", loss,
                 "output of a TorchScript model whose sum is the loss; with --training (default: "
                 "one called loss, or else all)");
}

void ProblemOptions::AddClusterTo(CLI::App& app, bool required) {
  CLI::Option* const file = app.add_option("--cluster", cluster, "cluster file or zoo:NAME");
  CLI::Option* const list =
      app.add_option("--devices", devices, "devices of this machine, as cpu:0,cpu:1");
  file->excludes(list);
  if (required) {
    // One of the two; CLI11 would demand --cluster beside --devices.
    app.final_callback([this] {
      if (cluster.empty() && devices.empty()) {
        throw CLI::RequiredError("--cluster or --devices");
      }
    });
  }
  app.add_option("--profile", profile, "measured times of ops and copies, from `placer profile`");
}

void ProblemOptions::AddSimulationTo(CLI::App& app) {
  app.add_option("--objective", objective,
                 "latency: time of one step; max-load: load of the busiest device when steps are "
                 "pipelined (default latency)");
  app.add_option("--order", order,
                 "which ready op an idle device starts: fifo or critical-path (default fifo)");
}

void ProblemOptions::AddGroupingTo(CLI::App& app) {
  app.add_option("--groups", max_groups,
                 "merge neighbouring ops into at most N groups; 0: no cap (default " +
                     std::to_string(kDefaultMaxGroups) + ")");
  app.add_option("--space", space,
                 "what is decided one by one: groups; scopes: groups by the scopes of op names; or "
                 "ops (default groups)");
}

void ProblemOptions::AddConstraintsTo(CLI::App& app) {
  const std::string patterns = " (globs or /regex/ over op names; may be given several times)";
  const auto add = [&](const char* flag, std::vector<std::string>& values, std::string help) {
    app.add_option(flag, values, help + patterns)->allow_extra_args(false);
  };
  add("--pin", constraints.pin, "PATTERN=DEVICE: these ops run there and nowhere else");
  add("--forbid", constraints.forbid, "PATTERN=DEVICE: these ops never run there");
  add("--together", constraints.together, "PATTERN: these ops share a device");
  add("--apart", constraints.apart, "A,B: no op of A shares a device with an op of B");
  app.add_option("--headroom", constraints.headroom,
                 "DEVICE=2GB or DEVICE=10%: memory of a device, or a kind, to leave free (may be "
                 "given several times)")
      ->allow_extra_args(false);
  app.add_flag("--whole-modules", constraints.whole_modules,
               "a module that runs ops of its own stays on one device with all that is in it");
}

}  // namespace placer
