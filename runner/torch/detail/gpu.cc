#include "runner/torch/detail/gpu.h"

#include <string>

#include "graphs/base/error.h"
#include "runner/torch/detail/device_memory.h"
#include "runner/torch/detail/program.h"

#ifdef PLACER_WITH_CUDA
#include <ATen/ATen.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
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

struct GpuEvent::State {
  State(c10::Device device, bool timed) {
    const c10::cuda::CUDAGuard guard(device);
    C10_CUDA_CHECK(
        cudaEventCreateWithFlags(&event, timed ? cudaEventDefault : cudaEventDisableTiming));
  }
  ~State() { static_cast<void>(cudaEventDestroy(event)); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  cudaEvent_t event = nullptr;
};

GpuEvent GpuEvent::Record(c10::Device device, bool timed) {
  GpuEvent recorded;
  if (device.is_cuda()) {
    const auto state = std::make_shared<State>(device, timed);
    C10_CUDA_CHECK(
        cudaEventRecord(state->event, c10::cuda::getCurrentCUDAStream(device.index()).stream()));
    recorded.state_ = state;
  }
  return recorded;
}

void GpuEvent::Wait(c10::Device device) const {
  if (state_ == nullptr) {
    return;
  }
  if (device.is_cuda()) {
    C10_CUDA_CHECK(cudaStreamWaitEvent(c10::cuda::getCurrentCUDAStream(device.index()).stream(),
                                       state_->event, 0));
  } else {
    C10_CUDA_CHECK(cudaEventSynchronize(state_->event));
  }
}

Seconds GpuEvent::Until(const GpuEvent& later) const {
  float milliseconds = 0;
  C10_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, state_->event, later.state_->event));
  return Seconds(static_cast<double>(milliseconds) * 1e-3);
}

at::Tensor CopyAcross(const at::Tensor& tensor, c10::Device device) {
  if (tensor.is_cpu() == device.is_cpu()) {
    return CopyWithLayout(tensor, device);
  }
  const auto empty_like = [&](const at::TensorOptions& options) {
    return at::empty_strided(tensor.sizes(), tensor.strides(), options.requires_grad(false));
  };
  at::Tensor pinned = empty_like(tensor.options().device(c10::kCPU).pinned_memory(true));
  if (tensor.is_cpu()) {
    CopyInto(tensor, pinned);
    at::Tensor there = empty_like(tensor.options().device(device));
    CopyInto(pinned, there, /*non_blocking=*/true);
    return there;
  }
  CopyInto(tensor, pinned, /*non_blocking=*/true);
  WaitForGpu(tensor.device());
  return CopyWithLayout(pinned, device);
}

void KeepFor(const at::Tensor& tensor, c10::Device device) {
  if (tensor.is_cuda() && device.is_cuda()) {
    c10::cuda::CUDACachingAllocator::recordStream(tensor.storage().data_ptr(),
                                                  c10::cuda::getCurrentCUDAStream(device.index()));
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

struct GpuEvent::State {};

GpuEvent GpuEvent::Record(c10::Device /*device*/, bool /*timed*/) { return {}; }

void GpuEvent::Wait(c10::Device /*device*/) const {}

Seconds GpuEvent::Until(const GpuEvent& /*later*/) const { return Seconds(0); }

at::Tensor CopyAcross(const at::Tensor& tensor, c10::Device device) {
  return CopyWithLayout(tensor, device);
}

void KeepFor(const at::Tensor& /*tensor*/, c10::Device /*device*/) {}

std::int64_t PeakBytesOf(c10::Device /*device*/, std::size_t index) {
  return DeviceMemory::PeakBytes(index);
}

void ResetPeakOf(c10::Device /*device*/) {}

#endif

GpuScope::~GpuScope() = default;

}  // namespace placer::detail
