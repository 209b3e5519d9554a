#!/usr/bin/env bash
# Installs the dependencies, builds and runs all tests. Fails when a test fails and when no test ran.
# Usage: scripts/test.sh [more options of ctest, e.g. -R SimulatedRunner]     with options: those tests alone, without fuzzing
#   PLACER_PRESET   which preset to test: dev (default: the quickest build, assertions on, warnings are errors), release, asan, tsan
#   PLACER_PAGE=0   does without the page of `placer report` and its test in a browser
#   PLACER_FUZZ_SECONDS   how long every importer is fuzzed by scripts/fuzz.sh, always from the same seeds (default 30; 0: not at all)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly preset="${PLACER_PRESET:-dev}"
(($# > 0)) && PLACER_FUZZ_SECONDS=0
fuzz_seconds="${PLACER_FUZZ_SECONDS:-30}"
[[ "$fuzz_seconds" =~ ^[0-9]+$ ]] || { echo "test: PLACER_FUZZ_SECONDS is '$fuzz_seconds', expected a number" >&2; exit 2; }

echo "test: 1/4 dependencies"
bash scripts/install_deps.sh
no_fuzzing="PLACER_FUZZ_SECONDS=30 and no options run it"
if ((fuzz_seconds > 0)) && ! bash scripts/install_deps.sh --fuzz; then
  echo "test: goes on without fuzzing" >&2
  no_fuzzing="its packages could not be installed"
  fuzz_seconds=0
fi
if [[ "${PLACER_PAGE:-1}" != 0 ]]; then
  bash scripts/install_deps.sh --page || echo "test: goes on without the page of placer report; its tests are skipped" >&2
fi
readonly installed_at=$SECONDS

echo "test: 2/4 build into build/$preset"
cmake --preset "$preset"
cmake --build "build/$preset" --parallel "$(nproc)"
readonly built_at=$SECONDS

echo "test: 3/4 ctest"
status=0
readonly log="$PWD/build/$preset/ctest.log"
rm --force "$log"
ctest --preset "$preset" --parallel 2 --output-on-failure --no-tests=error --output-log "$log" "$@" < /dev/null || status=$?
readonly tested_at=$SECONDS

fuzz_status=0
if ((fuzz_seconds > 0)); then
  echo "test: 4/4 fuzzing, $fuzz_seconds s for each importer"
  bash scripts/fuzz.sh -f -t "$fuzz_seconds" -j 2 < /dev/null || fuzz_status=$?
else
  echo "test: 4/4 fuzzing: skipped ($no_fuzzing)"
fi
# What ctest closed with is the last word, so that it is found after the fuzzing's lines too.
[[ ! -f "$log" ]] || sed --quiet '/tests passed, .* failed out of /,$p' "$log"
echo "test: dependencies ${installed_at} s, configure and build $((built_at - installed_at)) s," \
     "tests $((tested_at - built_at)) s, fuzzing $((SECONDS - tested_at)) s; ctest returned $status, fuzzing $fuzz_status"
exit $((status != 0 ? status : fuzz_status))
