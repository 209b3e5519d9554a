#!/usr/bin/env bash
# Installs the dependencies, builds and runs all tests. Fails when a test fails and when no test ran.
# Usage: scripts/test.sh [more options of ctest, e.g. -R SimulatedRunner]
#   PLACER_PRESET   which preset to test: dev (default: the quickest build, assertions on, warnings are errors), release, asan, tsan
#   PLACER_PAGE=0   does without the page of `placer report` and its test in a browser
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly preset="${PLACER_PRESET:-dev}"

echo "test: 1/3 dependencies"
bash scripts/install_deps.sh
if [[ "${PLACER_PAGE:-1}" != 0 ]]; then
  bash scripts/install_deps.sh --page || echo "test: goes on without the page of placer report; its tests are skipped" >&2
fi
readonly installed_at=$SECONDS

echo "test: 2/3 build into build/$preset"
cmake --preset "$preset"
cmake --build "build/$preset" --parallel "$(nproc)"
readonly built_at=$SECONDS

echo "test: 3/3 ctest"
status=0
ctest --preset "$preset" --parallel 2 --output-on-failure --no-tests=error "$@" < /dev/null || status=$?
echo "test: dependencies ${installed_at} s, configure and build $((built_at - installed_at)) s," \
     "tests $((SECONDS - built_at)) s; ctest returned $status"
exit "$status"
