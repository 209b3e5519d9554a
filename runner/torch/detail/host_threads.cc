#include "runner/torch/detail/host_threads.h"

#include <ATen/Parallel.h>
#include <pthread.h>
#include <sched.h>

// Present if the BLAS behind LibTorch is OpenBLAS.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace placer::detail {
namespace {

void Pin(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) {
    CPU_SET(static_cast<std::size_t>(core), &set);
  }
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

}  // namespace

CoreScope::CoreScope(const std::vector<int>& cores) : before_(AllowedCores()) { Pin(cores); }
CoreScope::~CoreScope() { Pin(before_); }

std::vector<int> AllowedCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  pthread_getaffinity_np(pthread_self(), sizeof set, &set);
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<std::size_t>(core), &set)) {
      cores.push_back(core);
    }
  }
  return cores;
}

void SetIntraOpThreads(int threads) {
  at::set_num_threads(threads);
  if (openblas_set_num_threads != nullptr) {
    openblas_set_num_threads(threads);
  }
}

}  // namespace placer::detail
