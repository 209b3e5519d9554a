#include "runner/torch/detail/gpu.h"

#include <string>

#include "graphs/base/error.h"
#include "runner/torch/detail/device_memory.h"

#ifdef PLACER_WITH_CUDA
#include <ATen/ATen.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace placer::detail {

#ifdef PLACER_WITH_CUDA

struct GpuScope::State {
  c10::cuda::CUDAStreamGuard guard;
};

c10::Device FindGpu(int index) {
  const int found = c10::cuda::device_count();
  if (index >= found) {
    throw InputError("devices: found 'cuda:" + std::to_string(index) + "', expected one of " +
                     std::to_string(found) + " GPUs");
  }
  const c10::Device device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index));
  // The first tensor sets the device up; before, its memory cannot be asked for.
  static_cast<void>(at::empty({1}, at::TensorOptions(device)));
  return device;
}

GpuScope::GpuScope(c10::Device device) {
  if (device.is_cuda()) {
    state_.reset(new State{c10::cuda::CUDAStreamGuard(
        c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index()))});
  }
}

void WaitForGpu(c10::Device device) {
  if (device.is_cuda()) {
    c10::cuda::getCurrentCUDAStream(device.index()).synchronize();
  }
}

std::int64_t PeakBytesOf(c10::Device device, std::size_t index) {
  if (!device.is_cuda()) {
    return DeviceMemory::PeakBytes(index);
  }
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(device.index());
  return stats.allocated_bytes[0].peak;
}

void ResetPeakOf(c10::Device device) {
  if (device.is_cuda()) {
    c10::cuda::CUDACachingAllocator::resetPeakStats(device.index());
  }
}

#else

struct GpuScope::State {};

c10::Device FindGpu(int index) {
  throw InputError("devices: found 'cuda:" + std::to_string(index) +
                   "', expected cpu:N: this LibTorch has no CUDA");
}

GpuScope::GpuScope(c10::Device /*device*/) {}

void WaitForGpu(c10::Device /*device*/) {}

std::int64_t PeakBytesOf(c10::Device /*device*/, std::size_t index) {
  return DeviceMemory::PeakBytes(index);
}

void ResetPeakOf(c10::Device /*device*/) {}

#endif

GpuScope::~GpuScope() = default;

}  // namespace placer::detail
