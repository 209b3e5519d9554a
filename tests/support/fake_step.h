#pragma once

#include <string>

#include "runner/step_worker.h"
#include "tests/support/fake_executor.h"
#include "tests/support/temp_dir.h"

namespace placer::testing_support {

/// A fake model in a file, and how to have it executed by the fake worker.
struct FakeStep {
  explicit FakeStep(const std::string& lines = {})
      : source{dir.Write("model.pt", FakeModel(lines)), {"float32[1]"}} {
    source.devices = {"cpu:0", "cpu:1"};
    options.program = FAKE_WORKER;
    options.time_limit = Seconds(20);
  }
  test::TempDir dir;
  StepSource source;
  WorkerOptions options;
};

}  // namespace placer::testing_support
