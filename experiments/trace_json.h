#pragma once

#include <nlohmann/json_fwd.hpp>

#include "runner/simulated_runner.h"

namespace placer {

/// A simulated step in Chrome's trace event format, which Perfetto and chrome://tracing read: one
/// row per device, one per direction of a link that carried something, and a memory counter per
/// device. Events are sorted by time; times in microseconds.
/// Source: "Trace Event Format", Google,
/// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
[[nodiscard]] nlohmann::ordered_json TraceToJson(const Graph& graph, const Cluster& cluster,
                                                 const Trace& trace);

}  // namespace placer
