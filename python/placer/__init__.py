"""Placer finds on which device each op of a neural network should run.

    import placer

    graph = placer.Graph("model.onnx", training=True)
    cluster = placer.Cluster("zoo:k80x4")
    plan = placer.optimize(graph, cluster)
    print(plan.step_time, plan.devices)

    report = placer.simulate(graph, cluster, plan)
    print(report.step_time, report.bound, report.busy)

A plan is a mapping of op names to device names. Times are seconds, memory is bytes, rates are per
second. Everything can be called from many threads; long calls let other Python threads run.
"""

from placer._core import (
    Cluster,
    Device,
    Error,
    Graph,
    InfeasibleError,
    InputError,
    Op,
    Plan,
    Progress,
    Report,
    UnavailableError,
    __version__,
    cluster_zoo,
    graph_zoo,
    methods,
    optimise,
    optimize,
    simulate,
)

__all__ = [
    "Cluster",
    "Device",
    "Error",
    "Graph",
    "InfeasibleError",
    "InputError",
    "Op",
    "Plan",
    "Progress",
    "Report",
    "UnavailableError",
    "__version__",
    "cluster_zoo",
    "graph_zoo",
    "methods",
    "optimise",
    "optimize",
    "simulate",
]
