#!/usr/bin/env bash
# Every installed header compiles alone, twice in one file, and shows no type of LibTorch, protobuf, ONNX or a JSON library.
# Usage: check_headers.sh INCLUDE_DIR CXX CC
set -euo pipefail
readonly include_dir="$1" cxx="$2" cc="$3"
script="$(realpath "$0")"
cd "$include_dir"

mapfile -t headers < <(find . -name '*.h' -printf '%P\n' | sort)
# An empty list would prove nothing.
((${#headers[@]} >= 20)) || { echo "check_headers: found ${#headers[@]} headers in $include_dir, expected at least 20" >&2; exit 1; }

# Comments may speak of them.
shown="$(grep --extended-regexp --line-number 'torch::|at::Tensor|c10::|protobuf|onnx::|nlohmann|\.pb\.h|CLI::|spdlog|#include ["<](torch|ATen|onnx|tbb|oneapi)/' \
           "${headers[@]}" | grep --extended-regexp --invert-match '^[^:]*:[0-9]+: *//' || true)"
[[ -z "$shown" ]] || { printf '%s\n' "$shown" "check_headers: the lines above show what must stay inside" >&2; exit 1; }

# Compiling them takes half a minute of one core: once for each state of the headers is enough.
stamp="$(cat -- "${headers[@]}" "$script" | sha256sum | cut --delimiter=' ' --fields=1)"
readonly stamp_file="$OLDPWD/headers_compiled"
if [[ "$(cat "$stamp_file" 2> /dev/null)" == "$stamp" ]]; then
  echo "check_headers: ${#headers[@]} headers, as they were when they last compiled"
  exit 0
fi

compile() {
  local header="$1" failed=0
  if [[ "$header" == placer.h ]]; then
    printf '#include "%s"\n#include "%s"\n' "$header" "$header" \
      | "$cc" -std=c11 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I. -x c - || failed=1
  fi
  printf '#include "%s"\n#include "%s"\n' "${header#placer/}" "${header#placer/}" \
    | "$cxx" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I. -Iplacer -x c++ - || failed=1
  ((failed == 0)) || { echo "check_headers: $header does not compile alone" >&2; return 1; }
}
export -f compile
export cxx cc
# shellcheck disable=SC2016  # the inner shell expands it
printf '%s\0' "${headers[@]}" | xargs --null --max-args=1 --max-procs=2 bash -c 'compile "$1"' _
echo "$stamp" > "$stamp_file"
echo "check_headers: ${#headers[@]} headers compile alone"
