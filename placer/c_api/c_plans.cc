// Searching, plans and simulation of placer.h.

#include <cmath>
#include <limits>
#include <stop_token>
#include <string>
#include <vector>

#include "cost_model/bound.h"
#include "placer/c_api/handles.h"
#include "placer/optimize.h"
#include "placer/workbench.h"

using placer::DeviceId;
using placer::InputError;
using placer::OpId;
using placer::Picoseconds;
using placer::StepOutcome;
using placer::ToSeconds;
using placer::c_api::Fail;
using placer::c_api::Guarded;
using placer::c_api::kUnknown;
using placer::c_api::Require;
using placer::c_api::WordOr;

namespace {

std::vector<std::string> Strings(const char* const* list) {
  std::vector<std::string> strings;
  for (; list != nullptr && *list != nullptr; ++list) {
    strings.emplace_back(*list);
  }
  return strings;
}

placer::ProblemSpec MakeProblem(const placer_optimize_options& options) {
  placer::ProblemSpec problem;
  problem.order = WordOr(options.order, "fifo");
  problem.objective = WordOr(options.objective, "latency");
  if (options.groups < -1) {
    throw InputError("groups: found " + std::to_string(options.groups) +
                     ", expected a number, 0 for no cap or -1 for the default");
  }
  if (options.groups >= 0) {
    problem.max_groups = static_cast<std::size_t>(options.groups);
  }
  problem.constraints.pin = Strings(options.pin);
  problem.constraints.forbid = Strings(options.forbid);
  problem.constraints.together = Strings(options.together);
  problem.constraints.apart = Strings(options.apart);
  problem.constraints.headroom = Strings(options.headroom);
  problem.constraints.whole_modules = options.whole_modules != 0;
  return problem;
}

/// @param stop  outlives the options; the callback asks it to stop
placer::OptimizeOptions MakeOptions(const placer_optimize_options& options,
                                    std::stop_source& stop) {
  placer::OptimizeOptions result;
  result.method = WordOr(options.method, "auto");
  result.budget.samples = options.samples;
  if (options.seconds != 0) {
    result.budget.seconds = placer::Seconds(options.seconds);
  }
  result.seed = options.seed;
  result.stop = stop.get_token();
  if (options.progress != nullptr) {
    result.progress = [&stop, options](const placer::Progress& at) {
      const bool fits = at.samples > 0 && at.best.outcome == StepOutcome::kOk;
      const placer_progress progress{sizeof(placer_progress), at.samples,
                                     fits ? ToSeconds(at.best.step_time).count() : kUnknown,
                                     at.wall.count()};
      if (options.progress(&progress, options.user_data) != 0) {
        stop.request_stop();
      }
    };
  }
  return result;
}

double NumberOr(const std::optional<double>& number) { return number.value_or(kUnknown); }

}  // namespace

placer_status placer_optimize(const placer_graph* graph, const placer_cluster* cluster,
                              const placer_optimize_options* options, placer_plan** plan) {
  return Guarded([&] {
    Require(plan, "plan");
    *plan = nullptr;
    Require(graph, "graph");
    Require(cluster, "cluster");
    const placer_optimize_options given =
        placer::c_api::ReadOptions(options, placer_optimize_options PLACER_OPTIMIZE_OPTIONS_INIT);
    const placer::Workbench bench(graph->model, cluster->cluster, MakeProblem(given));
    std::stop_source stop;
    placer::OptimizedPlan found = Optimize(bench, MakeOptions(given, stop));
    const bool fits = found.fits();
    if (found.plan) {
      *plan = new placer_plan(*std::move(found.plan));
    }
    if (stop.stop_requested()) {
      return Fail(PLACER_CANCELLED,
                  *plan == nullptr ? "cancelled before the first sample"
                                   : "cancelled by the progress callback, this is the best so far");
    }
    if (*plan == nullptr) {
      return Fail(PLACER_INFEASIBLE, "out of time before the first sample");
    }
    if (!fits) {
      return Fail(PLACER_INFEASIBLE,
                  "no placement found that fits in memory; the plan is the one "
                  "that lacks least");
    }
    return PLACER_OK;
  });
}

placer_status placer_lower_bound(const placer_graph* graph, const placer_cluster* cluster,
                                 const char* objective, double* seconds) {
  return Guarded([&] {
    Require(seconds, "seconds");
    *seconds = kUnknown;
    Require(graph, "graph");
    Require(cluster, "cluster");
    placer::ProblemSpec problem;
    problem.objective = WordOr(objective, "latency");
    *seconds =
        ToSeconds(placer::Workbench(graph->model, cluster->cluster, problem).bound()).count();
    return PLACER_OK;
  });
}

placer_status placer_plan_create(const placer_graph* graph, const placer_cluster* cluster,
                                 const char* const* devices, size_t num_ops, placer_plan** plan) {
  return Guarded([&] {
    Require(plan, "plan");
    *plan = nullptr;
    Require(graph, "graph");
    Require(cluster, "cluster");
    Require(devices, "devices");
    const placer::Graph& ops = graph->model.graph;
    if (num_ops != ops.num_ops()) {
      throw InputError("num_ops: found " + std::to_string(num_ops) + ", expected the graph's " +
                       std::to_string(ops.num_ops()));
    }
    placer::Placement placement(num_ops, DeviceId(0));
    for (std::size_t op = 0; op < num_ops; ++op) {
      const std::string where = "devices[" + std::to_string(op) + "]";
      Require(devices[op], where.c_str());
      const auto device = cluster->cluster.FindDevice(devices[op]);
      if (!device) {
        throw InputError(where + ": device '" + devices[op] + "' is not in cluster '" +
                         cluster->cluster.name() + "'");
      }
      placement.set_device(OpId(op), *device);
    }
    *plan = new placer_plan(Save(placement, ops, cluster->cluster));
    return PLACER_OK;
  });
}

placer_status placer_plan_load(const char* path, placer_plan** plan) {
  return Guarded([&] {
    Require(plan, "plan");
    *plan = nullptr;
    Require(path, "path");
    *plan = new placer_plan(placer::ReadPlacement(path));
    return PLACER_OK;
  });
}

placer_status placer_plan_save(const placer_plan* plan, const char* path) {
  return Guarded([&] {
    Require(plan, "plan");
    Require(path, "path");
    placer::WritePlacement(plan->saved, path);
    return PLACER_OK;
  });
}

void placer_plan_free(placer_plan* plan) { delete plan; }

size_t placer_plan_num_ops(const placer_plan* plan) {
  return plan == nullptr ? 0 : plan->saved.device_of_op.size();
}

const char* placer_plan_op_name(const placer_plan* plan, size_t op) {
  return op < placer_plan_num_ops(plan) ? plan->saved.device_of_op[op].first.c_str() : nullptr;
}

const char* placer_plan_device_name(const placer_plan* plan, size_t op) {
  return op < placer_plan_num_ops(plan) ? plan->saved.device_of_op[op].second.c_str() : nullptr;
}

const char* placer_plan_device_of(const placer_plan* plan, const char* op_name) {
  if (plan == nullptr || op_name == nullptr) {
    return nullptr;
  }
  const std::size_t* const op = plan->Find(op_name);
  return op == nullptr ? nullptr : placer_plan_device_name(plan, *op);
}

placer_status placer_plan_set_device(placer_plan* plan, const char* op_name,
                                     const char* device_name) {
  return Guarded([&] {
    Require(plan, "plan");
    Require(op_name, "op_name");
    Require(device_name, "device_name");
    const std::size_t* const op = plan->Find(op_name);
    if (op == nullptr) {
      throw InputError("plan: has no op '" + std::string(op_name) + "'");
    }
    plan->saved.device_of_op[*op].second = device_name;
    plan->saved.step_time_seconds.reset();
    return PLACER_OK;
  });
}

double placer_plan_step_time(const placer_plan* plan) {
  return plan == nullptr ? kUnknown : NumberOr(plan->saved.step_time_seconds);
}

const char* placer_plan_method(const placer_plan* plan) {
  return plan == nullptr ? nullptr : plan->saved.method.c_str();
}

placer_status placer_simulate(const placer_graph* graph, const placer_cluster* cluster,
                              const placer_plan* plan, const char* order, const char* objective,
                              placer_report** report) {
  return Guarded([&] {
    Require(report, "report");
    *report = nullptr;
    Require(graph, "graph");
    Require(cluster, "cluster");
    Require(plan, "plan");
    placer::ProblemSpec problem;
    problem.order = WordOr(order, "fifo");
    problem.objective = WordOr(objective, "latency");
    const placer::Workbench bench(graph->model, cluster->cluster, problem);
    const placer::SimulatedStep step = Simulate(bench, plan->saved);
    *report = new placer_report{step, bench.bound()};
    return PLACER_OK;
  });
}

void placer_report_free(placer_report* report) { delete report; }

double placer_report_step_time(const placer_report* report) {
  return report == nullptr ? kUnknown : ToSeconds(report->step.report.step_time).count();
}

double placer_report_bound(const placer_report* report) {
  return report == nullptr ? kUnknown : ToSeconds(report->bound).count();
}

int placer_report_fits(const placer_report* report) {
  return report != nullptr && report->step.report.outcome == StepOutcome::kOk ? 1 : 0;
}

const char* placer_report_reason(const placer_report* report) {
  return report == nullptr ? "" : report->step.report.reason.c_str();
}

double placer_report_device_busy(const placer_report* report, size_t device) {
  return report != nullptr && device < report->step.report.busy.size()
             ? ToSeconds(report->step.report.busy[device]).count()
             : kUnknown;
}

int64_t placer_report_device_peak_bytes(const placer_report* report, size_t device) {
  return report != nullptr && device < report->step.report.peak_bytes.size()
             ? report->step.report.peak_bytes[device]
             : -1;
}

double placer_report_op_start(const placer_report* report, size_t op) {
  return report != nullptr && op < report->step.start.size() ? report->step.start[op] : kUnknown;
}

double placer_report_op_end(const placer_report* report, size_t op) {
  return report != nullptr && op < report->step.end.size() ? report->step.end[op] : kUnknown;
}
