#!/usr/bin/env bash
# How large the page of `placer report` is and how long it takes to open: a training step of a transformer in 5,000 groups. Exits 1 beyond 5 MB, or
# beyond 2 s (median of three tries in headless Chromium, until every chart is drawn).
# Usage: scripts/report_size.sh [PLACER]      default: build/release/bin/placer
# Wants a machine that does nothing else, Chromium, and a build folder that has puppeteer-core (tests/report; scripts/install_deps.sh --page).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
placer="$(realpath "${1:-build/release/bin/placer}")"
chromium="$(command -v chromium || command -v chromium-browser || command -v google-chrome)" || { echo "report_size: there is no chromium" >&2; exit 2; }
browser=""
for each in build/*/tests/report/browser; do
  [[ -d "$each/node_modules/puppeteer-core" && -f "$each/open.mjs" ]] && browser="$each"
done
[[ -n "$browser" ]] || { echo "report_size: no build folder has puppeteer-core, which cmake fetches with npm for tests/report" >&2; exit 2; }

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cat > "$folder/big.txtpb" <<CONFIG
model: "zoo:transformer?layers=24" cluster: "zoo:k80x4" method: "annealing" samples: 50 groups: 5000 output_dir: "$folder/big"
CONFIG
"$placer" train "$folder/big.txtpb" > "$folder/train.txt"
"$placer" report "$folder/big" --baselines single_device -o "$folder/big.html" > /dev/null
for _ in 1 2 3; do
  node "$browser/open.mjs" "$chromium" "$folder/big.html" | tee -a "$folder/seconds.txt"
done
python3 - "$(stat --format=%s "$folder/big.html")" "$folder/seconds.txt" <<'SCRIPT'
import re
import statistics
import sys

size = int(sys.argv[1]) / 1e6
seconds = [float(each) for each in re.findall(r"^([0-9.]+) s$", open(sys.argv[2]).read(), re.MULTILINE)]
if len(seconds) != 3:
    sys.exit("report_size: the page did not open")
median = statistics.median(seconds)
print(f"{size:.2f} MB, opens in {median:.2f} s (goal: 5 MB, 2 s)")
sys.exit(size > 5 or median > 2)
SCRIPT
