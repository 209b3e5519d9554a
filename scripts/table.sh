#!/usr/bin/env bash
# Prints the README's table: the methods at the same number of samples on six problems, 10 seeds; and, as a yardstick, annealing with ten times the
# samples on 3 seeds.
# Usage: scripts/table.sh [output folder, default runs/table]       About 15 minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly placer="build/release/bin/placer"
readonly out="${1:-runs/table}"
readonly methods="single_device,round_robin,topological,heft,etf,scotch,min_cut,expert,annealing,cross_entropy,reinforce"
readonly samples="${SAMPLES:-4000}" seeds="${SEEDS:-10}"
mkdir -p "$out"

compare() {  # name, arguments of placer compare
  local name="$1"
  shift
  echo "== $name: placer compare $*"
  "$placer" compare "$@" --methods "$methods" --samples "$samples" --seeds "$seeds" > "$out/$name.txt"
  cat "$out/$name.txt"
  echo "-- annealing with ten times the samples"
  "$placer" compare "$@" --methods annealing --samples "$((10 * samples))" --seeds 3 > "$out/$name.x10.txt"
  grep annealing "$out/$name.x10.txt"
}

compare inception_v3_k80x4 zoo:inception_v3 --cluster zoo:k80x4
compare nmt_k80x2 zoo:nmt --cluster zoo:k80x2
compare nmt_k80x4 zoo:nmt --cluster zoo:k80x4
compare rnnlm_k80x4 zoo:rnnlm --cluster zoo:k80x4
compare transformer_two_hosts zoo:transformer --cluster zoo:two_hosts
compare onnx_inception_v3_k80x4 graphs/samples/inception_v3.onnx --training --cluster zoo:k80x4
