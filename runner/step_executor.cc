#include "runner/step_executor.h"

namespace placer {

Trace ToTrace(const ExecutedTrace& executed, const Cluster& cluster) {
  Trace trace;
  trace.ops = executed.ops;
  for (const ExecutedTrace::Copy& copy : executed.copies) {
    const auto route = cluster.route(copy.from, copy.to);
    trace.transfers.push_back({copy.payload, copy.to, route.empty() ? 0 : route.front(), copy.bytes,
                               copy.requested, copy.start, copy.end});
  }
  return trace;
}

}  // namespace placer
