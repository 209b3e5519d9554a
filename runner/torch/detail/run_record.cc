#include "runner/torch/detail/run_record.h"

#include <chrono>
#include <utility>

namespace placer::detail {

void RunRecord::Start(c10::Device where, Now now) {
  where_ = where;
  now_ = std::move(now);
  ops_.clear();
  copies_.clear();
  op_spans_.clear();
  copy_spans_.clear();
  WaitForGpu(where_);
  start_ = GpuEvent::Record(where_, /*timed=*/true);
  start_time_ = now_();
}

void RunRecord::Begin() {
  begin_ = now_();
  begin_event_ = GpuEvent::Record(where_, /*timed=*/true);
}

void RunRecord::EndOp(OpId op, DeviceId device) {
  if (!where_.is_cpu()) {
    op_spans_.push_back({begin_event_, GpuEvent::Record(where_, /*timed=*/true)});
  }
  ops_.push_back({op, device, begin_, now_()});
}

void RunRecord::EndCopy(ExecutedTrace::Copy run) {
  if (!where_.is_cpu()) {
    copy_spans_.push_back({begin_event_, GpuEvent::Record(where_, /*timed=*/true)});
  }
  run.start = begin_;
  run.end = now_();
  copies_.push_back(run);
}

Picoseconds RunRecord::TimeOf(const GpuEvent& event) const {
  return start_time_ + std::chrono::round<Picoseconds>(start_.Until(event));
}

void RunRecord::TakeGpuTimes() {
  for (std::size_t i = 0; i < op_spans_.size(); ++i) {
    ops_[i].start = TimeOf(op_spans_[i].begin);
    ops_[i].end = TimeOf(op_spans_[i].end);
  }
  for (std::size_t i = 0; i < copy_spans_.size(); ++i) {
    copies_[i].start = TimeOf(copy_spans_[i].begin);
    copies_[i].end = TimeOf(copy_spans_[i].end);
  }
}

}  // namespace placer::detail
