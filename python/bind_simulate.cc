#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "placer/workbench.h"
#include "python/bindings.h"

namespace placer::python {
namespace {

/// A simulated step with the names that its numbers belong to.
struct Report {
  SimulatedStep step;
  Cluster cluster;
  std::vector<std::uint32_t> producer_of_payload;  ///< op index by Trace::Transfer::payload
  double bound = 0, gap_limit = 0;
};

Report SimulatePlan(const LoadedModel& graph, const Cluster& cluster, const py::object& plan,
                    const std::string& order, const std::string& objective) {
  const SavedPlacement saved = ToSavedPlacement(plan, graph.graph, cluster);
  ProblemSpec problem;
  problem.order = order;
  problem.objective = objective;
  const py::gil_scoped_release release;
  const Workbench bench(graph, cluster, problem);
  Report report{Simulate(bench, saved), cluster, {}, 0, 0};
  report.bound = ToSeconds(bench.bound()).count();
  report.gap_limit = bench.GapLimit(report.step.report.step_time);
  for (const Tensor& tensor : graph.graph.tensors()) {
    report.producer_of_payload.push_back(static_cast<std::uint32_t>(tensor.producer.index()));
  }
  for (std::size_t op = 0; op < graph.graph.num_ops(); ++op) {
    report.producer_of_payload.push_back(static_cast<std::uint32_t>(op));
  }
  return report;
}

/// {device name: value of that device}.
template <typename Values, typename Convert>
py::dict ByDevice(const Report& report, const Values& values, Convert convert) {
  py::dict by_device;
  for (std::size_t d = 0; d < report.cluster.num_devices() && d < values.size(); ++d) {
    by_device[py::str(report.cluster.device(DeviceId(d)).name)] = convert(values[d]);
  }
  return by_device;
}

py::array_t<double> Array(const std::vector<double>& values) {
  return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

/// One value per element of `rows`.
template <typename T, typename Rows, typename Get>
py::array_t<T> Column(const Rows& rows, Get get) {
  py::array_t<T> column(static_cast<py::ssize_t>(rows.size()));
  T* out = column.mutable_data();
  for (const auto& row : rows) {
    *out++ = static_cast<T>(get(row));
  }
  return column;
}

py::array_t<std::int32_t> DeviceOfOp(const Report& report) {
  return Column<std::int32_t>(report.step.placement.device_of_op(),
                              [](DeviceId device) { return device.index(); });
}

py::dict Transfers(const Report& report) {
  using Transfer = Trace::Transfer;
  const std::vector<Transfer>& rows = report.step.trace.transfers;
  const auto seconds = [&rows](Picoseconds Transfer::*time) {
    return Column<double>(rows, [&](const Transfer& t) { return ToSeconds(t.*time).count(); });
  };
  py::dict columns;
  columns["op"] = Column<std::int32_t>(
      rows, [&](const Transfer& t) { return report.producer_of_payload[t.payload]; });
  columns["source"] = Column<std::int32_t>(
      rows, [&](const Transfer& t) { return report.cluster.hops()[t.hop].from.index(); });
  columns["destination"] = Column<std::int32_t>(
      rows, [&](const Transfer& t) { return report.cluster.hops()[t.hop].to.index(); });
  columns["bytes"] = Column<std::int64_t>(rows, [](const Transfer& t) { return t.bytes; });
  columns["requested"] = seconds(&Transfer::requested);
  columns["start"] = seconds(&Transfer::start);
  columns["end"] = seconds(&Transfer::end);
  return columns;
}

py::dict Memory(const Report& report) {
  using Point = Trace::MemoryPoint;
  const std::vector<Point>& rows = report.step.trace.memory;
  py::dict columns;
  columns["device"] = Column<std::int32_t>(rows, [](const Point& p) { return p.device.index(); });
  columns["time"] = Column<double>(rows, [](const Point& p) { return ToSeconds(p.time).count(); });
  columns["bytes"] = Column<std::int64_t>(rows, [](const Point& p) { return p.bytes; });
  return columns;
}

}  // namespace

void BindSimulate(py::module_& module) {
  const auto seconds = [](Picoseconds time) { return ToSeconds(time).count(); };
  py::class_<Report>(module, "Report",
                     "What one simulated step costs, and what happened when.\n\n"
                     "Times are seconds from the start of the step, memory is bytes. Devices are\n"
                     "numbered as in `cluster.devices`, ops as in `graph.op_names`.")
      .def_property_readonly(
          "step_time", [seconds](const Report& r) { return seconds(r.step.report.step_time); },
          "Seconds; given even if the plan does not fit.")
      .def_readonly("bound", &Report::bound, "Seconds that no plan can beat.")
      .def_readonly("gap_limit", &Report::gap_limit,
                    "step_time / bound - 1: the best plan is at most so much quicker.")
      .def_property_readonly(
          "fits", [](const Report& r) { return r.step.report.outcome == StepOutcome::kOk; },
          "Whether every device has memory enough.")
      .def_property_readonly(
          "reason", [](const Report& r) { return r.step.report.reason; },
          "Why it does not fit, in one line; \"\" if it does.")
      .def_property_readonly(
          "moved_bytes", [](const Report& r) { return r.step.report.moved_bytes; },
          "Bytes copied between devices, counted on every hop.")
      .def_property_readonly(
          "busy", [seconds](const Report& r) { return ByDevice(r, r.step.report.busy, seconds); },
          "{device name: seconds that it runs ops}.")
      .def_property_readonly(
          "peak_bytes",
          [](const Report& r) {
            return ByDevice(r, r.step.report.peak_bytes, [](std::int64_t bytes) { return bytes; });
          },
          "{device name: most bytes in use at a time}.")
      .def_property_readonly("device", &DeviceOfOp,
                             "int32 array [num_ops]: index of each op's device.")
      .def_property_readonly(
          "start", [](const Report& r) { return Array(r.step.start); },
          "float64 array [num_ops]: when each op starts. NaN for ops that take no time (inputs,\n"
          "parameters), and for all under the objective max-load, which has no schedule.")
      .def_property_readonly(
          "end", [](const Report& r) { return Array(r.step.end); },
          "float64 array [num_ops]: when each op ends; NaN as for `start`.")
      .def_property_readonly(
          "transfers", &Transfers,
          "Copies between devices, a dict of arrays [num_transfers], in order of start:\n"
          "op (whose output), source, destination, bytes, requested, start, end.")
      .def_property_readonly(
          "memory", &Memory,
          "Memory over time, a dict of arrays [num_points]: device, time, and the bytes in use\n"
          "there from then on.")
      .def("__repr__", [](const Report& r) {
        return "<placer.Report: step " +
               std::to_string(ToSeconds(r.step.report.step_time).count() * 1e3) + " ms" +
               (r.step.report.outcome == StepOutcome::kOk ? ">" : ", does not fit>");
      });
  module.def("simulate", &SimulatePlan, py::arg("graph"), py::arg("cluster"), py::arg("plan"),
             py::kw_only(), py::arg("order") = "fifo", py::arg("objective") = "latency",
             "Simulates one step.\n\n"
             "plan: a Plan, a mapping {op: device} of all ops, or one device's name for all ops\n"
             "order, objective: as for optimize()\n\n"
             "A plan that does not fit in memory is no error: see Report.fits. Raises InputError\n"
             "for a plan of another graph or cluster, or with an op where it may not run.");
}

}  // namespace placer::python
