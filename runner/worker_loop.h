#pragma once

#include "runner/step_executor.h"

namespace placer {

/// The worker process's side of StepWorker: answers requests on the socket until the other end is
/// closed. What an executor throws becomes an answer. @return the process's exit status
int RunWorkerLoop(int socket, const StepExecutorFactory& make_executor);

}  // namespace placer
