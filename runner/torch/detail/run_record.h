#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <vector>

#include "runner/step_executor.h"
#include "runner/torch/detail/gpu.h"

namespace placer::detail {

/// What one device ran in a recorded step, and when. A host's runs have the times that its worker's
/// clock says. What a worker starts on a GPU is done later: its times lie between events, and are
/// there when the step is over. Not thread-safe.
class RunRecord {
 public:
  /// Picoseconds since the step began.
  using Now = std::function<Picoseconds()>;

  /// By the worker, before it runs anything. @param now  must outlive the step
  void Start(c10::Device where, Now now);
  /// By the worker, before a run and after it.
  void Begin();
  void EndOp(OpId op, DeviceId device);
  /// @param run  without start and end
  void EndCopy(ExecutedTrace::Copy run);

  /// When the step is over.
  void TakeGpuTimes();
  [[nodiscard]] const std::vector<Trace::OpRun>& ops() const noexcept { return ops_; }
  [[nodiscard]] const std::vector<ExecutedTrace::Copy>& copies() const noexcept { return copies_; }

 private:
  struct Span {
    GpuEvent begin, end;
  };
  [[nodiscard]] Picoseconds TimeOf(const GpuEvent& event) const;

  c10::Device where_{c10::kCPU};
  Now now_;
  GpuEvent start_;
  Picoseconds start_time_{0};  ///< of start_
  Picoseconds begin_{0};
  GpuEvent begin_event_;
  std::vector<Trace::OpRun> ops_;
  std::vector<ExecutedTrace::Copy> copies_;
  std::vector<Span> op_spans_, copy_spans_;  ///< of a GPU, as many as runs
};

}  // namespace placer::detail
