/* Finds a placement and says what it costs. Usage: place_c MODEL CLUSTER PLAN [METHOD [SAMPLES]] */
#include <placer.h>
#include <stdio.h>
#include <stdlib.h>

static int on_progress(const placer_progress* at, void* user_data) {
  (void)user_data;
  fprintf(stderr, "%lld samples, best %g s\n", (long long)at->samples, at->best_step_time);
  return 0; /* nonzero: stop, and keep the best so far */
}

int main(int argc, char** argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: place_c MODEL CLUSTER PLAN [METHOD [SAMPLES]]\n");
    return 2;
  }
  placer_graph* graph = NULL;
  placer_cluster* cluster = NULL;
  placer_plan* plan = NULL;
  placer_report* report = NULL;
  placer_optimize_options options = PLACER_OPTIMIZE_OPTIONS_INIT;
  options.method = argc > 4 ? argv[4] : "auto";
  options.samples = argc > 5 ? atoll(argv[5]) : 2000;
  options.progress = on_progress;

  placer_status status = placer_graph_load(argv[1], NULL, &graph);
  if (status == PLACER_OK) status = placer_cluster_load(argv[2], &cluster);
  if (status == PLACER_OK) status = placer_optimize(graph, cluster, &options, &plan);
  if (status == PLACER_OK) status = placer_simulate(graph, cluster, plan, NULL, NULL, &report);
  if (status == PLACER_OK) status = placer_plan_save(plan, argv[3]);
  if (status == PLACER_OK) {
    printf("step time %g s, bound %g s\n", placer_report_step_time(report),
           placer_report_bound(report));
    for (size_t op = 0; op < placer_plan_num_ops(plan); ++op) {
      printf("%s -> %s\n", placer_plan_op_name(plan, op), placer_plan_device_name(plan, op));
    }
  } else {
    fprintf(stderr, "%s\n", placer_last_error());
  }
  placer_report_free(report);
  placer_plan_free(plan);
  placer_cluster_free(cluster);
  placer_graph_free(graph);
  return (int)status;
}
