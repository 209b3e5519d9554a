// The worker process with a FakeExecutor in it, for tests of everything around an executor.
#include <cstdlib>

#include "runner/worker_loop.h"
#include "tests/support/fake_executor.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    return 2;
  }
  return placer::RunWorkerLoop(std::atoi(argv[1]), [](const placer::StepSource& source) {
    return std::make_unique<placer::testing_support::FakeExecutor>(source);
  });
}
