#include "runner/detail/worker_messages.h"

#include "graphs/base/error.h"

namespace placer::detail {

void ToMessage(const StepSource& source, proto::worker::Load& to) {
  to.set_model(source.model.string());
  to.mutable_inputs()->Assign(source.inputs.begin(), source.inputs.end());
  to.set_training(source.training);
  if (source.optimizer) {
    to.set_optimizer(*source.optimizer);
  }
  to.set_loss(source.loss);
  to.set_seed(source.seed);
  to.mutable_devices()->Assign(source.devices.begin(), source.devices.end());
}

StepSource FromMessage(const proto::worker::Load& from) {
  StepSource source;
  source.model = from.model();
  source.inputs.assign(from.inputs().begin(), from.inputs().end());
  source.training = from.training();
  if (from.has_optimizer()) {
    source.optimizer = from.optimizer();
  }
  source.loss = from.loss();
  source.seed = from.seed();
  source.devices.assign(from.devices().begin(), from.devices().end());
  return source;
}

void ToMessage(const StepPlan& plan, proto::worker::Plan& to) {
  to.set_kind(static_cast<proto::worker::Plan::Kind>(plan.kind));
  ToMessage(plan.placement, *to.mutable_device_of_op());
  to.set_threads(plan.threads);
}

StepPlan FromMessage(const proto::worker::Plan& from) {
  return {static_cast<StepPlan::Kind>(from.kind()), FromMessage(from.device_of_op()),
          from.threads()};
}

void ToMessage(const Placement& placement, google::protobuf::RepeatedField<std::uint32_t>& to) {
  to.Clear();
  to.Reserve(static_cast<int>(placement.num_ops()));
  for (const DeviceId device : placement.device_of_op()) {
    to.Add(static_cast<std::uint32_t>(device.index()));
  }
}

Placement FromMessage(const google::protobuf::RepeatedField<std::uint32_t>& from) {
  std::vector<DeviceId> devices;
  devices.reserve(static_cast<std::size_t>(from.size()));
  for (const std::uint32_t device : from) {
    devices.emplace_back(device);
  }
  return Placement(std::move(devices));
}

void ToMessage(const ExecutedTrace& trace, proto::worker::Trace& to) {
  for (const Trace::OpRun& run : trace.ops) {
    to.add_op(static_cast<std::uint32_t>(run.op.index()));
    to.add_op_device(static_cast<std::uint32_t>(run.device.index()));
    to.add_op_start(run.start.count());
    to.add_op_end(run.end.count());
  }
  for (const ExecutedTrace::Copy& copy : trace.copies) {
    to.add_payload(copy.payload);
    to.add_from(static_cast<std::uint32_t>(copy.from.index()));
    to.add_to(static_cast<std::uint32_t>(copy.to.index()));
    to.add_bytes(copy.bytes);
    to.add_requested(copy.requested.count());
    to.add_copy_start(copy.start.count());
    to.add_copy_end(copy.end.count());
  }
}

ExecutedTrace FromMessage(const proto::worker::Trace& from) {
  const int ops = from.op_size();
  const int copies = from.payload_size();
  if (from.op_device_size() != ops || from.op_start_size() != ops || from.op_end_size() != ops ||
      from.from_size() != copies || from.to_size() != copies || from.bytes_size() != copies ||
      from.requested_size() != copies || from.copy_start_size() != copies ||
      from.copy_end_size() != copies) {
    throw Error("the worker sent a trace whose parts do not fit together");
  }
  ExecutedTrace trace;
  for (int i = 0; i < ops; ++i) {
    trace.ops.push_back({OpId(from.op(i)), DeviceId(from.op_device(i)),
                         Picoseconds(from.op_start(i)), Picoseconds(from.op_end(i))});
  }
  for (int i = 0; i < copies; ++i) {
    trace.copies.push_back({from.payload(i), DeviceId(from.from(i)), DeviceId(from.to(i)),
                            from.bytes(i), Picoseconds(from.requested(i)),
                            Picoseconds(from.copy_start(i)), Picoseconds(from.copy_end(i))});
  }
  return trace;
}

}  // namespace placer::detail
