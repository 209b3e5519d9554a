#include "experiments/paper/calibration.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <nlopt.hpp>
#include <tuple>
#include <utility>

#include "cost_model/cost_model.h"
#include "experiments/paper/models.h"
#include "graphs/base/error.h"
#include "graphs/model_loader.h"
#include "placer/registry.h"
#include "placer/workbench.h"

namespace placer {
namespace {

/// How closely the five times should be met, against constants that are off by a factor of e.
constexpr double kTimeTolerance = 0.02;
constexpr double kConstantTolerance = 1.0;
constexpr std::size_t kNumConstants = 8;

/// The constants that time depends on, in the order of the fit.
std::array<double*, kNumConstants> Fields(TfK80Constants& c) {
  return {&c.cpu.matmul, &c.cpu.convolution, &c.cpu.memory, &c.cpu.overhead_s,
          &c.gpu.matmul, &c.gpu.convolution, &c.gpu.memory, &c.gpu.overhead_s};
}

/// `start` with every constant times e^logs[i].
TfK80Constants Scaled(const TfK80Constants& start, const std::vector<double>& logs) {
  TfK80Constants scaled = start;
  const auto fields = Fields(scaled);
  for (std::size_t i = 0; i < kNumConstants; ++i) {
    *fields[i] *= std::exp(logs[i]);
  }
  return scaled;
}

double RoundedToThreeDigits(double value) {
  const double unit = std::pow(10.0, std::floor(std::log10(value)) - 2);
  // Dividing by a whole power of ten gives the double that the decimal number reads as.
  return unit < 1 ? std::round(value / unit) / std::round(1 / unit)
                  : std::round(value / unit) * unit;
}

/// The ops of a step that cost the same, once each: what a step on one device takes is a sum over
/// them.
class UniqueOps {
 public:
  explicit UniqueOps(const Graph& graph) {
    std::map<std::tuple<OpClass, std::int64_t, std::int64_t, DataType>, std::int64_t> counts;
    for (std::size_t i = 0; i < graph.num_ops(); ++i) {
      const Op& op = graph.op(OpId(i));
      if (!graph.is_resident(OpId(i))) {
        ++counts[{op.op_class, op.flops, op.traffic_bytes, graph.compute_dtype(OpId(i))}];
      }
    }
    GraphBuilder builder(graph.name());
    for (const auto& [signature, count] : counts) {
      Op op;
      op.name = std::to_string(counts_.size());
      DataType dtype{};
      std::tie(op.op_class, op.flops, op.traffic_bytes, dtype) = signature;
      builder.AddOp(op, {}, {{.dtype = dtype}});
      counts_.push_back(count);
    }
    graph_ = std::move(builder).Build();
  }

  [[nodiscard]] double StepSeconds(const Cluster& cluster, DeviceId device) const {
    const CostModel costs(graph_, cluster);
    Picoseconds sum{0};
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      sum += counts_[i] * costs.op_time(OpId(i), device);
    }
    return ToSeconds(sum).count();
  }

 private:
  Graph graph_;
  std::vector<std::int64_t> counts_;
};

class Fit {
 public:
  explicit Fit(const TfK80Constants& start) : start_(start) {
    for (const PaperModel& model : PaperModels()) {
      const std::size_t graph = graphs_.size();
      graphs_.emplace_back(LoadModel(std::string(model.spec), {}).graph);
      targets_.push_back({graph, DeviceId(0), {std::string(model.title), "1 CPU", model.cpu}});
      if (model.gpu) {
        targets_.push_back({graph, DeviceId(1), {std::string(model.title), "1 GPU", *model.gpu}});
      }
    }
  }

  [[nodiscard]] TfK80Constants Solve() const {
    nlopt::opt optimizer(nlopt::LN_SBPLX, kNumConstants);
    optimizer.set_min_objective(
        [](const std::vector<double>& logs, std::vector<double>&, void* self) {
          return static_cast<const Fit*>(self)->Cost(logs);
        },
        const_cast<Fit*>(this));  // NOLINT: only read
    optimizer.set_lower_bounds(-6);
    optimizer.set_upper_bounds(6);
    optimizer.set_initial_step(0.5);
    optimizer.set_xtol_abs(1e-6);
    optimizer.set_maxeval(20'000);
    std::vector<double> logs(kNumConstants, 0);
    double cost = 0;
    optimizer.optimize(logs, cost);
    TfK80Constants fitted = Scaled(start_, logs);
    for (double* field : Fields(fitted)) {
      *field = RoundedToThreeDigits(*field);
    }
    return fitted;
  }

  [[nodiscard]] std::vector<CalibrationTarget> Targets(const TfK80Constants& fitted) const {
    std::vector<CalibrationTarget> targets;
    for (const Point& point : targets_) {
      targets.push_back(point.target);
      targets.back().start_seconds = Seconds(point, start_);
      targets.back().fitted_seconds = Seconds(point, fitted);
    }
    return targets;
  }

 private:
  struct Point {
    std::size_t graph;
    DeviceId device;
    CalibrationTarget target;
  };

  [[nodiscard]] double Seconds(const Point& point, const TfK80Constants& constants) const {
    return graphs_[point.graph].StepSeconds(Cluster(TfK80("fit", 2, constants)), point.device);
  }

  [[nodiscard]] double Cost(const std::vector<double>& logs) const {
    const TfK80Constants constants = Scaled(start_, logs);
    double cost = 0;
    for (const double log : logs) {
      cost += std::pow(log / kConstantTolerance, 2);
    }
    for (const Point& point : targets_) {
      const double off = std::log(Seconds(point, constants) / point.target.paper_seconds);
      cost += std::pow(off / kTimeTolerance, 2);
    }
    return cost;
  }

  TfK80Constants start_;
  std::vector<UniqueOps> graphs_;
  std::vector<Point> targets_;
};

std::int64_t LargestPeak(const Workbench& bench, const Placement& placement) {
  const StepReport report = bench.runner().Run(placement);
  return *std::max_element(report.peak_bytes.begin() + 1, report.peak_bytes.end());
}

/// @param constants  with all of the GPUs' memory
MemoryFacts FindMemoryFacts(const TfK80Constants& constants) {
  MemoryFacts facts;
  for (const PaperModel& model : PaperModels()) {
    ProblemSpec spec;
    spec.space = "scopes";
    spec.max_groups = model.max_groups;
    const Workbench bench(LoadModel(std::string(model.spec), {}),
                          Cluster(TfK80("fit", 2, constants)), spec);
    const MemoryFacts::Need one{
        std::string(model.title) + " on one GPU",
        LargestPeak(bench, Placement(bench.graph().num_ops(), DeviceId(1)))};
    if (model.gpu) {
      facts.fits.push_back(one);
      continue;
    }
    facts.too_large = one;
    const PlaceResult expert = HeuristicPlacers().Make("expert")->Place(
        {bench.problem(), {1, std::nullopt}, 1, {}, {}, {}});
    facts.fits.push_back({std::string(model.title) + " on two GPUs, placed by layers",
                          LargestPeak(bench, bench.problem().Expand(*expert.groups))});
  }
  return facts;
}

std::int64_t MiddleOf(const MemoryFacts& facts) {
  if (facts.lower() >= facts.too_large.bytes) {
    throw Error("calibration: " + facts.too_large.what + " needs " +
                FormatBytes(facts.too_large.bytes) + ", expected more than " +
                FormatBytes(facts.lower()) + ", which must fit");
  }
  constexpr double kUnit = 1e7;
  const double middle =
      std::sqrt(static_cast<double>(facts.lower()) * static_cast<double>(facts.too_large.bytes));
  return static_cast<std::int64_t>(std::round(middle / kUnit) * kUnit);
}

}  // namespace

std::int64_t MemoryFacts::lower() const {
  return std::ranges::max_element(fits, {}, &Need::bytes)->bytes;
}

Calibration FitCalibration() {
  Calibration calibration;
  calibration.start = EstimatedTfK80();
  const Fit fit(calibration.start);
  calibration.fitted = fit.Solve();
  calibration.memory = FindMemoryFacts(calibration.fitted);
  calibration.fitted.gpu_usable_bytes = MiddleOf(calibration.memory);
  calibration.targets = fit.Targets(calibration.fitted);
  return calibration;
}

}  // namespace placer
