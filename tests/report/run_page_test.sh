#!/usr/bin/env bash
# Trains, reports, and opens the page: run_page_test.sh PLACER NODE CHROMIUM FOLDER
set -euo pipefail
readonly placer="$1" node="$2" chromium="$3" folder="$4"
# No blank to break a line at, as wide as a narrow screen: the page wraps it.
run="$folder/run_with_a_name_that_does_not_fit_into_one_line_of_a_narrow_screen_of_400_pixels"
rm -rf "$run"
cat > "$folder/toy.txtpb" << CONFIG
name: "toy"
model: "zoo:inception_v3"
cluster: "zoo:k80x2"
method: "cross_entropy"
samples: 200
seeds: [1, 2]
output_dir: "$run"
CONFIG
"$placer" train "$folder/toy.txtpb" > /dev/null
"$placer" report "$run" --baselines heft,annealing -o "$folder/report.html"
"$placer" simulate zoo:inception_v3 --cluster zoo:k80x2 --placement "$run/placement.txtpb" --json > "$folder/step.json"
exec "$node" "$folder/page_test.mjs" "$chromium" "$folder/report.html" "$run" "$folder/step.json" "$folder/screenshots"
