// The process that executes TorchScript models for StepWorker: LibTorch lives here and not in the
// command.
#include <cstdio>
#include <cstdlib>

#include "runner/torch/replay.h"
#include "runner/worker_loop.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("placer_worker: is started by placer, with the number of a socket\n", stderr);
    return 2;
  }
  return placer::RunWorkerLoop(std::atoi(argv[1]), placer::MakeReplayExecutor);
}
