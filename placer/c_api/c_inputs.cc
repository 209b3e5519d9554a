// Versions, errors, graphs, clusters and methods of placer.h.

#include <array>
#include <cstring>
#include <string>

#include "cost_model/cluster_io.h"
#include "placer/auto_placer.h"
#include "placer/c_api/handles.h"
#include "placer/workbench.h"

namespace placer::c_api {
namespace {

// Of a fixed size, so that keeping a message cannot itself fail.
thread_local std::array<char, 4096> last_error{};

const PlacerRegistry& Methods() {
  static const PlacerRegistry kMethods = LibraryPlacers();
  return kMethods;
}

}  // namespace

placer_status Fail(placer_status status, const char* message) noexcept {
  std::strncpy(last_error.data(), message, last_error.size() - 1);
  return status;
}

void ClearError() noexcept { last_error.fill('\0'); }

}  // namespace placer::c_api

using placer::DeviceId;
using placer::OpId;
using placer::c_api::Guarded;
using placer::c_api::Methods;
using placer::c_api::Require;

uint32_t placer_abi_version() { return PLACER_ABI_VERSION; }
const char* placer_version() { return PLACER_VERSION; }
const char* placer_last_error() { return placer::c_api::last_error.data(); }

placer_status placer_graph_load(const char* model, const placer_load_options* options,
                                placer_graph** graph) {
  return Guarded([&] {
    Require(graph, "graph");
    *graph = nullptr;
    Require(model, "model");
    const placer_load_options given =
        placer::c_api::ReadOptions(options, placer_load_options PLACER_LOAD_OPTIONS_INIT);
    placer::ModelSpec spec;
    spec.model = model;
    if (given.batch < 0) {
      throw placer::InputError("batch: found " + std::to_string(given.batch) +
                               ", expected at least 1, or 0 for the model's own");
    }
    if (given.batch > 0) {
      spec.batch = given.batch;
    }
    spec.training = given.training != 0;
    if (given.optimizer != nullptr) {
      spec.optimizer = given.optimizer;
    }
    *graph = new placer_graph{spec.Load()};
    return PLACER_OK;
  });
}

void placer_graph_free(placer_graph* graph) { delete graph; }

const char* placer_graph_name(const placer_graph* graph) {
  return graph == nullptr ? nullptr : graph->model.graph.name().c_str();
}

size_t placer_graph_num_ops(const placer_graph* graph) {
  return graph == nullptr ? 0 : graph->model.graph.num_ops();
}

const char* placer_graph_op_name(const placer_graph* graph, size_t op) {
  return op < placer_graph_num_ops(graph) ? graph->model.graph.op(OpId(op)).name.c_str() : nullptr;
}

const char* placer_graph_op_type(const placer_graph* graph, size_t op) {
  return op < placer_graph_num_ops(graph) ? graph->model.graph.op(OpId(op)).type.c_str() : nullptr;
}

int64_t placer_graph_find_op(const placer_graph* graph, const char* name) {
  if (graph == nullptr || name == nullptr) {
    return -1;
  }
  const auto op = graph->model.graph.FindOp(name);
  return op ? static_cast<int64_t>(op->index()) : -1;
}

size_t placer_graph_num_warnings(const placer_graph* graph) {
  return graph == nullptr ? 0 : graph->model.warnings.size();
}

const char* placer_graph_warning(const placer_graph* graph, size_t index) {
  return index < placer_graph_num_warnings(graph) ? graph->model.warnings[index].c_str() : nullptr;
}

placer_status placer_cluster_load(const char* cluster_name, placer_cluster** cluster) {
  return Guarded([&] {
    Require(cluster, "cluster");
    *cluster = nullptr;
    Require(cluster_name, "cluster_name");
    *cluster = new placer_cluster{placer::LoadCluster(cluster_name)};
    return PLACER_OK;
  });
}

void placer_cluster_free(placer_cluster* cluster) { delete cluster; }

const char* placer_cluster_name(const placer_cluster* cluster) {
  return cluster == nullptr ? nullptr : cluster->cluster.name().c_str();
}

size_t placer_cluster_num_devices(const placer_cluster* cluster) {
  return cluster == nullptr ? 0 : cluster->cluster.num_devices();
}

const char* placer_cluster_device_name(const placer_cluster* cluster, size_t device) {
  return device < placer_cluster_num_devices(cluster)
             ? cluster->cluster.device(DeviceId(device)).name.c_str()
             : nullptr;
}

const char* placer_cluster_device_kind(const placer_cluster* cluster, size_t device) {
  return device < placer_cluster_num_devices(cluster)
             ? cluster->cluster.device(DeviceId(device)).kind.c_str()
             : nullptr;
}

int64_t placer_cluster_device_memory(const placer_cluster* cluster, size_t device) {
  return device < placer_cluster_num_devices(cluster)
             ? cluster->cluster.device(DeviceId(device)).memory_bytes
             : -1;
}

size_t placer_num_methods() { return Methods().entries().size(); }

const char* placer_method_name(size_t method) {
  return method < placer_num_methods() ? Methods().entries()[method].name.c_str() : nullptr;
}

const char* placer_method_summary(size_t method) {
  return method < placer_num_methods() ? Methods().entries()[method].summary.c_str() : nullptr;
}
