"""Finds a placement and says what it costs. Usage: place.py MODEL CLUSTER PLAN [METHOD [SAMPLES]]"""

import sys

import placer


def main(model, cluster, path, method="auto", samples="2000"):
    graph = placer.Graph(model)
    cluster = placer.Cluster(cluster)

    def progress(at):
        print(f"{at.samples} samples, best {at.step_time} s", file=sys.stderr)
        return True  # False: stop, and keep the best so far

    plan = placer.optimize(graph, cluster, method=method, samples=int(samples), progress=progress)
    report = placer.simulate(graph, cluster, plan)
    print(f"step time {report.step_time:.6g} s, bound {report.bound:.6g} s")
    for op, device in plan.items():
        print(op, "->", device)
    plan.save(path)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except placer.Error as error:
        sys.exit(str(error))
