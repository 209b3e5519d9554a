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
  // TensorFloat-32 rounds factors to ten bits, so that one product is off by as much as
  // kCudaTolerance allows to a whole step.
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
  const c10::Device device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index));
  // The first tensor sets the device up; before, its memory cannot be asked for.
  static_cast<void>(at::empty({1}, at::TensorOptions(device)));
  return device;
}

GpuScope::GpuScope(c10::Device device, std::span<const c10::Device> all) {
  for (const c10::Device each : all) {
    if (each.is_cuda()) {
      c10::cuda::setCurrentCUDAStream(
          c10::cuda::getStreamFromPool(/*isHighPriority=*/false, each.index()));
    }
  }
  if (device.is_cuda()) {
    state_.reset(
        new State{c10::cuda::CUDAStreamGuard(c10::cuda::getCurrentCUDAStream(device.index()))});
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

bool GpuEvent::done() const {
  if (state_ == nullptr) {
    return true;
  }
  const cudaError_t status = cudaEventQuery(state_->event);
  if (status == cudaErrorNotReady) {
    static_cast<void>(cudaGetLastError());  // it is no error
    return false;
  }
  C10_CUDA_CHECK(status);
  return true;
}

Seconds GpuEvent::Until(const GpuEvent& later) const {
  float milliseconds = 0;
  C10_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, state_->event, later.state_->event));
  return Seconds(static_cast<double>(milliseconds) * 1e-3);
}

at::Tensor CopyAcross(const at::Tensor& tensor, c10::Device device) {
  if (tensor.is_cpu() == device.is_cpu()) {
    at::Tensor copy = CopyWithLayout(tensor, device);
    WaitForGpu(device);
    return copy;
  }
  const at::TensorOptions options = tensor.options().requires_grad(false);
  at::Tensor pinned = at::empty_strided(tensor.sizes(), tensor.strides(),
                                        options.device(c10::kCPU).pinned_memory(true));
  CopyInto(tensor, pinned, /*non_blocking=*/true);
  WaitForGpu(tensor.device());
  at::Tensor there = at::empty_strided(tensor.sizes(), tensor.strides(), options.device(device));
  CopyInto(pinned, there, /*non_blocking=*/true);
  WaitForGpu(device);
  there.unsafeGetTensorImpl()->set_wrapped_number(
      tensor.unsafeGetTensorImpl()->is_wrapped_number());
  return there;
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

GpuScope::GpuScope(c10::Device /*device*/, std::span<const c10::Device> /*all*/) {}

void WaitForGpu(c10::Device /*device*/) {}

struct GpuEvent::State {};

GpuEvent GpuEvent::Record(c10::Device /*device*/, bool /*timed*/) { return {}; }

bool GpuEvent::done() const { return true; }

Seconds GpuEvent::Until(const GpuEvent& /*later*/) const { return Seconds(0); }

at::Tensor CopyAcross(const at::Tensor& tensor, c10::Device device) {
  return CopyWithLayout(tensor, device);
}

std::int64_t PeakBytesOf(c10::Device /*device*/, std::size_t index) {
  return DeviceMemory::PeakBytes(index);
}

void ResetPeakOf(c10::Device /*device*/) {}

#endif

GpuScope::~GpuScope() = default;

}  // namespace placer::detail
