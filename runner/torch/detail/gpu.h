#pragma once

#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace placer::detail {

// Compiled to nothing where LibTorch has no CUDA.

/// Sets the GPU up.
/// @throws InputError if there is no such GPU, or no CUDA in this LibTorch
[[nodiscard]] c10::Device FindGpu(int index);

/// A worker's thread works on a stream of its own, if the device is a GPU.
class GpuScope {
 public:
  explicit GpuScope(c10::Device device);
  ~GpuScope();
  GpuScope(const GpuScope&) = delete;
  GpuScope& operator=(const GpuScope&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Until what this thread started there is done; nothing to do for the host.
void WaitForGpu(c10::Device device);

/// Of the tensors on device `index` since the last reset.
[[nodiscard]] std::int64_t PeakBytesOf(c10::Device device, std::size_t index);

/// For a GPU; DeviceMemory::ResetPeaks() does it for all that are in host memory.
void ResetPeakOf(c10::Device device);

}  // namespace placer::detail
