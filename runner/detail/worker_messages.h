#pragma once

#include <google/protobuf/repeated_field.h>

#include "runner/detail/worker.pb.h"
#include "runner/step_executor.h"

namespace placer::detail {

using WorkerRequest = proto::worker::Request;
using WorkerReply = proto::worker::Reply;

void ToMessage(const StepSource& source, proto::worker::Load& to);
[[nodiscard]] StepSource FromMessage(const proto::worker::Load& from);

void ToMessage(const StepPlan& plan, proto::worker::Plan& to);
[[nodiscard]] StepPlan FromMessage(const proto::worker::Plan& from);

void ToMessage(const Placement& placement, google::protobuf::RepeatedField<std::uint32_t>& to);
[[nodiscard]] Placement FromMessage(const google::protobuf::RepeatedField<std::uint32_t>& from);

void ToMessage(const ExecutedTrace& trace, proto::worker::Trace& to);
/// @throws Error if the arrays are not parallel
[[nodiscard]] ExecutedTrace FromMessage(const proto::worker::Trace& from);

}  // namespace placer::detail
