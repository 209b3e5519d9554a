#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "graphs/base/units.h"

namespace placer::detail {

// What a worker's thread starts on a GPU is done later, in the order of the thread's stream: the
// thread goes on meanwhile. Where LibTorch has no CUDA all of this compiles to nothing.

/// Sets the GPU up.
/// @throws InputError if there is no such GPU, or no CUDA in this LibTorch
[[nodiscard]] c10::Device FindGpu(int index);

/// A worker's thread has a stream of its own on every GPU, so that what it copies waits for nobody
/// else; it works on `device`.
class GpuScope {
 public:
  GpuScope(c10::Device device, std::span<const c10::Device> all);
  ~GpuScope();
  GpuScope(const GpuScope&) = delete;
  GpuScope& operator=(const GpuScope&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Until what this thread started there is done; nothing to do for the host.
void WaitForGpu(c10::Device device);

/// The moment when all is done that a thread had started on a GPU before. A regular value.
class GpuEvent {
 public:
  /// Nothing to wait for.
  GpuEvent() = default;
  /// Of the calling thread; nothing to wait for on the host.
  /// @param timed  Until() may be asked
  [[nodiscard]] static GpuEvent Record(c10::Device device, bool timed);
  [[nodiscard]] bool done() const;
  /// Both were recorded on one GPU, timed, and are done.
  [[nodiscard]] Seconds Until(const GpuEvent& later) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

/// A copy with the same layout, through pinned memory between a GPU and the host; done when this
/// returns. What wrote `tensor` must be done.
[[nodiscard]] at::Tensor CopyAcross(const at::Tensor& tensor, c10::Device device);

/// Of the tensors on device `index` since the last reset.
[[nodiscard]] std::int64_t PeakBytesOf(c10::Device device, std::size_t index);

/// For a GPU; DeviceMemory::ResetPeaks() does it for all that are in host memory.
void ResetPeakOf(c10::Device device);

}  // namespace placer::detail
