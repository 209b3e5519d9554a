/* Placer from C: on which device each op of a neural network should run.
 *
 * Handles are made by functions that take a pointer to one as last argument, and freed by the
 * function whose name ends in `_free`; freeing NULL does nothing. They do not depend on each other:
 * a graph may be freed while a plan made from it is in use. A handle may be read from many threads
 * at a time; placer_plan_set_device() changes one, and needs it alone.
 *
 * A function that can fail returns a placer_status. If it is not PLACER_OK, placer_last_error()
 * says why in one line, and unless its description says otherwise the handle it should have made is
 * NULL. No function lets a C++ exception out. A NULL where a handle or name is needed is an error
 * like any other: functions that return no status give 0, NULL, -1 or NaN then, as each says.
 *
 * Strings are UTF-8 and belong to the handle they come from. Times are seconds, memory is bytes.
 */
#ifndef PLACER_PLACER_H_
#define PLACER_PLACER_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define PLACER_API __attribute__((visibility("default")))
#else
#define PLACER_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Number of this interface. It grows when functions, or fields at the end of a structure, are
 * added; nothing that is there changes while the library is called libplacer.so.0. */
#define PLACER_ABI_VERSION 1
/* The same number of the library that was loaded: at least that of the header, or it is too old. */
PLACER_API uint32_t placer_abi_version(void);
/* The release, "0.1.0". */
PLACER_API const char* placer_version(void);

/* Where the `placer` command has an exit code for it, the number is the same. */
typedef enum placer_status {
  PLACER_OK = 0,
  PLACER_INTERNAL_ERROR = 1, /* a fault of the library, or no memory */
  PLACER_INVALID_INPUT = 2,  /* a file, name or option; or a NULL argument */
  PLACER_INFEASIBLE = 3,     /* no placement that fits in memory was found */
  PLACER_UNAVAILABLE = 4, /* what needs LibTorch cannot be loaded or run: reinforce, TorchScript */
  PLACER_CANCELLED = 130  /* the progress callback asked to stop */
} placer_status;

/* Why the last call of this thread that returned a status failed; "" if it did not. Good until the
 * thread's next call that returns a status. */
PLACER_API const char* placer_last_error(void);

typedef struct placer_graph placer_graph;     /* a model as a graph of ops */
typedef struct placer_cluster placer_cluster; /* devices and links */
typedef struct placer_plan placer_plan;       /* a device for every op, by name */
typedef struct placer_report placer_report;   /* what one step under a plan costs */

/* ---- Models -------------------------------------------------------------------------------- */

/* Start from PLACER_LOAD_OPTIONS_INIT, so that fields added later have their defaults. */
typedef struct placer_load_options {
  size_t size;           /* of this structure, as the caller was compiled */
  int64_t batch;         /* the batch dimension of the model's inputs; 0: as in the model */
  int training;          /* nonzero: turn an inference model into a training step */
  const char* optimizer; /* "sgd", "momentum" or "adam"; needs `training`; NULL: "momentum" */
} placer_load_options;
#define PLACER_LOAD_OPTIONS_INIT \
  { sizeof(placer_load_options), 0, 0, NULL }

/* Reads a model: a file of any kind that the `placer` command reads, or "zoo:NAME[?key=value&...]".
 * `options` may be NULL. */
PLACER_API placer_status placer_graph_load(const char* model, const placer_load_options* options,
                                           placer_graph** graph);
PLACER_API void placer_graph_free(placer_graph* graph);
PLACER_API const char* placer_graph_name(const placer_graph* graph); /* or NULL */
PLACER_API size_t placer_graph_num_ops(const placer_graph* graph);   /* or 0 */
/* Ops are numbered in topological order. NULL for an index that is too large. */
PLACER_API const char* placer_graph_op_name(const placer_graph* graph, size_t op);
PLACER_API const char* placer_graph_op_type(const placer_graph* graph, size_t op);
PLACER_API int64_t placer_graph_find_op(const placer_graph* graph, const char* name); /* or -1 */
/* What the user should know about how the model was read, one line each. */
PLACER_API size_t placer_graph_num_warnings(const placer_graph* graph);
PLACER_API const char* placer_graph_warning(const placer_graph* graph, size_t index); /* or NULL */

/* ---- Clusters ------------------------------------------------------------------------------ */

/* Reads a cluster: a file, or "zoo:NAME". */
PLACER_API placer_status placer_cluster_load(const char* cluster_name, placer_cluster** cluster);
PLACER_API void placer_cluster_free(placer_cluster* cluster);
PLACER_API const char* placer_cluster_name(const placer_cluster* cluster); /* or NULL */
PLACER_API size_t placer_cluster_num_devices(const placer_cluster* cluster);
PLACER_API const char* placer_cluster_device_name(const placer_cluster* cluster, size_t device);
PLACER_API const char* placer_cluster_device_kind(const placer_cluster* cluster, size_t device);
PLACER_API int64_t placer_cluster_device_memory(const placer_cluster* cluster,
                                                size_t device); /* bytes, or -1 */

/* ---- Finding a plan ------------------------------------------------------------------------ */

/* The methods by name: "auto", "heft", "annealing", "reinforce", ... NULL beyond the last. */
PLACER_API size_t placer_num_methods(void);
PLACER_API const char* placer_method_name(size_t method);
PLACER_API const char* placer_method_summary(size_t method);

typedef struct placer_progress {
  size_t size;           /* of this structure, as the library was compiled */
  int64_t samples;       /* placements evaluated so far */
  double best_step_time; /* seconds, of the best so far; NaN if none fits yet */
  double elapsed;        /* seconds since the search began */
} placer_progress;

/* Called now and then (at most ten times a second) from the thread of placer_optimize(). Nonzero:
 * stop and return the best so far. It must return: no exception, no longjmp. */
typedef int (*placer_progress_callback)(const placer_progress* progress, void* user_data);

/* Start from PLACER_OPTIMIZE_OPTIONS_INIT. The last fields say what every plan must keep to: lists
 * of strings that end with NULL, or NULL. PATTERN is a glob or /regex/ over op names, DEVICE the
 * name or the kind of devices. */
typedef struct placer_optimize_options {
  size_t size;
  const char* method;                /* NULL: "auto", the quick methods and then annealing */
  int64_t samples;                   /* placements that the search may evaluate, at least 1 */
  double seconds;                    /* stop after this time; 0: no limit */
  uint64_t seed;                     /* the same seed gives the same plan */
  int64_t groups;                    /* merge ops into at most so many groups; 0: no cap; -1: 100 */
  const char* order;                 /* "fifo" or "critical-path"; NULL: "fifo" */
  const char* objective;             /* "latency" or "max-load"; NULL: "latency" */
  placer_progress_callback progress; /* or NULL */
  void* user_data;                   /* handed to `progress` */
  const char* const* pin;            /* "PATTERN=DEVICE": these ops run there and nowhere else */
  const char* const* forbid;         /* "PATTERN=DEVICE": these ops never run there */
  const char* const* together;       /* "PATTERN": these ops share a device */
  const char* const* apart;          /* "A,B": no op of A shares a device with an op of B */
  const char* const* headroom;       /* "DEVICE=2GB" or "DEVICE=10%": memory to leave free */
  int whole_modules; /* nonzero: the ops of one module of the source share a device */
} placer_optimize_options;
#define PLACER_OPTIMIZE_OPTIONS_INIT                                                             \
  {                                                                                              \
    sizeof(placer_optimize_options), NULL, 4000, 0.0, 1, -1, NULL, NULL, NULL, NULL, NULL, NULL, \
        NULL, NULL, NULL, 0                                                                      \
  }

/* Searches for a plan. `options` may be NULL. The plan is the best found also when the status is
 * PLACER_CANCELLED or PLACER_INFEASIBLE (the one that lacks least memory); it is NULL if no
 * placement was evaluated before the search ended. */
PLACER_API placer_status placer_optimize(const placer_graph* graph, const placer_cluster* cluster,
                                         const placer_optimize_options* options,
                                         placer_plan** plan);

/* Seconds that no plan can beat, under "latency" or "max-load" (NULL: "latency"). */
PLACER_API placer_status placer_lower_bound(const placer_graph* graph,
                                            const placer_cluster* cluster, const char* objective,
                                            double* seconds);

/* ---- Plans --------------------------------------------------------------------------------- */

/* A plan of one's own: `devices[i]` is the name of op i's device, num_ops of them. The names must
 * be known; whether ops may be where they are is checked by placer_simulate(). */
PLACER_API placer_status placer_plan_create(const placer_graph* graph,
                                            const placer_cluster* cluster,
                                            const char* const* devices, size_t num_ops,
                                            placer_plan** plan);
/* .pb, .txtpb or .json, told apart by content. */
PLACER_API placer_status placer_plan_load(const char* path, placer_plan** plan);
/* .pb, .txtpb, .json or .csv by suffix. The file appears by rename. */
PLACER_API placer_status placer_plan_save(const placer_plan* plan, const char* path);
PLACER_API void placer_plan_free(placer_plan* plan);

PLACER_API size_t placer_plan_num_ops(const placer_plan* plan);
PLACER_API const char* placer_plan_op_name(const placer_plan* plan, size_t op);     /* or NULL */
PLACER_API const char* placer_plan_device_name(const placer_plan* plan, size_t op); /* or NULL */
/* The device of an op by name; NULL if the plan has no such op. */
PLACER_API const char* placer_plan_device_of(const placer_plan* plan, const char* op_name);
/* Moves an op. The step time of the plan is unknown from then on. */
PLACER_API placer_status placer_plan_set_device(placer_plan* plan, const char* op_name,
                                                const char* device_name);
/* Seconds, as simulated when the plan was made; NaN if unknown, or if it does not fit. */
PLACER_API double placer_plan_step_time(const placer_plan* plan);
PLACER_API const char* placer_plan_method(const placer_plan* plan); /* "" if unknown, or NULL */

/* ---- Simulation ---------------------------------------------------------------------------- */

/* Simulates one step. `order` and `objective` as above; NULL: the defaults. A plan that does not
 * fit in memory is no error: see placer_report_fits(). A plan that is for another graph or cluster,
 * or that has an op where it may not run, is PLACER_INVALID_INPUT. */
PLACER_API placer_status placer_simulate(const placer_graph* graph, const placer_cluster* cluster,
                                         const placer_plan* plan, const char* order,
                                         const char* objective, placer_report** report);
PLACER_API void placer_report_free(placer_report* report);
PLACER_API double placer_report_step_time(const placer_report* report);   /* seconds, or NaN */
PLACER_API double placer_report_bound(const placer_report* report);       /* seconds, or NaN */
PLACER_API int placer_report_fits(const placer_report* report);           /* 1: fits; else 0 */
PLACER_API const char* placer_report_reason(const placer_report* report); /* why not; else "" */
PLACER_API double placer_report_device_busy(const placer_report* report, size_t device);
PLACER_API int64_t placer_report_device_peak_bytes(const placer_report* report,
                                                   size_t device); /* or -1 */
/* When an op starts and ends, seconds from the start of the step. NaN for ops that take no time
 * (inputs, parameters), and for the objective "max-load", which has no schedule. */
PLACER_API double placer_report_op_start(const placer_report* report, size_t op);
PLACER_API double placer_report_op_end(const placer_report* report, size_t op);

#ifdef __cplusplus
}
#endif

#endif
