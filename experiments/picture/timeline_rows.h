#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cost_model/cluster.h"
#include "graphs/graph.h"
#include "runner/simulated_runner.h"

namespace placer {

/// What a bar of a timeline is, and its colour.
struct WorkKind {
  std::string name, color;
};
[[nodiscard]] const std::vector<WorkKind>& WorkKinds();

/// One row of a timeline: what a device or a channel did, in order of time, without overlaps.
struct TimelineRow {
  struct Span {
    Picoseconds start{0}, end{0};
    std::size_t kind = 0;  ///< index into WorkKinds()
    std::size_t item = 0;  ///< index into Trace::ops or Trace::transfers
  };
  std::string name;
  bool is_channel = false;
  std::vector<Span> spans;
  [[nodiscard]] Picoseconds busy() const noexcept;
};
/// All devices, then the channels that carried something, each in order.
[[nodiscard]] std::vector<TimelineRow> RowsOf(const Graph& graph, const Cluster& cluster,
                                              const Trace& trace);
/// When the last op or transfer ends.
[[nodiscard]] Picoseconds EndOf(const Trace& trace) noexcept;

/// A row drawn on a grid of cells of equal time: spans of at least one cell stand alone, what is
/// shorter is counted per cell.
struct RasterRow {
  /// Cells next to each other with the same kind and about the same share.
  struct Run {
    std::size_t first = 0, last = 0;  ///< cells, both included
    std::size_t kind = 0;             ///< the one with most of the time, ties by index
    double share = 0;                 ///< busy part of the time that no long span takes
    std::size_t num_spans = 0;        ///< that begin in these cells
  };
  std::vector<TimelineRow::Span> alone;
  std::vector<Run> runs;
};
/// @param end        of the last cell
/// @param num_cells  at least one
[[nodiscard]] RasterRow Rasterize(const TimelineRow& row, Picoseconds end, std::size_t num_cells);

}  // namespace placer
