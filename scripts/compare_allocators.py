#!/usr/bin/python3
"""How long steps of a model take to replay with one allocator or another: medians over rounds in which each has a turn.

    scripts/compare_allocators.py REPLAY_BENCH MODEL.pt [--training] [--rounds N] [--steps N] INPUT...

Needs Debian's libjemalloc2 and libmimalloc2.0 for the rows of those; without, they are left out.
"""
import argparse
import ctypes.util
import os
import statistics
import subprocess

BLOCKS = {"new": ["--no-reuse"], "new, huge pages": ["--no-reuse", "--huge-pages"], "reused": [], "reused, huge pages": ["--huge-pages"]}


def replay(options, library, blocks):
    """One process: what `replay_bench --memory` prints, by name."""
    command = [options.bench, options.model, *blocks, "--memory", str(options.steps), *options.inputs]
    command += ["--training"] if options.training else []
    environment = os.environ | ({"LD_PRELOAD": library} if library else {})
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    words = output.stdout.splitlines()[-1].split()
    return {name: float(value) for name, value in zip(words[::2], words[1::2])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("model")
    parser.add_argument("inputs", nargs="+")
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5)
    options = parser.parse_args()
    libraries = {"glibc": ""}
    for name in ("jemalloc", "mimalloc"):
        if library := ctypes.util.find_library(name):
            libraries[name] = library
    found = {(allocator, blocks): [] for allocator in libraries for blocks in BLOCKS}
    for _ in range(options.rounds):
        for (allocator, blocks), rows in found.items():
            rows.append(replay(options, libraries[allocator], BLOCKS[blocks]))
    print("| malloc | blocks | first step | page faults | later steps | page faults | resident, most |")
    print("|---|---|---|---|---|---|---|")
    for (allocator, blocks), rows in found.items():
        median = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
        print("| {} | {} | {first_ms:.0f} ms | {first_faults:,.0f} | {steady_ms:.0f} ms | {steady_faults:,.0f} | {peak_mb:,.0f} MB |".format(
            allocator, blocks, **median))


if __name__ == "__main__":
    main()
