#pragma once

#include <cstddef>
#include <cstdint>

namespace placer::detail {

/// What the tensors of each device take, counted in LibTorch's allocator for host memory, which is
/// replaced for that. Blocks are kept and used again: fresh memory costs a page fault per 4 KiB,
/// which is most of the time of a cheap op. Scratch memory that kernels take from elsewhere (BLAS,
/// oneDNN) is not counted. Thread-safe.
class DeviceMemory {
 public:
  static constexpr std::size_t kMaxDevices = 64;

  /// How blocks are come by; scripts/compare_allocators.py measures what each gives.
  struct Blocks {
    bool reuse = true;        ///< keep freed blocks for the next tensors of their size
    bool huge_pages = false;  ///< ask the kernel to back large blocks by pages of 2 MiB
  };
  /// Before the first tensor; for comparisons.
  static void SetBlocks(Blocks blocks) noexcept;

  /// From now on; tensors made before are not counted. Any number of calls.
  static void Install();
  /// What this thread allocates belongs to that device from now on; kMaxDevices: to none.
  static void SetDevice(std::size_t device) noexcept;
  /// Gives a block to another device, as if it had been allocated there. @param data  of a tensor
  static void Move(const void* data, std::size_t device) noexcept;
  [[nodiscard]] static std::int64_t PeakBytes(std::size_t device) noexcept;
  /// The peak is what is there now.
  static void ResetPeaks() noexcept;
};

}  // namespace placer::detail
