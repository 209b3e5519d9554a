"""The module as its users call it."""

import math
import os
import pathlib
import signal
import threading
import time

import numpy as np
import placer
import pytest

SAMPLE = pathlib.Path(os.environ["PLACER_SAMPLES"]) / "light_squeezenet.onnx"


@pytest.fixture(scope="module")
def graph():
    return placer.Graph("zoo:rnnlm?unroll=4")


@pytest.fixture(scope="module")
def cluster():
    return placer.Cluster("zoo:k80x2")


def test_graph(graph):
    assert graph.name == "rnnlm"
    assert len(graph) == len(graph.op_names) == len(graph.ops) > 50
    assert graph.warnings == []
    assert graph.fingerprint == placer.Graph("zoo:rnnlm?unroll=4").fingerprint
    assert "rnnlm" in repr(graph)
    names = graph.op_names
    op = graph.op(names[-1])
    assert op.name == names[-1]
    assert set(op.inputs) <= set(names)
    assert {op.role for op in graph.ops} <= {"input", "parameter", "forward", "backward", "update"}
    assert sum(op.flops for op in graph.ops) > 0
    with pytest.raises(KeyError, match="no such op"):
        graph.op("no such op")


def test_edges_are_those_of_the_ops(graph):
    edges = graph.edges
    assert edges.dtype == np.int64 and edges.shape[1] == 3
    assert np.all(edges[:, 0] < edges[:, 1])  # topological order
    names = graph.op_names
    pairs = {(names[a], names[b]) for a, b, _ in edges}
    assert pairs == {(source, op.name) for op in graph.ops for source in op.inputs}


def test_graph_options(tmp_path):
    plain = placer.Graph(SAMPLE)
    training = placer.Graph(str(SAMPLE), training=True)
    adam = placer.Graph(SAMPLE, training="adam", batch=2)
    assert len(training) > 2 * len(plain)
    assert {op.role for op in adam.ops} > {"backward", "update"}
    state = lambda g: sum(op.persistent_bytes for op in g.ops)
    assert state(adam) == 2 * state(training) > 0  # two moments instead of one
    plain.save(tmp_path / "graph.pb")
    assert placer.Graph(tmp_path / "graph.pb").fingerprint == plain.fingerprint


def test_cluster(cluster):
    assert cluster.name == "k80x2"
    assert [device.name for device in cluster.devices] == ["/cpu:0", "/gpu:0", "/gpu:1"]
    assert [device.kind for device in cluster.devices] == ["cpu", "gpu", "gpu"]
    gpu = cluster.devices[1]
    assert gpu.memory_bytes > 1e9 and gpu.flops_per_s > 1e12 and gpu.memory_bytes_per_s > 1e10
    assert len(cluster) == 3
    assert "/gpu:0" in repr(gpu)


def test_bad_inputs_are_explained(graph, cluster, tmp_path):
    for call, part in [
        (lambda: placer.Graph("zoo:nothing"), "rnnlm"),
        (lambda: placer.Graph(tmp_path / "none.onnx"), "none.onnx"),
        (lambda: placer.Graph("zoo:rnnlm", training=True), "training step"),
        (lambda: placer.Graph(SAMPLE, training="newton"), "newton"),
        (lambda: placer.Cluster("zoo:nothing"), "k80x4"),
        (lambda: placer.optimize(graph, cluster, method="magic"), "annealing"),
        (lambda: placer.optimize(graph, cluster, samples=0), "samples"),
        (lambda: placer.optimize(graph, cluster, seconds=math.nan), "seconds"),
        (lambda: placer.optimize(graph, cluster, order="lifo"), "lifo"),
        (lambda: placer.simulate(graph, cluster, "/gpu:9"), "/gpu:9"),
        (lambda: placer.simulate(graph, cluster, {"a": "/gpu:0"}), "missing"),
        (lambda: placer.Plan.load(tmp_path / "none.pb"), "none.pb"),
    ]:
        with pytest.raises(placer.InputError, match=part) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert issubclass(placer.InputError, ValueError)
    assert issubclass(placer.InputError, placer.Error)
    with pytest.raises(TypeError):
        placer.optimize(graph, "zoo:k80x2")
    with pytest.raises(TypeError, match="names of devices"):
        placer.simulate(graph, cluster, dict.fromkeys(graph.op_names, 3))
    with pytest.raises(placer.InputError, match="extra"):
        placer.Plan(graph, cluster, {**dict.fromkeys(graph.op_names, "/gpu:0"), "extra": "/gpu:0"})


def test_optimize(graph, cluster):
    plan = placer.optimize(graph, cluster, samples=300, seed=3)
    assert plan.fits and plan.method == "auto" and plan.seed == 3 and not plan.cancelled
    assert 1 <= plan.samples <= 300 and plan.wall_time > 0
    assert list(plan) == list(plan.keys()) == list(plan.devices) == graph.op_names
    assert dict(plan) == dict(plan.items()) == plan.devices
    assert len(plan) == len(graph)
    assert set(plan.values()) <= {device.name for device in cluster.devices}
    assert plan[graph.op_names[0]] == plan.devices[graph.op_names[0]]
    assert graph.op_names[0] in plan and "nothing" not in plan and 3 not in plan
    with pytest.raises(KeyError):
        plan["nothing"]
    assert plan.curve.shape[1] == 2 and plan.curve[-1, 1] == plan.step_time
    assert np.all(np.diff(plan.curve[:, 0]) > 0)
    assert dict(plan) == dict(placer.optimise(graph, cluster, samples=300, seed=3))


def test_simulate_agrees_with_the_search(graph, cluster):
    plan = placer.optimize(graph, cluster, method="heft")
    for form in (plan, plan.devices, dict(plan)):
        report = placer.simulate(graph, cluster, form)
        assert report.step_time == plan.step_time
        assert report.fits and report.reason == ""
    assert 0 < report.bound <= report.step_time
    assert report.gap_limit == pytest.approx(report.step_time / report.bound - 1)
    assert set(report.busy) == set(report.peak_bytes) == {"/cpu:0", "/gpu:0", "/gpu:1"}


def test_traces(graph, cluster):
    plan = placer.optimize(graph, cluster, method="round_robin", groups=10)
    report = placer.simulate(graph, cluster, plan)
    ran = ~np.isnan(report.start)
    assert report.start.shape == report.end.shape == report.device.shape == (len(graph),)
    assert np.all(np.isnan(report.end) == ~ran)
    assert np.nanmax(report.end) == report.step_time
    assert report.device.dtype == np.int32
    devices = [device.name for device in cluster.devices]
    assert [devices[d] for d in report.device] == list(plan.values())
    for d, name in enumerate(devices):  # one op at a time on each device
        mine = np.flatnonzero(ran & (report.device == d))
        mine = mine[np.argsort(report.start[mine], kind="stable")]
        assert np.all(report.start[mine][1:] >= report.end[mine][:-1] - 1e-15)
        assert np.sum(report.end[mine] - report.start[mine]) == pytest.approx(report.busy[name])
    moves = report.transfers
    assert len(moves["op"]) > 0 and len({len(column) for column in moves.values()}) == 1
    assert np.all(moves["requested"] <= moves["start"]) and np.all(moves["start"] <= moves["end"])
    assert moves["bytes"].sum() == report.moved_bytes
    assert np.all(moves["source"] != moves["destination"])
    memory = report.memory
    for d, name in enumerate(devices):
        points = memory["bytes"][memory["device"] == d]
        assert (points.max() if len(points) else 0) == report.peak_bytes[name]


def test_max_load_has_no_schedule(graph, cluster):
    report = placer.simulate(graph, cluster, "/gpu:0", objective="max-load")
    assert report.step_time > 0 and np.all(np.isnan(report.start))
    assert len(report.transfers["op"]) == 0


def test_own_plans_and_files(graph, cluster, tmp_path):
    mine = placer.Plan(graph, cluster, dict.fromkeys(graph.op_names, "/gpu:1"))
    assert mine.step_time is None and mine.fits is None and mine.samples == 0
    assert dict(mine) == dict(placer.Plan(graph, cluster, "/gpu:1"))
    found = placer.optimize(graph, cluster, method="etf")
    for suffix in ("pb", "txtpb", "json"):
        path = tmp_path / f"plan.{suffix}"
        found.save(path)
        loaded = placer.Plan.load(path)
        assert dict(loaded) == dict(found) and loaded.step_time == found.step_time
        assert (loaded.method, loaded.graph_name, loaded.cluster_name) == ("etf", "rnnlm", "k80x2")
    with pytest.raises(placer.InputError, match="docx"):
        found.save(tmp_path / "plan.docx")
    with pytest.raises(placer.InputError):
        placer.simulate(placer.Graph("zoo:resnet50"), cluster, found)


def test_nothing_fits(cluster):
    big = placer.Graph("zoo:inception_v3?batch=4096")
    with pytest.raises(placer.InfeasibleError, match="needs .* GB") as caught:
        placer.optimize(big, cluster, method="heft")
    plan = caught.value.plan
    assert plan.fits is False and plan.step_time is None
    report = placer.simulate(big, cluster, plan)
    assert not report.fits and "needs" in report.reason


def test_constraints(graph, cluster):
    plan = placer.optimize(graph, cluster, samples=50, pin=["*=/gpu:1"])
    assert set(plan.values()) == {"/gpu:1"}
    plan = placer.optimize(graph, cluster, samples=50, forbid=["*=/gpu:0", "*=cpu"])
    assert set(plan.values()) == {"/gpu:1"}
    first, last = graph.op_names[0], graph.op_names[-1]
    plan = placer.optimize(graph, cluster, samples=50, apart=[f"{first},{last}"])
    assert plan[first] != plan[last]
    with pytest.raises(placer.InputError, match="forbid"):
        placer.optimize(graph, cluster, pin=["*=/gpu:1"], forbid=["*=gpu"])
    with pytest.raises(placer.InputError, match="no such op"):
        placer.optimize(graph, cluster, pin=["no such op=/gpu:1"])
    with pytest.raises(placer.Error):
        placer.optimize(graph, cluster, samples=50, headroom=["cpu=100%", "gpu=100%"])


def test_progress_can_cancel(graph, cluster):
    seen = []

    def progress(at):
        seen.append((at.samples, at.step_time, at.elapsed))
        return len(seen) < 3

    plan = placer.optimize(graph, cluster, method="annealing", samples=10**9, progress=progress)
    assert plan.cancelled and plan.fits and len(seen) == 3
    assert plan.step_time <= seen[-1][1]
    assert seen == sorted(seen, key=lambda at: at[0])


def test_an_exception_in_progress_ends_the_search(graph, cluster):
    def progress(at):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        placer.optimize(graph, cluster, method="annealing", samples=10**9, progress=progress)


def test_ctrl_c(graph, cluster):
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        placer.optimize(graph, cluster, method="annealing", samples=10**9)
    timer.join()
    assert time.monotonic() - start < 30


def test_other_threads_run_meanwhile(graph, cluster):
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(None)
            time.sleep(0.005)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.monotonic()
    placer.optimize(graph, cluster, method="annealing", samples=10**9, seconds=0.5)
    took = time.monotonic() - start
    during = len(ticks)
    done.set()
    thread.join()
    assert took >= 0.5
    assert during >= 10  # of about 100; a held lock leaves one or two


def test_methods_and_zoos():
    assert {"auto", "heft", "annealing", "reinforce"} <= set(placer.methods())
    assert all(placer.methods().values())
    assert "zoo:k80x4" in placer.cluster_zoo()
    for name in placer.graph_zoo():
        assert name.startswith("zoo:")


def test_learning(graph, cluster):
    call = lambda: placer.optimize(graph, cluster, method="reinforce", samples=32, groups=12)
    if os.environ["PLACER_WITH_TORCH"] == "ON":
        assert call().fits
    else:
        with pytest.raises(placer.UnavailableError, match="PLACER_WITH_TORCH"):
            call()
