// Executes a TorchScript model under a plan, in a worker process that may crash without taking this
// one with it. Usage: execute MODEL.pt INPUT PLAN STEPS OUTPUT_FOLDER, for instance
//   execute resnet18.pt "float32[8,3,224,224]" plan.txtpb 10 outputs
#include <filesystem>
#include <iostream>
#include <string>

#include "cost_model/device_list.h"
#include "cost_model/placement_io.h"
#include "runner/step_worker.h"

int main(int argc, char** argv) try {
  if (argc != 6) {
    std::cerr << "usage: execute MODEL.pt INPUT PLAN STEPS OUTPUT_FOLDER\n";
    return 2;
  }
  placer::StepSource source;
  source.model = argv[1];
  source.inputs = {argv[2]};
  source.devices = placer::ParseDeviceList("cpu:0,cpu:1");
  placer::StepWorker worker(source, {});

  // Plans name ops and devices; Restore() checks that this one is for this model.
  const placer::Cluster cluster = placer::MakeDeviceCluster(source.devices);
  placer::StepPlan plan;
  plan.placement = Restore(placer::ReadPlacement(argv[3]), worker.graph(), cluster);

  const int steps = std::stoi(argv[4]);
  for (int step = 0; step < steps; ++step) {
    try {
      std::cout << worker.Measure(plan, /*warmup=*/0, /*repeats=*/1).times[0].count() << " s\n";
    } catch (const placer::WorkerError& error) {
      std::cerr << "step " << step << ": " << error.what() << '\n';  // the next step starts anew
    }
  }
  std::filesystem::create_directories(argv[5]);
  for (const auto& file : worker.WriteOutputs(plan.placement, std::filesystem::absolute(argv[5]))) {
    std::cout << file.string() << '\n';
  }
  return 0;
} catch (const placer::Error& error) {
  std::cerr << error.what() << '\n';
  return 2;
}
