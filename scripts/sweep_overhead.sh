#!/usr/bin/env bash
# How much of a sweep's time is not spent in its trials: 500 trials of one second by two workers.
# Usage: scripts/sweep_overhead.sh [PLACER [TRIALS [JOBS]]]      default: build/release/bin/placer 500 2
# Wants a machine that does nothing else. Takes TRIALS / JOBS seconds and a little.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
placer="$(realpath "${1:-build/release/bin/placer}")"
trials="${2:-500}"
jobs="${3:-2}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cat > "$folder/overhead.txtpb" <<CONFIG
base { model: "zoo:inception_v3" cluster: "zoo:k80x4" method: "annealing" samples: 1000000000 seconds: 1 }
axes { field: "seed" range { from: 1 to: $trials } }
output_dir: "$folder/out"
CONFIG
start="$(date +%s.%N)"
"$placer" sweep "$folder/overhead.txtpb" --jobs "$jobs" > "$folder/table.txt"
end="$(date +%s.%N)"
cat "$folder/table.txt"
"$placer" results "$folder/overhead.txtpb" --json | python3 -c '
import json, sys
wall, jobs = float(sys.argv[1]), int(sys.argv[2])
trials = json.load(sys.stdin)["trials"]
done = [t for t in trials if t["state"] == "done"]
spent = sum(t["metrics"]["wall_seconds"] for t in done) / jobs
print(f"{len(done)} of {len(trials)} trials, {jobs} at a time: {wall:.1f} s, {len(done) / jobs:.1f} s of them in trials of 1 s: {wall / (len(done) / jobs) - 1:.2%} overhead ({spent:.1f} s as the trials measured themselves)")
' "$(python3 -c "print($end - $start)")" "$jobs"
