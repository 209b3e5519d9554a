#include "runner/torch/detail/device_memory.h"

#include <c10/core/Allocator.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace placer::detail {
namespace {

struct Counter {
  std::atomic<std::int64_t> now{0}, peak{0};
  void Add(std::int64_t bytes) noexcept {
    const std::int64_t sum = now.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    std::int64_t seen = peak.load(std::memory_order_relaxed);
    while (sum > seen && !peak.compare_exchange_weak(seen, sum, std::memory_order_relaxed)) {
    }
  }
};
std::array<Counter, DeviceMemory::kMaxDevices + 1> counters;
thread_local std::size_t this_device = DeviceMemory::kMaxDevices;

/// In front of every block; as long as the alignment that vector kernels like.
struct alignas(64) Header {
  std::size_t size_class = 0;
  std::int64_t bytes = 0;  ///< asked for
  std::size_t device = 0;
};

Header* HeaderOf(void* data) noexcept { return static_cast<Header*>(data) - 1; }

/// Free blocks by size class: powers of two in eight steps, so that at most an eighth is wasted.
class BlockCache {
 public:
  static constexpr std::size_t kSteps = 8;
  static constexpr std::size_t kSmallest = 512;

  static std::size_t ClassOf(std::size_t bytes) noexcept {
    if (bytes <= kSmallest) {
      return 0;
    }
    const auto log2 = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;
    const std::size_t step = (std::size_t{1} << log2) / kSteps;
    const std::size_t above = (bytes - (std::size_t{1} << log2) + step - 1) / step;
    return (log2 - 8) * kSteps + above;
  }
  static std::size_t SizeOf(std::size_t size_class) noexcept {
    const std::size_t log2 = size_class / kSteps + 8;
    return size_class == 0 ? kSmallest
                           : (std::size_t{1} << log2) / kSteps * (kSteps + size_class % kSteps);
  }

  void* Take(std::size_t size_class) {
    {
      const std::lock_guard lock(mutex_);
      std::vector<void*>& free = free_[size_class];
      if (!free.empty()) {
        void* block = free.back();
        free.pop_back();
        return block;
      }
    }
    const std::size_t bytes = sizeof(Header) + SizeOf(size_class);
    const bool huge = blocks_.huge_pages && bytes >= kHugePage;
    void* block = std::aligned_alloc(huge ? kHugePage : alignof(Header), bytes);
    if (block == nullptr) {
      throw std::bad_alloc();
    }
    if (huge) {
      madvise(block, bytes, MADV_HUGEPAGE);  // where the kernel refuses, small pages do
    }
    return block;
  }
  void Give(std::size_t size_class, void* block) noexcept {
    if (!blocks_.reuse) {
      std::free(block);
      return;
    }
    const std::lock_guard lock(mutex_);
    free_[size_class].push_back(block);
  }

  void Set(DeviceMemory::Blocks blocks) noexcept { blocks_ = blocks; }

 private:
  static constexpr std::size_t kHugePage = std::size_t{1} << 21;

  DeviceMemory::Blocks blocks_;
  std::mutex mutex_;
  std::array<std::vector<void*>, 64 * kSteps> free_;
};

BlockCache& Cache() {
  static auto* const kCache = new BlockCache;  // tensors may outlive all statics
  return *kCache;
}

void Free(void* data) {
  if (data == nullptr) {
    return;
  }
  Header* header = HeaderOf(data);
  counters[header->device].Add(-header->bytes);
  Cache().Give(header->size_class, header);
}

/// Overrides without saying so: LibTorch up to 2.2 asks for an allocate() that is const, later ones
/// for one that is not, and for copy_data().
class CountingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) { return std::as_const(*this).allocate(bytes); }
  c10::DataPtr allocate(std::size_t bytes) const {
    if (bytes == 0) {
      return {nullptr, nullptr, &Free, c10::Device(c10::DeviceType::CPU)};
    }
    const std::size_t size_class = BlockCache::ClassOf(bytes);
    auto* header = new (Cache().Take(size_class))
        Header{size_class, static_cast<std::int64_t>(bytes), this_device};
    counters[this_device].Add(header->bytes);
    void* data = header + 1;
    return {data, data, &Free, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Free; }
  void copy_data(void* to, const void* from, std::size_t bytes) const {
    std::memcpy(to, from, bytes);
  }
};

}  // namespace

void DeviceMemory::Install() {
  static CountingAllocator allocator;
  static std::once_flag once;
  std::call_once(once, [] { c10::SetAllocator(c10::DeviceType::CPU, &allocator, /*priority=*/1); });
}

void DeviceMemory::SetBlocks(Blocks blocks) noexcept { Cache().Set(blocks); }

void DeviceMemory::SetDevice(std::size_t device) noexcept { this_device = device; }

void DeviceMemory::Move(const void* data, std::size_t device) noexcept {
  if (data == nullptr) {
    return;
  }
  Header* header = HeaderOf(const_cast<void*>(data));
  counters[header->device].Add(-header->bytes);
  header->device = device;
  counters[device].Add(header->bytes);
}

std::int64_t DeviceMemory::PeakBytes(std::size_t device) noexcept { return counters[device].peak; }

void DeviceMemory::ResetPeaks() noexcept {
  for (Counter& counter : counters) {
    counter.peak = counter.now.load();
  }
}

}  // namespace placer::detail
