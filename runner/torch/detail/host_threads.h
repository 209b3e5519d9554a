#pragma once

#include <vector>

namespace placer::detail {

/// Runs this thread on these cores only, until the end of the scope.
class CoreScope {
 public:
  explicit CoreScope(const std::vector<int>& cores);
  ~CoreScope();
  CoreScope(const CoreScope&) = delete;
  CoreScope& operator=(const CoreScope&) = delete;

 private:
  std::vector<int> before_;
};

/// Cores that this thread may use.
[[nodiscard]] std::vector<int> AllowedCores();
/// Threads that one op may use, in LibTorch and in the BLAS behind it.
void SetIntraOpThreads(int threads);

}  // namespace placer::detail
