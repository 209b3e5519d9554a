#pragma once

#include "placer/workbench.h"

namespace CLI {
class App;
}

namespace placer {

/// A model's options on the command line.
struct ModelOptions : ModelSpec {
  void AddTo(CLI::App& app);
};

/// A problem's options on the command line.
struct ProblemOptions : ProblemSpec {
  void AddClusterTo(CLI::App& app, bool required);
  void AddSimulationTo(CLI::App& app);
  void AddGroupingTo(CLI::App& app);
  void AddConstraintsTo(CLI::App& app);
};

}  // namespace placer
