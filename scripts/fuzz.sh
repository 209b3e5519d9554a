#!/bin/bash
# fuzz.sh [-t SECONDS | -n INPUTS] [IMPORTER...]
#
# Builds the libFuzzer targets (preset fuzz: Clang, ASan, UBSan) and runs those of the importers named, or all: 30 seconds each, or until INPUTS inputs
# were tried. Seeds are the files of the tests; what is found stays in build/fuzz/corpus. A crash, an input that takes more than a second of
# processor time or 1 GiB, or a message that is not one line ends the run with an error and leaves the input in build/fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/.."

limit=(-max_total_time=30)
while getopts "t:n:" option; do
  case $option in
    t) limit=("-max_total_time=$OPTARG") ;;
    n) limit=("-runs=$OPTARG") ;;
    *) sed -n 2p "$0" | cut -c3- >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))
importers=("$@")
[ ${#importers[@]} -gt 0 ] || importers=(onnx placer graphdef partitioning pipedream doppler)

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
build=build/fuzz
"$build/bin/write_seeds" "$build/seeds"
mkdir -p "$build/found"
# libonnx and libprotobuf are Debian's, without sanitizers: a container that they have filled would look overflown.
export ASAN_OPTIONS=detect_container_overflow=0:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
for importer in "${importers[@]}"; do
  mkdir -p "$build/corpus/$importer"
  echo "== $importer"
  "$build/bin/fuzz_$importer" "${limit[@]}" -seed=1 -timeout=60 -rss_limit_mb=1024 -malloc_limit_mb=512 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$build/found/$importer-" "$build/corpus/$importer" "$build/seeds/$importer" 2>&1 |
    { grep -E "^(#|stat::|==|ERROR|SUMMARY|a bad message|MS:)|runtime error|ALARM|    #[0-9]+ " || true; } | grep -vE "^#[0-9]+.(NEW|REDUCE|RELOAD|pulse)"
done
