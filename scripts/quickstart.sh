#!/usr/bin/env bash
# From a clone to a placed model: installs the dependencies, builds the `placer` command into build/release and places one training step of
# Inception-V3 on four K80 GPUs. Can be run again; what is done already is skipped.
# Usage: scripts/quickstart.sh [more options of `placer optimize`]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "quickstart: 1/3 dependencies"
bash scripts/install_deps.sh

echo "quickstart: 2/3 build into build/release"
cmake --preset release
cmake --build build/release --target bin/placer --parallel "$(nproc)"

readonly job=(build/release/bin/placer optimize graphs/samples/inception_v3.onnx --training --cluster zoo:k80x4 "$@")
echo "quickstart: 3/3 ${job[*]}"
"${job[@]}"
echo "quickstart: done in ${SECONDS} s"
