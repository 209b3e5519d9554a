#!/usr/bin/env bash
# Trains, reports, and opens the pages: run_page_test.sh PLACER NODE CHROMIUM FOLDER
set -euo pipefail
readonly placer="$1" node="$2" chromium="$3" folder="$4"
# No blank to break a line at, as wide as a narrow screen: the page wraps it.
run="$folder/run_with_a_name_that_does_not_fit_into_one_line_of_a_narrow_screen_of_400_pixels"
rm -rf "$run" "$folder/names"
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

# Names may hold anything: markup, and (in the last op) U+2028, which ends a line in JavaScript.
cat > "$folder/names_model.txtpb" << 'MODEL'
format: "placer.graph/1"
name: "<i>names</i>"
ops {
  name: "<img src=x onerror=alert(1)>" type: "MatMul" op_class: "matmul" flops: 10000000000 traffic_bytes: 12000000
  outputs { shape: [1000, 1000] }
}
ops {
  name: "</script><b>bold" type: "MatMul" op_class: "matmul" flops: 10000000000 traffic_bytes: 12000000
  inputs { op: "<img src=x onerror=alert(1)>" }
  outputs { shape: [1000, 1000] }
}
ops {
  name: "a&b" type: "MatMul" op_class: "matmul" flops: 10000000000 traffic_bytes: 12000000
  inputs { op: "<img src=x onerror=alert(1)>" }
  outputs { shape: [1000, 1000] }
}
ops {
  name: "line\342\200\250separator" type: "MatMul" op_class: "matmul" flops: 10000000000 traffic_bytes: 12000000
  inputs { op: "</script><b>bold" } inputs { op: "a&b" }
  outputs { shape: [1000, 1000] graph_output: true }
}
MODEL
cat > "$folder/names.txtpb" << CONFIG
name: "names"
model: "$folder/names_model.txtpb"
cluster: "zoo:k80x2"
space: "ops"
method: "annealing"
samples: 50
output_dir: "$folder/names"
CONFIG
"$placer" train "$folder/names.txtpb" > /dev/null
"$placer" report "$folder/names" --baselines none -o "$folder/names.html"
exec "$node" "$folder/page_test.mjs" "$chromium" "$folder/report.html" "$run" "$folder/step.json" "$folder/names.html" "$folder/screenshots"
