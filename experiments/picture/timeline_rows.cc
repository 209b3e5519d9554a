#include "experiments/picture/timeline_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "experiments/channel_name.h"
#include "experiments/picture/palette.h"

namespace placer {
namespace {

enum Kind : std::size_t {
  kForwardOp,
  kBackwardOp,
  kUpdateOp,
  kParameters,
  kActivations,
  kGradients,
  kSignals
};

std::size_t KindOf(const Op& op) {
  switch (op.role) {
    case OpRole::kBackward:
      return kBackwardOp;
    case OpRole::kUpdate:
      return kUpdateOp;
    default:
      return kForwardOp;
  }
}

std::size_t KindOfPayload(const Graph& graph, std::uint32_t payload) {
  if (payload >= graph.num_tensors()) {
    return kSignals;
  }
  const OpId producer = graph.tensor(TensorId(payload)).producer;
  if (graph.is_resident(producer)) {
    return kParameters;
  }
  return graph.op(producer).role == OpRole::kForward ? kActivations : kGradients;
}

void SortByTime(std::vector<TimelineRow::Span>& spans) {
  std::stable_sort(spans.begin(), spans.end(),
                   [](const auto& a, const auto& b) { return a.start < b.start; });
}

}  // namespace

const std::vector<WorkKind>& WorkKinds() {
  static const std::vector<WorkKind> kinds = {{"forward op", CategoryColor(0)},
                                              {"backward op", CategoryColor(1)},
                                              {"update", CategoryColor(2)},
                                              {"copy of a parameter or input", CategoryColor(3)},
                                              {"copy of an activation", CategoryColor(4)},
                                              {"copy of a gradient", CategoryColor(5)},
                                              {"control signal", "#8c8c8c"}};
  return kinds;
}

Picoseconds TimelineRow::busy() const noexcept {
  Picoseconds sum{0};
  for (const Span& span : spans) {
    sum += span.end - span.start;
  }
  return sum;
}

std::vector<TimelineRow> RowsOf(const Graph& graph, const Cluster& cluster, const Trace& trace) {
  std::vector<TimelineRow> rows;
  for (const Device& device : cluster.devices()) {
    rows.push_back({device.name, false, {}});
  }
  for (std::size_t i = 0; i < trace.ops.size(); ++i) {
    const Trace::OpRun& run = trace.ops[i];
    rows[run.device.index()].spans.push_back({run.start, run.end, KindOf(graph.op(run.op)), i});
  }
  std::map<Channel, TimelineRow> channels;
  for (std::size_t i = 0; i < trace.transfers.size(); ++i) {
    const Trace::Transfer& transfer = trace.transfers[i];
    for (const Channel channel : cluster.hops()[transfer.hop].channels) {
      auto [at, is_new] = channels.try_emplace(channel);
      if (is_new) {
        at->second = {ChannelName(cluster, channel), true, {}};
      }
      at->second.spans.push_back(
          {transfer.start, transfer.end, KindOfPayload(graph, transfer.payload), i});
    }
  }
  for (auto& [channel, row] : channels) {
    rows.push_back(std::move(row));
  }
  for (TimelineRow& row : rows) {
    SortByTime(row.spans);
  }
  return rows;
}

Picoseconds EndOf(const Trace& trace) noexcept {
  Picoseconds end{0};
  for (const Trace::OpRun& run : trace.ops) {
    end = std::max(end, run.end);
  }
  for (const Trace::Transfer& transfer : trace.transfers) {
    end = std::max(end, transfer.end);
  }
  return end;
}

namespace {

/// Shares closer than this look alike in a row of twenty pixels.
constexpr double kShareSteps = 10;

/// What short spans leave in the cells of a row.
class Cells {
 public:
  Cells(Picoseconds end, std::size_t num_cells)
      : cell_(static_cast<double>(end.count()) / static_cast<double>(num_cells)),
        cells_(num_cells) {}

  [[nodiscard]] bool IsLong(const TimelineRow::Span& span) const {
    return static_cast<double>((span.end - span.start).count()) >= cell_;
  }

  void AddLong(const TimelineRow::Span& span) {
    ForEachCell(span, [](Cell& cell, double time) { cell.covered += time; });
  }

  void AddShort(const TimelineRow::Span& span) {
    ForEachCell(span, [&](Cell& cell, double time) { cell.time[span.kind] += time; });
    ++cells_[CellAt(static_cast<double>(span.start.count()))].num_spans;
  }

  [[nodiscard]] std::vector<RasterRow::Run> Runs() const {
    std::vector<RasterRow::Run> runs;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const Cell& cell = cells_[i];
      const auto most = std::max_element(cell.time.begin(), cell.time.end());
      double sum = 0;
      for (const double time : cell.time) {
        sum += time;
      }
      if (sum <= 0 && cell.num_spans == 0) {
        continue;
      }
      const auto kind = static_cast<std::size_t>(most - cell.time.begin());
      const double free = std::max(cell_ - cell.covered, sum);
      const double share = free > 0 ? std::ceil(sum / free * kShareSteps - 1e-9) / kShareSteps : 0;
      if (!runs.empty() && runs.back().last + 1 == i && runs.back().kind == kind &&
          runs.back().share == share) {
        runs.back().last = i;
        runs.back().num_spans += cell.num_spans;
      } else {
        runs.push_back({i, i, kind, share, cell.num_spans});
      }
    }
    return runs;
  }

 private:
  struct Cell {
    std::array<double, kSignals + 1> time{};
    double covered = 0;  ///< by long spans
    std::size_t num_spans = 0;
  };

  [[nodiscard]] std::size_t CellAt(double time) const {
    return std::min(static_cast<std::size_t>(cell_ > 0 ? time / cell_ : 0), cells_.size() - 1);
  }

  template <typename Use>
  void ForEachCell(const TimelineRow::Span& span, Use use) {
    const auto start = static_cast<double>(span.start.count());
    const auto end = static_cast<double>(span.end.count());
    for (std::size_t i = CellAt(start); i <= CellAt(end); ++i) {
      const double from = std::max(start, static_cast<double>(i) * cell_);
      const double to = std::min(end, static_cast<double>(i + 1) * cell_);
      use(cells_[i], std::max(0.0, to - from));
    }
  }

  double cell_;
  std::vector<Cell> cells_;
};

}  // namespace

RasterRow Rasterize(const TimelineRow& row, Picoseconds end, std::size_t num_cells) {
  RasterRow raster;
  Cells cells(end, num_cells);
  for (const TimelineRow::Span& span : row.spans) {
    if (cells.IsLong(span)) {
      raster.alone.push_back(span);
      cells.AddLong(span);
    } else {
      cells.AddShort(span);
    }
  }
  raster.runs = cells.Runs();
  return raster;
}

}  // namespace placer
