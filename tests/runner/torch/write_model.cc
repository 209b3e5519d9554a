// Writes a small TorchScript model, as torch.jit.save would. Usage: write_model FILE.pt
#include <iostream>

#include "tests/runner/torch/step_models.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_model FILE.pt\n";
    return 2;
  }
  placer::testing_support::BranchyNet().save(argv[1]);
  return 0;
}
