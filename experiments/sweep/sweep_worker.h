#pragma once

#include <stop_token>

namespace placer {

/// The worker process's side of a sweep: runs the trials that come over the socket, one after the
/// other, each as an experiment in its run directory, until the other end is closed. While trials
/// are of the same problem the workbench is kept. What an experiment throws is its result; a trial
/// that runs when the other end stops sending, or `stop` is asked for, ends early.
/// @return the process's exit status
int RunSweepWorker(int socket, const std::stop_token& stop);

}  // namespace placer
