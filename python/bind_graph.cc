#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>

#include "cost_model/cluster_io.h"
#include "graphs/graph_io.h"
#include "graphs/zoo.h"
#include "placer/workbench.h"
#include "python/bindings.h"

namespace placer::python {
namespace {

LoadedModel LoadGraph(const std::filesystem::path& model, std::optional<std::int64_t> batch,
                      const py::object& training) {
  ModelSpec spec;
  spec.model = model.string();
  spec.batch = batch;
  if (py::isinstance<py::str>(training)) {
    spec.training = true;
    spec.optimizer = training.cast<std::string>();
  } else {
    spec.training = training.cast<bool>();
  }
  const py::gil_scoped_release release;
  return spec.Load();
}

/// One op as Python sees it.
struct OpView {
  Op op;
  std::vector<std::string> inputs;
  std::int64_t output_bytes = 0;
};

OpView View(const Graph& graph, OpId id) {
  OpView view{graph.op(id), {}, 0};
  for (const TensorId input : graph.inputs(id)) {
    view.inputs.push_back(graph.op(graph.tensor(input).producer).name);
  }
  for (std::size_t i = 0; i < graph.num_outputs(id); ++i) {
    view.output_bytes += graph.tensor(TensorId(graph.first_output(id).index() + i)).bytes;
  }
  return view;
}

OpView FindView(const LoadedModel& model, const std::string& name) {
  const std::optional<OpId> id = model.graph.FindOp(name);
  if (!id) {
    throw py::key_error("graph '" + model.graph.name() + "' has no op '" + name + "'");
  }
  return View(model.graph, *id);
}

std::vector<OpView> Ops(const LoadedModel& model) {
  std::vector<OpView> ops;
  for (std::size_t i = 0; i < model.graph.num_ops(); ++i) {
    ops.push_back(View(model.graph, OpId(i)));
  }
  return ops;
}

std::vector<std::string> OpNames(const LoadedModel& model) {
  std::vector<std::string> names;
  for (const Op& op : model.graph.ops()) {
    names.push_back(op.name);
  }
  return names;
}

/// [num_edges, 3]: producer, consumer, bytes of the tensor; every tensor once per consumer.
py::array_t<std::int64_t> Edges(const LoadedModel& model) {
  std::vector<std::int64_t> rows;
  for (std::size_t t = 0; t < model.graph.num_tensors(); ++t) {
    const Tensor& tensor = model.graph.tensor(TensorId(t));
    for (const OpId consumer : model.graph.consumers(TensorId(t))) {
      rows.insert(rows.end(), {static_cast<std::int64_t>(tensor.producer.index()),
                               static_cast<std::int64_t>(consumer.index()), tensor.bytes});
    }
  }
  py::array_t<std::int64_t> edges({rows.size() / 3, std::size_t{3}});
  std::copy(rows.begin(), rows.end(), edges.mutable_data());
  return edges;
}

void BindOp(py::module_& module) {
  py::class_<OpView>(module, "Op", "One op of a graph: what it computes and what that costs.")
      .def_property_readonly(
          "name", [](const OpView& v) { return v.op.name; }, "Unique in its graph.")
      .def_property_readonly(
          "type", [](const OpView& v) { return v.op.type; }, "\"Conv\", \"MatMul\", ...")
      .def_property_readonly(
          "op_class", [](const OpView& v) { return std::string(Name(v.op.op_class)); },
          "The kind of kernel, which decides how efficient a device is.")
      .def_property_readonly(
          "role", [](const OpView& v) { return std::string(Name(v.op.role)); },
          "\"input\", \"parameter\", \"forward\", \"backward\" or \"update\".")
      .def_property_readonly(
          "flops", [](const OpView& v) { return v.op.flops; },
          "Floating-point operations; a multiply-add counts two.")
      .def_property_readonly(
          "traffic_bytes", [](const OpView& v) { return v.op.traffic_bytes; },
          "Bytes read from and written to device memory.")
      .def_property_readonly(
          "persistent_bytes", [](const OpView& v) { return v.op.persistent_bytes; },
          "Bytes held for the whole step (optimizer state).")
      .def_property_readonly(
          "output_bytes", [](const OpView& v) { return v.output_bytes; }, "Bytes of all outputs.")
      .def_property_readonly(
          "inputs", [](const OpView& v) { return v.inputs; },
          "Names of the ops whose outputs it reads, in order.")
      .def_property_readonly(
          "source_name",
          [](const OpView& v) { return v.op.source_name.empty() ? v.op.name : v.op.source_name; },
          "The node of the source model.")
      .def("__repr__",
           [](const OpView& v) { return "<placer.Op '" + v.op.name + "': " + v.op.type + ">"; });
}

}  // namespace

void BindGraph(py::module_& module) {
  BindOp(module);
  py::class_<LoadedModel>(module, "Graph",
                          "A model as a graph of ops, in topological order. Cannot be changed.\n\n"
                          "    Graph(\"model.onnx\", training=True)\n"
                          "    Graph(\"zoo:rnnlm?batch=64\")")
      .def(py::init(&LoadGraph), py::arg("model"), py::kw_only(), py::arg("batch") = py::none(),
           py::arg("training") = false,
           "Reads a model; its weights are not needed.\n\n"
           "model:    a file of any kind that the `placer` command reads, or zoo:NAME[?key=value]\n"
           "batch:    replaces the batch dimension of the model's inputs\n"
           "training: True turns an inference model into a training step with momentum;\n"
           "          \"sgd\", \"momentum\" or \"adam\" does so with that optimizer\n\n"
           "Raises InputError.")
      .def_property_readonly(
          "name", [](const LoadedModel& m) { return m.graph.name(); }, "The model's name.")
      .def_property_readonly(
          "warnings", [](const LoadedModel& m) { return m.warnings; },
          "What to know about how the model was read, one line each.")
      .def_property_readonly(
          "fingerprint", [](const LoadedModel& m) { return m.graph.fingerprint(); },
          "Identifies the content; the same on every machine.")
      .def_property_readonly("op_names", &OpNames, "Names of all ops, in topological order.")
      .def_property_readonly("ops", &Ops, "All ops, in topological order.")
      .def_property_readonly(
          "edges", &Edges,
          "int64 array [num_edges, 3]: producing op, reading op (both as indices into\n"
          "`op_names`), bytes of the tensor. A tensor is there once for each op that reads it.")
      .def("op", &FindView, py::arg("name"), "The op of that name. Raises KeyError.")
      .def(
          "save",
          [](const LoadedModel& m, const std::filesystem::path& path) {
            WriteGraph(m.graph, path);
          },
          py::arg("path"), "Writes the graph as .pb, .txtpb or .json. Raises InputError.")
      .def("__len__", [](const LoadedModel& m) { return m.graph.num_ops(); })
      .def("__repr__", [](const LoadedModel& m) {
        return "<placer.Graph '" + m.graph.name() + "': " + std::to_string(m.graph.num_ops()) +
               " ops>";
      });
  module.def(
      "graph_zoo",
      [] {
        py::dict zoo;
        for (const ZooEntry& entry : GraphZoo()) {
          zoo[py::str("zoo:" + entry.name)] = entry.summary;
        }
        return zoo;
      },
      "Models that can be generated: name -> description.");
}

void BindCluster(py::module_& module) {
  py::class_<Device>(module, "Device", "One device of a cluster.")
      .def_readonly("name", &Device::name, "\"/gpu:0\", ...")
      .def_readonly("kind", &Device::kind, "\"cpu\", \"gpu\", ...")
      .def_readonly("memory_bytes", &Device::memory_bytes, "Capacity.")
      .def_readonly("memory_bytes_per_s", &Device::memory_bytes_per_s, "Memory bandwidth.")
      .def_property_readonly(
          "flops_per_s",
          [](const Device& d) {
            return d.peak_flops_per_s[static_cast<std::size_t>(DataType::kFloat32)];
          },
          "Peak rate for float32, flop/s.")
      .def("__repr__", [](const Device& d) {
        return "<placer.Device '" + d.name + "': " + d.kind + ", " + FormatBytes(d.memory_bytes) +
               ">";
      });
  py::class_<Cluster>(module, "Cluster",
                      "Devices and the links between them. Cannot be changed.\n\n"
                      "    Cluster(\"zoo:k80x4\")\n"
                      "    Cluster(\"my_machine.txtpb\")")
      .def(py::init(
               [](const std::filesystem::path& cluster) { return LoadCluster(cluster.string()); }),
           py::arg("cluster"), "Reads a cluster: a file, or zoo:NAME. Raises InputError.")
      .def_property_readonly(
          "name", [](const Cluster& c) { return c.name(); }, "The cluster's name.")
      .def_property_readonly(
          "fingerprint", [](const Cluster& c) { return c.fingerprint(); },
          "Identifies the content; the same on every machine.")
      .def_property_readonly(
          "devices",
          [](const Cluster& c) {
            return std::vector<Device>(c.devices().begin(), c.devices().end());
          },
          "All devices, in order.")
      .def("__len__", [](const Cluster& c) { return c.num_devices(); })
      .def("__repr__", [](const Cluster& c) {
        return "<placer.Cluster '" + c.name() + "': " + std::to_string(c.num_devices()) +
               " devices>";
      });
  module.def(
      "cluster_zoo",
      [] {
        py::dict zoo;
        for (const ClusterZooEntry& entry : ClusterZoo()) {
          zoo[py::str("zoo:" + entry.name)] = entry.summary;
        }
        return zoo;
      },
      "Clusters that come with Placer: name -> description.");
}

}  // namespace placer::python
