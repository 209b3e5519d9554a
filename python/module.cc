#include "graphs/base/error.h"
#include "placer/auto_placer.h"
#include "python/bindings.h"

namespace placer::python {
namespace {

// Live as long as the process: exceptions may be translated until the very end.
PyObject* error_type = nullptr;
PyObject* input_error_type = nullptr;
PyObject* infeasible_error_type = nullptr;
PyObject* unavailable_error_type = nullptr;

PyObject* MakeType(py::module_& module, const char* name, const char* doc, PyObject* bases) {
  PyObject* const type =
      PyErr_NewExceptionWithDoc((std::string("placer.") + name).c_str(), doc, bases, nullptr);
  if (type == nullptr) {
    throw py::error_already_set();
  }
  module.attr(name) = py::handle(type);
  return type;
}

void Translate(std::exception_ptr exception) {
  try {
    std::rethrow_exception(std::move(exception));
  } catch (const InputError& error) {
    PyErr_SetString(input_error_type, error.what());
  } catch (const InfeasibleError& error) {
    PyErr_SetString(infeasible_error_type, error.what());
  } catch (const UnavailableError& error) {
    PyErr_SetString(unavailable_error_type, error.what());
  } catch (const Error& error) {
    PyErr_SetString(error_type, error.what());
  }
}

}  // namespace

void BindErrors(py::module_& module) {
  error_type = MakeType(module, "Error", "Base of everything that Placer raises on purpose.",
                        PyExc_RuntimeError);
  const py::tuple input_bases =
      py::make_tuple(py::handle(error_type), py::handle(PyExc_ValueError));
  input_error_type = MakeType(
      module, "InputError",
      "A bad file, name or option. The message says where, what was found and what was expected.",
      input_bases.ptr());
  infeasible_error_type =
      MakeType(module, "InfeasibleError",
               "No placement that fits in memory was found. `plan` is the one that lacks least.",
               error_type);
  unavailable_error_type = MakeType(
      module, "UnavailableError",
      "The method needs LibTorch, which this build does not have or which cannot be loaded.",
      error_type);
  py::register_exception_translator(Translate);
}

void ThrowInfeasible(const std::string& message, Plan plan) {
  const py::object error = py::handle(infeasible_error_type)(message);
  error.attr("plan") = std::move(plan);
  PyErr_SetObject(infeasible_error_type, error.ptr());
  throw py::error_already_set();
}

namespace {

py::dict Methods() {
  py::dict methods;
  const PlacerRegistry registry = LibraryPlacers();
  for (const PlacerRegistry::Entry& entry : registry.entries()) {
    methods[py::str(entry.name)] = entry.summary;
  }
  return methods;
}

}  // namespace
}  // namespace placer::python

PYBIND11_MODULE(_core, module) {
  using namespace placer::python;  // NOLINT(google-build-using-namespace): one function
  module.doc() = "The compiled part of the module `placer`.";
  module.attr("__version__") = PLACER_VERSION;
  // The package is where users see what is made here, and so what help() should call it.
  const pybind11::object own_name = module.attr("__name__");
  module.attr("__name__") = "placer";
  BindErrors(module);
  BindGraph(module);
  BindCluster(module);
  BindPlan(module);
  BindOptimize(module);
  BindSimulate(module);
  module.def("methods", &Methods,
             "The methods by name, each with a line on how it works.\n\n"
             "`reinforce` and `reinforce+warm` learn and need LibTorch.");
  module.attr("__name__") = own_name;
}
