#include "runner/detail/trace_recorder.h"

#include <algorithm>
#include <map>

namespace placer::detail {

TraceRecorder::TraceRecorder(const SimulatedRunner::Tables& tables, std::size_t num_channels)
    : tables_(tables),
      peaks_(tables.num_devices),
      resident_(tables.num_devices, -1),
      busy_(tables.num_devices, 0),
      link_busy_(num_channels, 0) {}

void TraceRecorder::OpRun(std::uint32_t op, std::uint32_t device, std::int64_t start,
                          std::int64_t end) {
  trace_.ops.push_back({OpId(op), DeviceId(device), Picoseconds(start), Picoseconds(end)});
  busy_[device] += end - start;
}

void TraceRecorder::Transfer(std::uint32_t payload, std::uint32_t destination, std::uint32_t hop,
                             std::int64_t requested, std::int64_t start, std::int64_t end) {
  trace_.transfers.push_back({tables_.external_id[payload], DeviceId(destination), hop,
                              tables_.payloads[payload].bytes, Picoseconds(requested),
                              Picoseconds(start), Picoseconds(end)});
  moved_bytes_ += tables_.payloads[payload].bytes;
  for (std::uint32_t c = tables_.hops[hop].channel_begin; c < tables_.hops[hop].channel_end; ++c) {
    link_busy_[tables_.channels[c]] += end - start;
  }
  if (tables_.hops[hop].copier != SimulatedRunner::Tables::kNoCopier) {
    busy_[tables_.hops[hop].copier] += end - start;
  }
}

void TraceRecorder::Tensor(std::uint32_t payload, std::uint32_t device, std::int64_t time,
                           std::int64_t bytes) {
  if (bytes != 0) {
    tensor_events_.push_back({payload, device, time, bytes});
  }
}

void TraceRecorder::Memory(std::uint32_t device, std::int64_t time, std::int64_t bytes_in_use) {
  if (resident_[device] < 0) {
    resident_[device] = bytes_in_use;
  }
  if (bytes_in_use > peaks_[device].bytes) {
    peaks_[device] = {bytes_in_use, time, tensor_events_.size()};
  }
  trace_.memory.push_back({DeviceId(device), Picoseconds(time), bytes_in_use});
}

std::vector<MemoryShortage::Holder> TraceRecorder::LargestAlive(std::uint32_t device,
                                                                const Peak& peak) const {
  // What is freed at the instant of the peak still counts: allocation comes first.
  std::map<std::uint32_t, std::int64_t> alive;
  for (std::size_t i = 0; i < peak.num_events; ++i) {
    const TensorEvent& event = tensor_events_[i];
    if (event.device == device && (event.bytes > 0 || event.time < peak.time)) {
      alive[event.payload] += event.bytes;
    }
  }
  std::vector<MemoryShortage::Holder> largest;
  for (const auto& [payload, bytes] : alive) {
    if (bytes > 0) {
      largest.push_back({TensorId(tables_.external_id[payload]), bytes});
    }
  }
  std::stable_sort(largest.begin(), largest.end(),
                   [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  largest.resize(std::min<std::size_t>(largest.size(), 5));
  return largest;
}

void TraceRecorder::FillReport(std::span<const std::int64_t> peak_bytes, StepReport& report) const {
  report.peak_bytes.assign(peak_bytes.begin(), peak_bytes.end());
  for (const std::int64_t time : busy_) {
    report.busy.emplace_back(time);
  }
  for (const std::int64_t time : link_busy_) {
    report.link_busy.emplace_back(time);
  }
  report.moved_bytes = moved_bytes_;
  for (std::uint32_t device = 0; device < tables_.num_devices; ++device) {
    if (peak_bytes[device] > tables_.capacity[device]) {
      report.shortages.push_back({DeviceId(device), peak_bytes[device], tables_.capacity[device],
                                  Picoseconds(peaks_[device].time),
                                  LargestAlive(device, peaks_[device])});
    }
  }
}

Trace TraceRecorder::TakeTrace(Picoseconds step_time) && {
  for (std::uint32_t device = 0; device < tables_.num_devices; ++device) {
    trace_.memory.push_back({DeviceId(device), step_time, resident_[device]});
  }
  return std::move(trace_);
}

}  // namespace placer::detail
