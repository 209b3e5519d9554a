#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>

#include "graphs/base/error.h"
#include "python/bindings.h"

namespace placer::python {
namespace {

py::dict Devices(const Plan& plan) {
  py::dict devices;
  for (const auto& [op, device] : plan.saved.device_of_op) {
    devices[py::str(op)] = device;
  }
  return devices;
}

const std::string* Find(const Plan& plan, const std::string& op) {
  for (const auto& [name, device] : plan.saved.device_of_op) {
    if (name == op) {
      return &device;
    }
  }
  return nullptr;
}

/// [num_points, 2]: samples, step time in seconds (NaN where the best so far does not fit).
py::array_t<double> Curve(const Plan& plan) {
  const std::vector<CurvePoint>& points = plan.search.curve;
  py::array_t<double> curve({points.size(), std::size_t{2}});
  auto values = curve.mutable_unchecked<2>();
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto row = static_cast<py::ssize_t>(i);
    values(row, 0) = static_cast<double>(points[i].samples);
    values(row, 1) = points[i].best.outcome == StepOutcome::kOk
                         ? ToSeconds(points[i].best.step_time).count()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  return curve;
}

std::string Represent(const Plan& plan) {
  std::string text = "<placer.Plan: " + std::to_string(plan.saved.device_of_op.size()) +
                     " ops on '" + plan.saved.cluster_name + "'";
  if (plan.saved.step_time_seconds) {
    text += ", step " + std::to_string(*plan.saved.step_time_seconds * 1e3) + " ms";
  }
  return text + ">";
}

void AddMapping(py::class_<Plan>& plan) {
  plan.def("__getitem__",
           [](const Plan& p, const std::string& op) {
             if (const std::string* const device = Find(p, op)) {
               return *device;
             }
             throw py::key_error("the plan has no op '" + op + "'");
           })
      .def("__contains__",
           [](const Plan& p, const py::object& op) {
             return py::isinstance<py::str>(op) && Find(p, op.cast<std::string>()) != nullptr;
           })
      .def("__len__", [](const Plan& p) { return p.saved.device_of_op.size(); })
      .def("__iter__", [](const Plan& p) { return py::iter(Devices(p)); })
      .def(
          "keys", [](const Plan& p) { return Devices(p).attr("keys")(); },
          "Names of the ops, in topological order.")
      .def(
          "values", [](const Plan& p) { return Devices(p).attr("values")(); },
          "Name of the device of each op.")
      .def(
          "items", [](const Plan& p) { return Devices(p).attr("items")(); }, "Pairs (op, device).");
}

}  // namespace

SavedPlacement MakePlan(const py::object& devices, const Graph& graph, const Cluster& cluster) {
  SavedPlacement plan = Save(Placement(graph.num_ops(), DeviceId(0)), graph, cluster);
  const auto name = [&](const py::handle& device) {
    if (!py::isinstance<py::str>(device)) {
      throw py::type_error("devices: expected names of devices, found " +
                           py::repr(device).cast<std::string>());
    }
    auto text = device.cast<std::string>();
    if (!cluster.FindDevice(text)) {
      throw InputError("devices: '" + text + "' is not in cluster '" + cluster.name() + "'");
    }
    return text;
  };
  if (py::isinstance<py::str>(devices)) {
    const std::string all = name(devices);
    for (auto& [op, device] : plan.device_of_op) {
      device = all;
    }
    return plan;
  }
  const py::dict mapping(devices);  // takes every mapping
  for (auto& [op, device] : plan.device_of_op) {
    const py::str key(op);
    if (!mapping.contains(key)) {
      throw InputError("devices: op '" + op + "' is missing");
    }
    device = name(mapping[key]);
  }
  if (mapping.size() != plan.device_of_op.size()) {
    for (const auto& [key, device] : mapping) {
      const auto op = py::str(key).cast<std::string>();
      if (!graph.FindOp(op)) {
        throw InputError("devices: op '" + op + "' is not in graph '" + graph.name() + "'");
      }
    }
  }
  return plan;
}

SavedPlacement ToSavedPlacement(const py::object& plan, const Graph& graph,
                                const Cluster& cluster) {
  return py::isinstance<Plan>(plan) ? plan.cast<const Plan&>().saved
                                    : MakePlan(plan, graph, cluster);
}

void BindPlan(py::module_& module) {
  py::class_<Plan> plan(
      module, "Plan",
      "A device for every op: a mapping of op names to device names, in topological order.\n\n"
      "    plan[\"conv1\"]          the device of an op\n"
      "    plan.devices           a dict of all of them");
  plan.def(
          py::init([](const LoadedModel& graph, const Cluster& cluster, const py::object& devices) {
            return Plan{MakePlan(devices, graph.graph, cluster), std::nullopt, {}};
          }),
          py::arg("graph"), py::arg("cluster"), py::arg("devices"),
          "A plan of one's own: a mapping of every op to a device, or one device for all.\n\n"
          "Raises InputError for an unknown device, or an op that is unknown or missing.")
      .def_static(
          "load",
          [](const std::filesystem::path& path) {
            return Plan{ReadPlacement(path), std::nullopt, {}};
          },
          py::arg("path"), "Reads a plan: .pb, .txtpb or .json. Raises InputError.")
      .def(
          "save",
          [](const Plan& p, const std::filesystem::path& path) { WritePlacement(p.saved, path); },
          py::arg("path"),
          "Writes the plan as .pb, .txtpb, .json or .csv, by suffix. Raises InputError.")
      .def_property_readonly("devices", &Devices, "The plan as a new dict {op: device}.")
      .def_property_readonly(
          "step_time", [](const Plan& p) { return p.saved.step_time_seconds; },
          "Seconds, as simulated when the plan was found; None if unknown.")
      .def_property_readonly(
          "fits", [](const Plan& p) { return p.fits; },
          "Whether it fits in memory, as simulated; None for a plan that was not searched for.")
      .def_property_readonly(
          "method", [](const Plan& p) { return p.saved.method; }, "What found it; \"\": unknown.")
      .def_property_readonly(
          "seed", [](const Plan& p) { return p.saved.seed; }, "Root of its random numbers.")
      .def_property_readonly(
          "graph_name", [](const Plan& p) { return p.saved.graph_name; },
          "The graph that it is for.")
      .def_property_readonly(
          "cluster_name", [](const Plan& p) { return p.saved.cluster_name; },
          "The cluster that it is for.")
      .def_property_readonly(
          "samples", [](const Plan& p) { return p.search.samples; },
          "Placements that the search evaluated; 0 for a plan that was not searched for.")
      .def_property_readonly(
          "wall_time", [](const Plan& p) { return p.search.wall.count(); },
          "Seconds that the search took.")
      .def_property_readonly(
          "cancelled", [](const Plan& p) { return p.search.interrupted; },
          "Whether the progress callback ended the search.")
      .def_property_readonly(
          "curve", &Curve,
          "float64 array [num_points, 2]: how many samples had been evaluated when the best so\n"
          "far was found, and its step time in seconds (NaN if it did not fit).")
      .def("__repr__", &Represent);
  AddMapping(plan);
}

}  // namespace placer::python
