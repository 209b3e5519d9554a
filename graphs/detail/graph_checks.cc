#include "graphs/detail/graph_checks.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "graphs/base/error.h"
#include "graphs/base/text.h"

namespace placer {
namespace {

void CheckTime(const std::string& what, Seconds time) {
  if (!(time.count() >= 0) || !std::isfinite(time.count())) {
    throw InputError(what + " is " + std::to_string(time.count()) +
                     " s, expected a finite time >= 0");
  }
}

void CheckTimes(const Op& op) {
  for (auto time = op.times.begin(); time != op.times.end(); ++time) {
    CheckTime("the time on " + Quoted(time->device), time->time);
    if (time->device.empty()) {
      throw InputError("a time has no device, expected a device's name or kind");
    }
    if (std::any_of(op.times.begin(), time,
                    [time](const OpTime& other) { return other.device == time->device; })) {
      throw InputError("the time on " + Quoted(time->device) + " is given twice, expected once");
    }
  }
}

}  // namespace

std::int64_t BytesOf(const TensorSpec& spec) {
  const std::int64_t elements = NumElements(spec.shape);
  for (const auto& [label, bytes] :
       {std::pair{"bytes", spec.bytes}, std::pair{"held_bytes", spec.held_bytes}}) {
    if (bytes && *bytes < 0) {
      throw InputError(std::string(label) + " " + std::to_string(*bytes) + ", expected >= 0");
    }
  }
  if (spec.copy_time) {
    CheckTime("copy_time", *spec.copy_time);
  }
  if (spec.bytes) {
    return *spec.bytes;
  }
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(elements, SizeOf(spec.dtype), &bytes)) {
    throw InputError("tensor size overflows 64 bits");
  }
  return bytes;
}

void CheckCosts(const Op& op) {
  for (const auto& [label, value] :
       {std::pair{"flops", op.flops}, std::pair{"traffic_bytes", op.traffic_bytes},
        std::pair{"workspace_bytes", op.workspace_bytes},
        std::pair{"persistent_bytes", op.persistent_bytes}}) {
    if (value < 0) {
      throw InputError(std::string(label) + " is " + std::to_string(value) + ", expected >= 0");
    }
  }
  CheckTimes(op);
}

}  // namespace placer
