#include "policy/detail/kernels.h"

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "graphs/base/error.h"

namespace placer::detail {

extern const Kernels kGenericKernels;
#ifdef PLACER_X86_KERNELS
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

namespace {

const Kernels& Choose() {
  std::array<const Kernels*, 3> supported{&kGenericKernels};
  std::size_t count = 1;
#ifdef PLACER_X86_KERNELS
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    supported[count++] = &kAvx2Kernels;
    if (__builtin_cpu_supports("avx512f")) {
      supported[count++] = &kAvx512Kernels;
    }
  }
#endif
  const char* wanted = std::getenv("PLACER_POLICY_KERNELS");
  if (wanted == nullptr) {
    return *supported[count - 1];
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (std::string_view(wanted) == supported[i]->name) {
      return *supported[i];
    }
  }
  throw InputError("PLACER_POLICY_KERNELS: found '" + std::string(wanted) +
                   "', expected generic, avx2 or avx512, supported by this processor");
}

}  // namespace

const Kernels& BestKernels() {
  static const Kernels& kernels = Choose();
  return kernels;
}

PackedMatrix::PackedMatrix(const float* b, std::size_t k, std::size_t n, bool transposed)
    : k_(k), n_(n) {
  const Kernels& kernels = BestKernels();
  const std::size_t panels = (n + kernels.panel - 1) / kernels.panel;
  data_.resize(panels * kernels.panel * k);
  kernels.pack(b, transposed ? k : n, k, n, transposed, data_.data());
}

void PackedMatrix::MultiplyInto(std::size_t m, const float* a, float* c) const {
  BestKernels().multiply(m, n_, k_, a, k_, data_.data(), c, n_);
}

}  // namespace placer::detail
