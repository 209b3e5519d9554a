#pragma once

#include <cstdint>
#include <vector>

#include "runner/detail/simulation_tables.h"

namespace placer::detail {

/// Keeps everything the event loop reports, and derives from it what a StepReport and a Trace need.
class TraceRecorder {
 public:
  TraceRecorder(const SimulatedRunner::Tables& tables, std::size_t num_channels);

  void OpRun(std::uint32_t op, std::uint32_t device, std::int64_t start, std::int64_t end);
  void Transfer(std::uint32_t payload, std::uint32_t destination, std::uint32_t hop,
                std::int64_t requested, std::int64_t start, std::int64_t end);
  void Tensor(std::uint32_t payload, std::uint32_t device, std::int64_t time, std::int64_t bytes);
  void Memory(std::uint32_t device, std::int64_t time, std::int64_t bytes_in_use);

  /// Busy times, moved bytes and shortages. @param peak_bytes  per device
  void FillReport(std::span<const std::int64_t> peak_bytes, StepReport& report) const;
  [[nodiscard]] Trace TakeTrace(Picoseconds step_time) &&;

 private:
  struct TensorEvent {
    std::uint32_t payload, device;
    std::int64_t time, bytes;
  };
  struct Peak {
    std::int64_t bytes = -1, time = 0;
    std::size_t num_events = 0;  ///< tensor events before it
  };
  [[nodiscard]] std::vector<MemoryShortage::Holder> LargestAlive(std::uint32_t device,
                                                                 const Peak& peak) const;

  const SimulatedRunner::Tables& tables_;
  Trace trace_;
  std::vector<TensorEvent> tensor_events_;
  std::vector<Peak> peaks_;
  std::vector<std::int64_t> resident_;
  std::vector<std::int64_t> busy_, link_busy_;
  std::int64_t moved_bytes_ = 0;
};

}  // namespace placer::detail
