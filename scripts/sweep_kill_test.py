#!/usr/bin/env python3
"""Kills a sweep and its workers at random, again and again, and checks that no finished trial is lost or run twice.

Usage: scripts/sweep_kill_test.py [--placer PLACER] [--kills 50] [--seeds 40] [--seed 1] [--methods METHOD,...]

The results at the end must equal those of the same sweep left alone: metrics but wall time, learning curves, and the
bytes of every placement. Trials of `reinforce`, which needs LibTorch, go on from checkpoints; the others start again.
"""
import argparse
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

# Samples and options of each method. A checkpoint after every second update of a small network: many to go on from.
METHODS = {
    "annealing": {"samples": "3000"},
    "cross_entropy": {"samples": "3000"},
    "reinforce": {"samples": "300", "options.hidden": "16", "options.batch": "10", "options.checkpoint_every": "2"},
}
CONFIG = """
base {{ model: "zoo:inception_v3" cluster: "zoo:k80x4" }}
axes {{ field: "method" values: {methods} {zips} }}
axes {{ field: "seed" range {{ from: 1 to: {seeds} }} }}
output_dir: "{out}"
"""


def config_text(methods, seeds, out):
    """The sweep as text; what only some methods have is an axis that moves with the method."""
    fields = sorted({field for method in methods for field in METHODS[method]})
    columns = {field: json.dumps([METHODS[method].get(field, "") for method in methods]) for field in fields}
    zips = " ".join(f'zip {{ field: "{field}" values: {values} }}' for field, values in columns.items())
    return CONFIG.format(methods=json.dumps(methods), zips=zips, seeds=seeds, out=out)


def rows(folder, query):
    with sqlite3.connect(f"file:{folder / 'sweep.db'}?mode=ro", uri=True, timeout=60) as database:
        return database.execute(query).fetchall()


def finished(folder):
    """Attempts and time of every trial that is done."""
    if not (folder / "sweep.db").exists():
        return {}
    try:
        return {key: rest for key, *rest in rows(folder, "SELECT key, attempts, finished FROM trials WHERE state = 'done'")}
    except sqlite3.OperationalError:  # killed before it had made its tables
        return {}


def outcome(folder):
    """What must not depend on how often the sweep was killed."""
    return (
        rows(folder, "SELECT key, state FROM trials ORDER BY key"),
        rows(folder, "SELECT key, name, value FROM metrics JOIN trials ON id = trial WHERE name <> 'wall_seconds' ORDER BY key, name"),
        rows(folder, "SELECT key, samples, step_time_seconds FROM curves JOIN trials ON id = trial ORDER BY key, samples"),
        rows(folder, "SELECT key, placement FROM placements JOIN trials ON id = trial ORDER BY key"),
    )


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:
            pass
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--placer", default=str(pathlib.Path(__file__).parent.parent / "build/release/bin/placer"))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--methods", default=",".join(METHODS), help="of " + ", ".join(METHODS))
    options = parser.parse_args()
    methods = options.methods.split(",")
    if not set(methods) <= set(METHODS):
        parser.error(f"--methods: found {options.methods}, expected some of {', '.join(METHODS)}")
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        commands = {}
        for name in ("undisturbed", "killed"):
            config = folder / f"{name}.txtpb"
            config.write_text(config_text(methods, options.seeds, folder / name))
            commands[name] = [options.placer, "sweep", str(config), "--jobs", "2", "--retry"]
        begun = time.monotonic()
        subprocess.run(commands["undisturbed"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        trials = len(methods) * options.seeds
        pace = (time.monotonic() - begun) / trials
        before, kills, of_workers, lost, repeated = {}, 0, 0, 0, 0
        while kills < options.kills:
            sweep = subprocess.Popen(commands["killed"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # Several kills of workers and then one of the sweep itself; all trials last about as long as all kills.
            for _ in range(rng.randrange(3)):
                time.sleep(rng.uniform(0, 1.6 * pace * trials / options.kills))
                workers = children(sweep.pid)
                if workers and kills + 1 < options.kills and kill(rng.choice(workers)):
                    kills += 1
                    of_workers += 1
            time.sleep(rng.uniform(0, 1.6 * pace * trials / options.kills))
            kills += sweep.poll() is None and kill(sweep.pid)
            sweep.wait()
            now = finished(folder / "killed")
            lost += sum(key not in now for key in before)
            repeated += sum(key in now and now[key] != value for key, value in before.items())
            before = now
        done_by_then = len(before)
        subprocess.run(commands["killed"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = finished(folder / "killed")
        lost += sum(key not in after for key in before)
        repeated += sum(key in after and after[key] != value for key, value in before.items())
        equal = outcome(folder / "killed") == outcome(folder / "undisturbed")
        attempts = sum(value[0] for value in after.values())
        print(
            f"{kills} kills ({of_workers} of workers, {kills - of_workers} of the sweep), {trials} trials, {done_by_then} of them finished by the last kill, "
            f"{attempts} begun in all: {lost} finished trials lost, {repeated} repeated, results {'equal' if equal else 'DIFFER from'} those of the undisturbed sweep"
        )
        return 0 if equal and lost == 0 and repeated == 0 and len(after) == trials else 1


if __name__ == "__main__":
    sys.exit(main())
