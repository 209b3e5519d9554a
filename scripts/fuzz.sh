#!/usr/bin/env bash
# Builds the libFuzzer target of the importers (preset fuzz: Clang, ASan, UBSan) and runs it for those named, or all.
# Usage: scripts/fuzz.sh [-t SECONDS | -n INPUTS] [-j JOBS] [-f] [IMPORTER...]
#   -t   how long each runs (default 30 seconds)
#   -n   how many inputs each tries instead
#   -j   how many run at a time (default 1)
#   -f   start afresh: what earlier runs found is removed, so that the same inputs are tried in the same order
# Seeds are the files of the tests; what is found stays in build/fuzz/corpus. A crash, an input that takes more than a second of processor time or
# 1 GiB, or a message that is not one line ends a run with an error and leaves the input in build/fuzz/found. The whole output of a run is in
# build/fuzz/log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly build=build/fuzz

limit=-max_total_time=30
jobs=1
fresh=0
while getopts "t:n:j:f" option; do
  case "$option" in
    t) limit="-max_total_time=$OPTARG" ;;
    n) limit="-runs=$OPTARG" ;;
    j) jobs="$OPTARG" ;;
    f) fresh=1 ;;
    *) sed --quiet '3s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))
command -v clang++ > /dev/null || { echo "fuzz: no clang++; run scripts/install_deps.sh --fuzz" >&2; exit 2; }

cmake --preset fuzz > /dev/null
cmake --build --preset fuzz
readonly built_at=$SECONDS
rm --recursive --force "$build/seeds"
"$build/bin/write_seeds" "$build/seeds"
known=("$build"/seeds/*)
known=("${known[@]##*/}")
importers=("$@")
((${#importers[@]} > 0)) || importers=("${known[@]}")
for importer in "${importers[@]}"; do
  [[ " ${known[*]} " == *" $importer "* ]] || { echo "fuzz: unknown importer '$importer', expected some of: ${known[*]}" >&2; exit 2; }
done
mkdir --parents "$build/found" "$build/log"
# libonnx and libprotobuf are Debian's, without sanitizers: a container that they have filled would look overflown.
export ASAN_OPTIONS=detect_container_overflow=0:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1

# stat_of NAME FILE: a number that libFuzzer prints at the end.
stat_of() {
  sed --quiet "s/^stat::$1: *//p" "$2"
}

run_importer() {
  local importer="$1" log="$build/log/$1.log" status=0
  ((fresh == 0)) || rm --recursive --force "$build/corpus/$importer"
  mkdir --parents "$build/corpus/$importer"
  "$build/bin/import_fuzz" "$importer" "$limit" -seed=1 -timeout=60 -rss_limit_mb=1024 -malloc_limit_mb=512 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$build/found/$importer-" "$build/corpus/$importer" "$build/seeds/$importer" > "$log" 2>&1 || status=$?
  echo "fuzz: $importer: $(stat_of number_of_executed_units "$log") inputs, $(stat_of average_exec_per_sec "$log") a second," \
       "$(stat_of peak_rss_mb "$log") MB at most, returned $status"
  ((status == 0)) && return
  grep --extended-regexp '^(==|ERROR|SUMMARY|a bad message|artifact_prefix|Test unit)|runtime error|ALARM|^    #[0-9]+ ' "$log" >&2 || tail --lines=20 "$log" >&2
  return 1
}

pids=()
for importer in "${importers[@]}"; do
  # A place is free when one of those that run has ended.
  while (($(jobs -pr | wc --lines) >= jobs)); do
    wait -n || true
  done
  run_importer "$importer" &
  pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do
  wait "$pid" || failed=$((failed + 1))
done
echo "fuzz: built in $built_at s, ran for $((SECONDS - built_at)) s, $failed of ${#importers[@]} failed"
((failed == 0))
