/* placer.h from C11: everything a caller may do, and what happens when he does it wrong. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "placer.h"

static int failures = 0;

#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                              \
    }                                                                          \
  } while (0)

#define EXPECT_STATUS(call, status)                                                           \
  do {                                                                                        \
    const placer_status found_ = (call);                                                      \
    if (found_ != (status)) {                                                                 \
      fprintf(stderr, "%s:%d: %s returned %d (%s), expected %d\n", __FILE__, __LINE__, #call, \
              (int)found_, placer_last_error(), (int)(status));                               \
      ++failures;                                                                             \
    }                                                                                         \
  } while (0)

static int error_has(const char* part) {
  if (strstr(placer_last_error(), part) != NULL) {
    return 1;
  }
  fprintf(stderr, "the message is '%s', expected it to have '%s'\n", placer_last_error(), part);
  return 0;
}

static placer_graph* load_graph(const char* model) {
  placer_graph* graph = NULL;
  EXPECT_STATUS(placer_graph_load(model, NULL, &graph), PLACER_OK);
  EXPECT(strcmp(placer_last_error(), "") == 0);
  return graph;
}

static placer_cluster* load_cluster(const char* name) {
  placer_cluster* cluster = NULL;
  EXPECT_STATUS(placer_cluster_load(name, &cluster), PLACER_OK);
  return cluster;
}

static void test_versions(void) {
  EXPECT(placer_abi_version() == PLACER_ABI_VERSION);
  EXPECT(strcmp(placer_version(), EXPECTED_VERSION) == 0);
}

static void test_graph(void) {
  placer_graph* graph = load_graph("zoo:rnnlm");
  const size_t num_ops = placer_graph_num_ops(graph);
  EXPECT(num_ops > 100);
  EXPECT(strcmp(placer_graph_name(graph), "rnnlm") == 0);
  EXPECT(placer_graph_num_warnings(graph) == 0);
  EXPECT(placer_graph_warning(graph, 0) == NULL);
  for (size_t op = 0; op < num_ops; ++op) {
    const char* name = placer_graph_op_name(graph, op);
    EXPECT(name != NULL && placer_graph_op_type(graph, op) != NULL);
    EXPECT(placer_graph_find_op(graph, name) == (int64_t)op);
  }
  EXPECT(placer_graph_op_name(graph, num_ops) == NULL);
  EXPECT(placer_graph_op_type(graph, num_ops) == NULL);
  EXPECT(placer_graph_find_op(graph, "no such op") == -1);
  placer_graph_free(graph);
}

static void test_load_options(void) {
  placer_graph* graph = NULL;
  placer_load_options options = PLACER_LOAD_OPTIONS_INIT;
  options.batch = 2;
  options.training = 1;
  options.optimizer = "adam";
  EXPECT_STATUS(placer_graph_load(SAMPLE_MODEL, &options, &graph), PLACER_OK);
  placer_graph* plain = load_graph(SAMPLE_MODEL);
  EXPECT(placer_graph_num_ops(graph) > 2 * placer_graph_num_ops(plain));
  placer_graph_free(plain);
  placer_graph_free(graph);

  options.optimizer = "newton";
  EXPECT_STATUS(placer_graph_load(SAMPLE_MODEL, &options, &graph), PLACER_INVALID_INPUT);
  EXPECT(graph == NULL && error_has("newton"));
  options.optimizer = NULL;
  options.batch = -3;
  EXPECT_STATUS(placer_graph_load(SAMPLE_MODEL, &options, &graph), PLACER_INVALID_INPUT);
  EXPECT(error_has("batch"));
  /* A caller of another age: fields beyond its size keep their defaults. */
  options.batch = 0;
  options.optimizer = "newton";
  options.size = offsetof(placer_load_options, optimizer);
  EXPECT_STATUS(placer_graph_load(SAMPLE_MODEL, &options, &graph), PLACER_OK);
  placer_graph_free(graph);
  options.size = 0;
  EXPECT_STATUS(placer_graph_load(SAMPLE_MODEL, &options, &graph), PLACER_INVALID_INPUT);
  EXPECT(graph == NULL && error_has("size"));
}

static void test_cluster(void) {
  placer_cluster* cluster = load_cluster("zoo:k80x2");
  EXPECT(placer_cluster_num_devices(cluster) == 3);
  EXPECT(strcmp(placer_cluster_name(cluster), "k80x2") == 0);
  EXPECT(strcmp(placer_cluster_device_name(cluster, 0), "/cpu:0") == 0);
  EXPECT(strcmp(placer_cluster_device_kind(cluster, 1), "gpu") == 0);
  EXPECT(placer_cluster_device_memory(cluster, 1) > 1000000000);
  EXPECT(placer_cluster_device_name(cluster, 3) == NULL);
  EXPECT(placer_cluster_device_kind(cluster, 3) == NULL);
  EXPECT(placer_cluster_device_memory(cluster, 3) == -1);
  placer_cluster_free(cluster);
}

static void test_methods(void) {
  int has_auto = 0;
  for (size_t method = 0; method < placer_num_methods(); ++method) {
    EXPECT(placer_method_summary(method) != NULL);
    has_auto |= strcmp(placer_method_name(method), "auto") == 0;
  }
  EXPECT(has_auto);
  EXPECT(placer_method_name(placer_num_methods()) == NULL);
  EXPECT(placer_method_summary(placer_num_methods()) == NULL);
}

static void test_bad_names(void) {
  placer_graph* graph = (placer_graph*)&failures; /* must be set to NULL */
  EXPECT_STATUS(placer_graph_load("zoo:nothing", NULL, &graph), PLACER_INVALID_INPUT);
  EXPECT(graph == NULL && error_has("rnnlm")); /* the known ones are listed */
  EXPECT_STATUS(placer_graph_load("/no/such/file.onnx", NULL, &graph), PLACER_INVALID_INPUT);
  EXPECT(error_has("/no/such/file.onnx"));
  placer_cluster* cluster = NULL;
  EXPECT_STATUS(placer_cluster_load("zoo:nothing", &cluster), PLACER_INVALID_INPUT);
  EXPECT(cluster == NULL && error_has("k80x4"));
}

struct calls {
  int count;
  int stop_at;     /* 0: never */
  int64_t samples; /* at the last call */
  double best;
};

static int on_progress(const placer_progress* progress, void* user_data) {
  struct calls* calls = user_data;
  ++calls->count;
  EXPECT(progress->size == sizeof(placer_progress));
  EXPECT(progress->samples >= calls->samples);
  EXPECT(progress->elapsed >= 0);
  calls->samples = progress->samples;
  calls->best = progress->best_step_time;
  return calls->stop_at != 0 && calls->count >= calls->stop_at;
}

static placer_optimize_options quick(struct calls* calls) {
  placer_optimize_options options = PLACER_OPTIMIZE_OPTIONS_INIT;
  options.samples = 200;
  options.progress = on_progress;
  options.user_data = calls;
  return options;
}

static void test_optimize(const placer_graph* graph, const placer_cluster* cluster) {
  struct calls calls = {0};
  placer_optimize_options options = quick(&calls);
  placer_plan* plan = NULL;
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_OK);
  EXPECT(strcmp(placer_plan_method(plan), "auto") == 0);
  EXPECT(calls.count > 0 && calls.samples > 0 && calls.samples <= 200);
  const double step_time = placer_plan_step_time(plan);
  EXPECT(step_time > 0 && step_time == calls.best);
  double bound = 0;
  EXPECT_STATUS(placer_lower_bound(graph, cluster, NULL, &bound), PLACER_OK);
  EXPECT(bound > 0 && bound <= step_time);
  EXPECT(placer_plan_num_ops(plan) == placer_graph_num_ops(graph));
  for (size_t op = 0; op < placer_plan_num_ops(plan); ++op) {
    EXPECT(strcmp(placer_plan_op_name(plan, op), placer_graph_op_name(graph, op)) == 0);
    EXPECT(placer_plan_device_of(plan, placer_plan_op_name(plan, op)) ==
           placer_plan_device_name(plan, op));
  }
  EXPECT(placer_plan_op_name(plan, placer_plan_num_ops(plan)) == NULL);
  EXPECT(placer_plan_device_of(plan, "no such op") == NULL);

  /* The same seed, the same plan. */
  placer_plan* again = NULL;
  options.progress = NULL;
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &again), PLACER_OK);
  for (size_t op = 0; op < placer_plan_num_ops(plan); ++op) {
    EXPECT(strcmp(placer_plan_device_name(plan, op), placer_plan_device_name(again, op)) == 0);
  }
  placer_plan_free(again);
  placer_plan_free(plan);
}

static void test_cancel(const placer_graph* graph, const placer_cluster* cluster) {
  const char* const methods[] = {"annealing", "auto", WITH_TORCH ? "reinforce" : NULL};
  for (size_t i = 0; i < 3 && methods[i] != NULL; ++i) {
    struct calls calls = {.stop_at = 2};
    placer_optimize_options options = quick(&calls);
    options.method = methods[i];
    options.samples = 1000000000;
    options.groups = 12;
    placer_plan* plan = NULL;
    EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_CANCELLED);
    EXPECT(error_has("cancelled"));
    EXPECT(plan != NULL && placer_plan_step_time(plan) > 0);
    EXPECT(strcmp(placer_plan_method(plan), methods[i]) == 0);
    EXPECT(placer_plan_num_ops(plan) == placer_graph_num_ops(graph));
    EXPECT(calls.count >= 2 && calls.samples < options.samples);
    placer_plan_free(plan);
  }
}

static void test_bad_options(const placer_graph* graph, const placer_cluster* cluster) {
  struct calls calls = {0};
  placer_plan* plan = NULL;
  placer_optimize_options options = quick(&calls);
  options.method = "magic";
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_INVALID_INPUT);
  EXPECT(plan == NULL && error_has("'magic'") && error_has("annealing"));
  options = quick(&calls);
  options.samples = 0;
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_INVALID_INPUT);
  EXPECT(error_has("samples"));
  options = quick(&calls);
  options.seconds = NAN;
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_INVALID_INPUT);
  EXPECT(error_has("seconds"));
  options = quick(&calls);
  options.groups = -2;
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_INVALID_INPUT);
  EXPECT(error_has("groups"));
  options = quick(&calls);
  options.objective = "joy";
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_INVALID_INPUT);
  EXPECT(error_has("joy") && error_has("max-load"));
  options = quick(&calls);
  options.order = "lifo";
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_INVALID_INPUT);
  EXPECT(error_has("lifo"));
}

static void test_constraints(const placer_graph* graph, const placer_cluster* cluster) {
  const char* const pin[] = {"*=/gpu:1", NULL};
  placer_optimize_options options = PLACER_OPTIMIZE_OPTIONS_INIT;
  options.samples = 50;
  options.pin = pin;
  placer_plan* plan = NULL;
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_OK);
  for (size_t op = 0; op < placer_plan_num_ops(plan); ++op) {
    EXPECT(strcmp(placer_plan_device_name(plan, op), "/gpu:1") == 0);
  }
  placer_plan_free(plan);

  const char* const forbid[] = {"*=gpu", NULL};
  options.forbid = forbid;
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_INVALID_INPUT);
  EXPECT(plan == NULL && error_has("forbid"));
  const char* const nothing[] = {"no such op=/gpu:0", NULL};
  options = (placer_optimize_options)PLACER_OPTIMIZE_OPTIONS_INIT;
  options.pin = nothing;
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_INVALID_INPUT);
  EXPECT(error_has("no such op"));
}

static void test_infeasible(const placer_cluster* cluster) {
  /* 4,096 samples of this model need far more than two K80s have. */
  placer_graph* graph = load_graph("zoo:inception_v3?batch=4096");
  struct calls calls = {0};
  placer_optimize_options options = quick(&calls);
  options.method = "heft";
  placer_plan* plan = NULL;
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_INFEASIBLE);
  EXPECT(error_has("memory"));
  EXPECT(plan != NULL && isnan(placer_plan_step_time(plan)) && isnan(calls.best));
  placer_report* report = NULL;
  EXPECT_STATUS(placer_simulate(graph, cluster, plan, NULL, NULL, &report), PLACER_OK);
  EXPECT(placer_report_fits(report) == 0);
  EXPECT(strstr(placer_report_reason(report), "needs") != NULL);
  EXPECT(placer_report_step_time(report) > 0);
  placer_report_free(report);
  placer_plan_free(plan);
  placer_graph_free(graph);
}

static void test_simulate(const placer_graph* graph, const placer_cluster* cluster) {
  const size_t num_ops = placer_graph_num_ops(graph);
  const char** devices = malloc(num_ops * sizeof(*devices));
  for (size_t op = 0; op < num_ops; ++op) {
    devices[op] = "/gpu:0";
  }
  placer_plan* plan = NULL;
  EXPECT_STATUS(placer_plan_create(graph, cluster, devices, num_ops, &plan), PLACER_OK);
  EXPECT(isnan(placer_plan_step_time(plan)));
  placer_report* report = NULL;
  EXPECT_STATUS(placer_simulate(graph, cluster, plan, "fifo", "latency", &report), PLACER_OK);
  const double step_time = placer_report_step_time(report);
  EXPECT(placer_report_fits(report) == 1);
  EXPECT(strcmp(placer_report_reason(report), "") == 0);
  EXPECT(step_time > 0 && placer_report_bound(report) <= step_time);
  /* One device does everything, one op after the other: it is busy from start to end. */
  EXPECT(fabs(placer_report_device_busy(report, 1) - step_time) < 1e-9 * step_time);
  EXPECT(placer_report_device_busy(report, 0) == 0);
  EXPECT(placer_report_device_peak_bytes(report, 1) > 0);
  double busy = 0, last = 0;
  for (size_t op = 0; op < num_ops; ++op) {
    if (!isnan(placer_report_op_start(report, op))) {
      busy += placer_report_op_end(report, op) - placer_report_op_start(report, op);
      last = fmax(last, placer_report_op_end(report, op));
    }
  }
  EXPECT(fabs(busy - step_time) < 1e-9 * step_time && last == step_time);
  EXPECT(isnan(placer_report_op_start(report, num_ops)));
  EXPECT(isnan(placer_report_device_busy(report, 3)));
  EXPECT(placer_report_device_peak_bytes(report, 3) == -1);
  placer_report_free(report);

  EXPECT_STATUS(placer_simulate(graph, cluster, plan, NULL, "max-load", &report), PLACER_OK);
  EXPECT(isnan(placer_report_op_start(report, num_ops - 1)));
  EXPECT(placer_report_step_time(report) > 0);
  placer_report_free(report);

  devices[3] = "/gpu:7";
  placer_plan* bad = NULL;
  EXPECT_STATUS(placer_plan_create(graph, cluster, devices, num_ops, &bad), PLACER_INVALID_INPUT);
  EXPECT(bad == NULL && error_has("devices[3]") && error_has("/gpu:7"));
  devices[3] = NULL;
  EXPECT_STATUS(placer_plan_create(graph, cluster, devices, num_ops, &bad), PLACER_INVALID_INPUT);
  EXPECT(error_has("devices[3]"));
  EXPECT_STATUS(placer_plan_create(graph, cluster, devices, 3, &bad), PLACER_INVALID_INPUT);
  EXPECT(error_has("num_ops"));
  free(devices);

  const char* op = placer_plan_op_name(plan, num_ops - 1);
  EXPECT_STATUS(placer_plan_set_device(plan, op, "/tpu:0"), PLACER_OK);
  EXPECT(strcmp(placer_plan_device_of(plan, op), "/tpu:0") == 0);
  EXPECT_STATUS(placer_simulate(graph, cluster, plan, NULL, NULL, &report), PLACER_INVALID_INPUT);
  EXPECT(report == NULL && error_has("/tpu:0"));
  EXPECT_STATUS(placer_plan_set_device(plan, "no such op", "/gpu:0"), PLACER_INVALID_INPUT);
  EXPECT(error_has("no such op"));
  placer_plan_free(plan);
}

static void test_files(const placer_graph* graph, const placer_cluster* cluster) {
  placer_optimize_options options = PLACER_OPTIMIZE_OPTIONS_INIT;
  options.method = "heft";
  placer_plan* plan = NULL;
  EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_OK);
  const char* files[] = {"c_api_plan.pb", "c_api_plan.txtpb", "c_api_plan.json"};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_STATUS(placer_plan_save(plan, files[i]), PLACER_OK);
    placer_plan* loaded = NULL;
    EXPECT_STATUS(placer_plan_load(files[i], &loaded), PLACER_OK);
    EXPECT(placer_plan_num_ops(loaded) == placer_plan_num_ops(plan));
    EXPECT(placer_plan_step_time(loaded) == placer_plan_step_time(plan));
    EXPECT(strcmp(placer_plan_method(loaded), "heft") == 0);
    placer_plan_free(loaded);
    remove(files[i]);
  }
  EXPECT_STATUS(placer_plan_save(plan, "c_api_plan.docx"), PLACER_INVALID_INPUT);
  EXPECT(error_has("c_api_plan.docx"));
  placer_plan* missing = NULL;
  EXPECT_STATUS(placer_plan_load("no_such_plan.pb", &missing), PLACER_INVALID_INPUT);
  EXPECT(missing == NULL && error_has("no_such_plan.pb"));
  /* A plan for one graph is none for another. */
  placer_graph* other = load_graph("zoo:resnet50");
  placer_report* report = NULL;
  EXPECT_STATUS(placer_simulate(other, cluster, plan, NULL, NULL, &report), PLACER_INVALID_INPUT);
  EXPECT(report == NULL);
  placer_graph_free(other);
  placer_plan_free(plan);
}

/* NULL is refused, and nothing crashes. */
static void test_null(const placer_graph* graph, const placer_cluster* cluster) {
  placer_plan* plan = NULL;
  placer_report* report = NULL;
  EXPECT_STATUS(placer_graph_load(NULL, NULL, NULL), PLACER_INVALID_INPUT);
  EXPECT(error_has("NULL"));
  placer_graph* no_graph = NULL;
  EXPECT_STATUS(placer_graph_load(NULL, NULL, &no_graph), PLACER_INVALID_INPUT);
  placer_cluster* no_cluster = NULL;
  EXPECT_STATUS(placer_cluster_load(NULL, &no_cluster), PLACER_INVALID_INPUT);
  EXPECT_STATUS(placer_cluster_load("zoo:k80x2", NULL), PLACER_INVALID_INPUT);
  EXPECT_STATUS(placer_optimize(NULL, cluster, NULL, &plan), PLACER_INVALID_INPUT);
  EXPECT(error_has("graph"));
  EXPECT_STATUS(placer_optimize(graph, NULL, NULL, &plan), PLACER_INVALID_INPUT);
  EXPECT(error_has("cluster"));
  EXPECT_STATUS(placer_optimize(graph, cluster, NULL, NULL), PLACER_INVALID_INPUT);
  EXPECT_STATUS(placer_lower_bound(graph, cluster, NULL, NULL), PLACER_INVALID_INPUT);
  EXPECT_STATUS(placer_plan_create(graph, cluster, NULL, 0, &plan), PLACER_INVALID_INPUT);
  EXPECT_STATUS(placer_plan_load(NULL, &plan), PLACER_INVALID_INPUT);
  EXPECT_STATUS(placer_plan_save(NULL, "x.pb"), PLACER_INVALID_INPUT);
  EXPECT_STATUS(placer_plan_set_device(NULL, "a", "b"), PLACER_INVALID_INPUT);
  EXPECT_STATUS(placer_simulate(graph, cluster, NULL, NULL, NULL, &report), PLACER_INVALID_INPUT);
  EXPECT(placer_graph_name(NULL) == NULL && placer_graph_num_ops(NULL) == 0);
  EXPECT(placer_graph_op_name(NULL, 0) == NULL && placer_graph_find_op(NULL, "a") == -1);
  EXPECT(placer_graph_find_op(graph, NULL) == -1 && placer_graph_num_warnings(NULL) == 0);
  EXPECT(placer_cluster_name(NULL) == NULL && placer_cluster_num_devices(NULL) == 0);
  EXPECT(placer_plan_num_ops(NULL) == 0 && placer_plan_device_of(NULL, "a") == NULL);
  EXPECT(isnan(placer_plan_step_time(NULL)) && placer_plan_method(NULL) == NULL);
  EXPECT(isnan(placer_report_step_time(NULL)) && isnan(placer_report_bound(NULL)));
  EXPECT(placer_report_fits(NULL) == 0 && isnan(placer_report_op_start(NULL, 0)));
  placer_graph_free(NULL);
  placer_cluster_free(NULL);
  placer_plan_free(NULL);
  placer_report_free(NULL);
}

/* A method that learns runs where the LSTM policy is there, and says clearly where it is not. */
static void test_policy(const placer_graph* graph, const placer_cluster* cluster) {
  placer_optimize_options options = PLACER_OPTIMIZE_OPTIONS_INIT;
  options.method = "reinforce";
  options.samples = 32;
  options.groups = 12;
  placer_plan* plan = NULL;
  if (WITH_TORCH) {
    EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_OK);
    EXPECT(placer_plan_step_time(plan) > 0);
  } else {
    EXPECT_STATUS(placer_optimize(graph, cluster, &options, &plan), PLACER_UNAVAILABLE);
    EXPECT(plan == NULL && error_has("PLACER_WITH_TORCH"));
  }
  placer_plan_free(plan);
}

int main(void) {
  placer_graph* graph = load_graph("zoo:rnnlm?unroll=4");
  placer_cluster* cluster = load_cluster("zoo:k80x2");
  test_versions();
  test_graph();
  test_load_options();
  test_cluster();
  test_methods();
  test_bad_names();
  test_optimize(graph, cluster);
  test_cancel(graph, cluster);
  test_bad_options(graph, cluster);
  test_constraints(graph, cluster);
  test_infeasible(cluster);
  test_simulate(graph, cluster);
  test_files(graph, cluster);
  test_null(graph, cluster);
  test_policy(graph, cluster);
  placer_cluster_free(cluster);
  placer_graph_free(graph);
  if (failures > 0) {
    fprintf(stderr, "%d expectations failed\n", failures);
    return 1;
  }
  return 0;
}
