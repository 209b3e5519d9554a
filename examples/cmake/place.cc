// Finds a placement and says what it costs. Usage: place MODEL CLUSTER PLAN [METHOD [SAMPLES]]
#include <iostream>
#include <string>

#include "graphs/base/error.h"
#include "placer/optimize.h"
#include "placer/workbench.h"

int main(int argc, char** argv) try {
  if (argc < 4) {
    std::cerr << "usage: place MODEL CLUSTER PLAN [METHOD [SAMPLES]]\n";
    return 2;
  }
  placer::ModelSpec model;
  model.model = argv[1];
  placer::ProblemSpec problem;
  problem.cluster = argv[2];
  const placer::Workbench bench(model.Load(), problem);

  placer::OptimizeOptions options;
  options.method = argc > 4 ? argv[4] : "auto";
  options.budget.samples = argc > 5 ? std::stoll(argv[5]) : 2000;
  options.progress = [](const placer::Progress& at) {
    std::cerr << at.samples << " samples, best " << placer::ToSeconds(at.best.step_time).count()
              << " s\n";
  };
  const placer::OptimizedPlan found = Optimize(bench, options);
  if (!found.fits()) {
    std::cerr << "nothing that fits was found\n";
    return 3;
  }
  std::cout << "step time " << *found.plan->step_time_seconds << " s, bound "
            << placer::ToSeconds(bench.bound()).count() << " s\n";
  for (const auto& [op, device] : found.plan->device_of_op) {
    std::cout << op << " -> " << device << '\n';
  }
  placer::WritePlacement(*found.plan, argv[3]);
  return 0;
} catch (const placer::Error& error) {
  std::cerr << error.what() << '\n';
  return 2;
}
