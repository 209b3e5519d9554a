#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "cost_model/cluster.h"
#include "cost_model/placement_io.h"
#include "graphs/model_loader.h"
#include "placer/optimize.h"

/// What the Python module `placer` is made of: each Bind function adds one part to it.
namespace placer::python {

namespace py = pybind11;

/// A saved plan and, if it was found by a search in this process, how that went.
struct Plan {
  SavedPlacement saved;
  std::optional<bool> fits;  ///< nothing: not known
  PlaceResult search;
};

/// The exceptions `placer.Error` and those derived from it.
void BindErrors(py::module_& module);
/// @throws `placer.InfeasibleError`, which holds the plan
[[noreturn]] void ThrowInfeasible(const std::string& message, Plan plan);
void BindGraph(py::module_& module);
void BindCluster(py::module_& module);
void BindPlan(py::module_& module);
void BindOptimize(py::module_& module);
void BindSimulate(py::module_& module);

/// A plan, a mapping of op names to device names, or the name of one device for all ops.
[[nodiscard]] SavedPlacement ToSavedPlacement(const py::object& plan, const Graph& graph,
                                              const Cluster& cluster);
/// Makes the placement that a mapping or a device name stands for.
[[nodiscard]] SavedPlacement MakePlan(const py::object& devices, const Graph& graph,
                                      const Cluster& cluster);

}  // namespace placer::python
