#include <pybind11/stl.h>

#include <exception>
#include <stop_token>

#include "graphs/base/error.h"
#include "placer/workbench.h"
#include "python/bindings.h"

namespace placer::python {
namespace {

/// Carries progress from a search that runs without the interpreter's lock to a Python callable,
/// and a wish to stop back: by the callable, by an exception in it, or by Ctrl-C.
class ProgressBridge {
 public:
  explicit ProgressBridge(py::object callback) : callback_(std::move(callback)) {}

  void Report(const Progress& progress) {
    const py::gil_scoped_acquire acquire;
    if (stop_.stop_requested()) {
      return;
    }
    try {
      if (PyErr_CheckSignals() != 0) {
        throw py::error_already_set();
      }
      if (!callback_.is_none()) {
        const py::object answer = callback_(progress);
        if (py::isinstance<py::bool_>(answer) && !answer.cast<bool>()) {
          stop_.request_stop();
        }
      }
    } catch (...) {
      // An exception must not unwind the search, which may be in the middle of anything.
      failure_ = std::current_exception();
      stop_.request_stop();
    }
  }

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }
  void RethrowFailure() const {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
  }

 private:
  py::object callback_;
  std::stop_source stop_;
  std::exception_ptr failure_;
};

Plan OptimizePlan(const LoadedModel& graph, const Cluster& cluster, const std::string& method,
                  std::int64_t samples, std::optional<double> seconds, Seed seed,
                  std::optional<std::size_t> groups, const std::string& order,
                  const std::string& objective, std::vector<std::string> pin,
                  std::vector<std::string> forbid, std::vector<std::string> together,
                  std::vector<std::string> apart, std::vector<std::string> headroom,
                  bool whole_modules, const py::object& progress) {
  ProblemSpec problem;
  problem.constraints = {std::move(pin),   std::move(forbid),   std::move(together),
                         std::move(apart), std::move(headroom), whole_modules};
  problem.max_groups = groups;
  problem.order = order;
  problem.objective = objective;
  ProgressBridge bridge(progress);
  OptimizeOptions options;
  options.method = method;
  options.budget.samples = samples;
  if (seconds) {
    options.budget.seconds = Seconds(*seconds);
  }
  options.seed = seed;
  options.stop = bridge.token();
  options.progress = [&bridge](const Progress& at) { bridge.Report(at); };
  OptimizedPlan found;
  std::string reason;
  {
    const py::gil_scoped_release release;
    const Workbench bench(graph, cluster, problem);
    found = Optimize(bench, options);
    if (found.plan && !found.fits()) {
      reason = Simulate(bench, *found.plan).report.reason;
    }
  }
  bridge.RethrowFailure();
  if (PyErr_CheckSignals() != 0) {
    throw py::error_already_set();
  }
  if (!found.plan) {
    throw InfeasibleError("the search ended before its first sample");
  }
  const bool fits = found.fits();
  Plan plan{*std::move(found.plan), fits, std::move(found.search)};
  if (!fits && !plan.search.interrupted) {
    ThrowInfeasible("no placement found that fits; the one that lacks least: " + reason,
                    std::move(plan));
  }
  return plan;
}

constexpr const char* kOptimizeDoc =
    "Searches for the plan with the shortest step.\n\n"
    "method:    a name of methods(); \"auto\" tries the quick methods and then annealing\n"
    "samples:   placements that the search may evaluate\n"
    "seconds:   stop after this wall time; None: no limit\n"
    "seed:      the same seed gives the same plan\n"
    "groups:    merge neighbouring ops into at most so many groups that share a device;\n"
    "           0: no cap; None: 100\n"
    "order:     which ready op an idle device starts: \"fifo\" or \"critical-path\"\n"
    "objective: \"latency\" is the time of one step, \"max-load\" the load of the busiest device\n"
    "           when steps are pipelined\n"
    "pin:       list of \"PATTERN=DEVICE\": these ops run there and nowhere else; PATTERN is a "
    "glob\n"
    "           or /regex/ over op names, DEVICE the name or the kind of devices\n"
    "forbid:    list of \"PATTERN=DEVICE\": these ops never run there\n"
    "together:  list of \"PATTERN\": these ops share a device\n"
    "apart:     list of \"A,B\": no op of A shares a device with an op of B\n"
    "headroom:  list of \"DEVICE=2GB\" or \"DEVICE=10%\": memory to leave free\n"
    "whole_modules: the ops of one module of the source model share a device\n"
    "progress:  called with a Progress at most ten times a second; if it returns False, the "
    "search\n"
    "           ends and the best plan so far is returned\n\n"
    "Other Python threads run meanwhile. Ctrl-C ends the search with KeyboardInterrupt.\n\n"
    "Raises InputError; InfeasibleError if nothing that fits in memory was found;\n"
    "UnavailableError for a method that learns where LibTorch is missing.";

}  // namespace

void BindOptimize(py::module_& module) {
  py::class_<Progress>(module, "Progress", "How far a search is.")
      .def_readonly("samples", &Progress::samples, "Placements evaluated so far.")
      .def_property_readonly(
          "step_time",
          [](const Progress& p) {
            return p.samples > 0 && p.best.outcome == StepOutcome::kOk
                       ? std::optional(ToSeconds(p.best.step_time).count())
                       : std::nullopt;
          },
          "Seconds, of the best so far; None if nothing fits yet.")
      .def_property_readonly(
          "elapsed", [](const Progress& p) { return p.wall.count(); },
          "Seconds since the search began.");
  for (const char* name : {"optimize", "optimise"}) {
    module.def(name, &OptimizePlan, py::arg("graph"), py::arg("cluster"), py::kw_only(),
               py::arg("method") = "auto", py::arg("samples") = 4000,
               py::arg("seconds") = py::none(), py::arg("seed") = 1, py::arg("groups") = py::none(),
               py::arg("order") = "fifo", py::arg("objective") = "latency",
               py::arg("pin") = py::tuple(), py::arg("forbid") = py::tuple(),
               py::arg("together") = py::tuple(), py::arg("apart") = py::tuple(),
               py::arg("headroom") = py::tuple(), py::arg("whole_modules") = false,
               py::arg("progress") = py::none(), kOptimizeDoc);
  }
}

}  // namespace placer::python
