#!/usr/bin/env bash
# Checks before a commit: formatting, scripts, folder dependencies, clang-tidy. Runs every check, then fails when one found something.
# Usage: scripts/check.sh [--all] [--no-tidy]
#   --all      clang-tidy on every file, not only on those that differ from the main branch
#   --no-tidy  without clang-tidy, a matter of seconds
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

all=0
tidy=1
for option in "$@"; do
  case "$option" in
    --all) all=1 ;;
    --no-tidy) tidy=0 ;;
    *) echo "check: unknown option '$option' (usage: check.sh [--all] [--no-tidy])" >&2; exit 2 ;;
  esac
done
for tool in clang-format clang-tidy shellcheck; do
  command -v "$tool" > /dev/null || { echo "check: no $tool; run scripts/install_deps.sh --dev" >&2; exit 2; }
done

readonly folders="graphs cost_model runner policy placer experiments"
# folder:what it may include besides itself
readonly dependencies="
graphs:
cost_model:graphs
runner:graphs cost_model
policy:graphs
placer:graphs cost_model runner policy
experiments:graphs cost_model runner policy placer
python:graphs cost_model runner policy placer
tests:graphs cost_model runner policy placer experiments"
readonly heavy='torch/|ATen/|c10/|google/protobuf/|onnx/|[^">]*\.pb\.h'

mapfile -t files < <(git ls-files '*.h' '*.cc' '*.c')
mapfile -t headers < <(git ls-files '*.h')
failed=()

# report NAME MESSAGES: remembers a failed check and prints what it found.
report() {
  [[ -z "$2" ]] && { echo "check: $1: ok"; return; }
  echo "check: $1: FAILED" >&2
  printf '%s\n' "$2" >&2
  failed+=("$1")
}

# Lines 'file:number:#include ...' of the given files that match the extended regular expression after the quote or bracket.
includes() {
  local pattern="$1"
  shift
  (($# == 0)) || grep --extended-regexp --line-number --with-filename "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($pattern)" "$@" || true
}

check_format() {
  clang-format --dry-run --Werror "${files[@]}" 2>&1 || true
}

check_scripts() {
  mapfile -t scripts < <(git ls-files 'scripts/*.sh' .ci/run)
  shellcheck "${scripts[@]}" 2>&1 || true
}

check_public_headers() {
  local public=()
  for header in "${headers[@]}"; do
    [[ "$header" == tests/* || "$header" == */detail/* ]] || public+=("$header")
  done
  includes "$heavy" "${public[@]}"
}

check_folders() {
  local folder allowed other from_folder
  while IFS=: read -r folder allowed; do
    [[ -z "$folder" ]] && continue
    mapfile -t from_folder < <(git ls-files "$folder/*.h" "$folder/*.cc")
    for other in $folders tests; do
      if [[ " $folder $allowed " != *" $other "* ]]; then
        includes "$other/" "${from_folder[@]}"
      elif [[ "$other" != "$folder" && "$folder" != tests ]]; then
        # A benchmark, like a test, may look inside.
        includes "$other/(.*/)?detail/" "${from_folder[@]}" | grep --invert-match '^experiments/benchmarks/' || true
      fi
    done
  done <<< "$dependencies"
}

# The files that include LibTorch, directly or through another file. No clang up to 19 reads LibTorch 1.13 as C++20 with libstdc++ 12.
torch_files() {
  local found=() next alternatives
  mapfile -t next < <(includes 'torch/|ATen/|c10/' "${files[@]}" | cut --delimiter=: --fields=1 | sort --unique)
  while ((${#next[@]} > ${#found[@]})); do
    found=("${next[@]}")
    alternatives="$(printf '%s\n' "${found[@]}" | grep '\.h$' | paste --serial --delimiters='|' || true)"
    [[ -z "$alternatives" ]] && break
    mapfile -t next < <({ printf '%s\n' "${found[@]}"
                          includes "${alternatives//./\\.}" "${files[@]}" | cut --delimiter=: --fields=1; } | sort --unique)
  done
  ((${#found[@]} == 0)) || printf '%s\n' "${found[@]}"
}

# The .cc files to lint: all, or those that differ from the main branch together with those that include a header that does.
files_to_lint() {
  if ((all)); then
    git ls-files '*.cc'
    return
  fi
  local base changed alternatives
  base="$(git merge-base HEAD origin/HEAD 2> /dev/null || git merge-base HEAD origin/main 2> /dev/null || git rev-parse HEAD)"
  changed="$(git diff --name-only --diff-filter=d "$base" -- '*.h' '*.cc')"
  alternatives="$(grep '\.h$' <<< "$changed" | paste --serial --delimiters='|' || true)"
  {
    grep '\.cc$' <<< "$changed" || true
    [[ -z "$alternatives" ]] || includes "${alternatives//./\\.}" "${files[@]}" | cut --delimiter=: --fields=1 | grep '\.cc$' || true
  } | sort --unique
}

# Configures build/dev and generates the protobuf headers, without which nothing that includes them can be read.
prepare_tidy() {
  local generated
  cmake --preset dev > /dev/null
  mapfile -t generated < <(ninja -C build/dev -t targets all | sed --quiet 's/^\(.*\.pb\.h\): .*$/\1/p')
  ((${#generated[@]} == 0)) || ninja -C build/dev "${generated[@]}" > /dev/null
}

check_tidy() {
  local torch free=() file
  torch="$(torch_files)"
  for file in "$@"; do
    grep --quiet --line-regexp --fixed-strings "$file" <<< "$torch" || free+=("$file")
  done
  echo "check: clang-tidy reads ${#free[@]} files and skips $(($# - ${#free[@]})) that include LibTorch" >&2
  ((${#free[@]} == 0)) && return
  { printf '%s\0' "${free[@]}" | xargs --null --max-args=1 --max-procs="$(nproc)" clang-tidy --quiet -p build/dev 2>&1 || true; } \
    | grep --extended-regexp --invert-match '^[0-9]+ warnings? generated\.$|^[0-9]+ warnings? treated as error|^Suppressed |^Use -|^Error while processing' || true
}

report format "$(check_format)"
report scripts "$(check_scripts)"
report "public headers include neither LibTorch nor protobuf" "$(check_public_headers)"
report "folders include only what they may, detail/ stays private" "$(check_folders)"
if ((tidy)); then
  mapfile -t lint < <(files_to_lint)
  if ((${#lint[@]} == 0)); then
    echo "check: clang-tidy: no file differs from the main branch (--all reads every file)"
  else
    prepare_tidy
    report clang-tidy "$(check_tidy "${lint[@]}")"
  fi
fi
((${#failed[@]} == 0)) || { echo "check: ${#failed[@]} failed: ${failed[*]}" >&2; exit 1; }
echo "check: all passed"
