#!/usr/bin/env bash
# Installs the packages of scripts/packages.txt with apt. Does nothing when all are there.
# Usage: scripts/install_deps.sh [--dev] [--fuzz] [--page]
#   --dev    also the tools of check.sh and fresh_root.sh, and what --fuzz says
#   --fuzz   also what builds the fuzz targets
#   --page   also what the page of `placer report` is built and tested with
set -euo pipefail

list="$(dirname "${BASH_SOURCE[0]}")/packages.txt"
readonly list

groups="build"
for option in "$@"; do
  case "$option" in
    --dev) groups+=" dev fuzz" ;;
    --fuzz | --page) groups+=" ${option#--}" ;;
    *) echo "install_deps: unknown option '$option' (usage: install_deps.sh [--dev] [--fuzz] [--page])" >&2; exit 2 ;;
  esac
done

wanted=()
line_number=0
while read -r name group why; do
  line_number=$((line_number + 1))
  [[ -z "$name" || "$name" == \#* ]] && continue
  if [[ " build fuzz dev page " != *" $group "* ]] || [[ -z "$why" ]]; then
    echo "install_deps: $list:$line_number: found '$name $group $why', expected 'PACKAGE build|fuzz|dev|page WHY'" >&2
    exit 2
  fi
  [[ " $groups " == *" $group "* ]] && wanted+=("$name")
done < "$list"

if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
  echo "install_deps: this machine has no apt. Install what these Debian packages hold: ${wanted[*]}" >&2
  exit 2
fi

# Node.js from elsewhere than Debian brings npm within its own package.
provided="$(dpkg-query --show --showformat '${db:Status-Status} ${Provides},\n' | sed --quiet 's/^installed / /p')"
missing=()
for name in "${wanted[@]}"; do
  status="$(dpkg-query --show --showformat '${db:Status-Status}' "$name" 2> /dev/null || true)"
  [[ "$status" == installed || "$provided" == *" $name,"* ]] || missing+=("$name")
done
if ((${#missing[@]} == 0)); then
  echo "install_deps: all ${#wanted[@]} packages are installed"
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo > /dev/null; then
    echo "install_deps: run this as root, or install sudo. Missing: ${missing[*]}" >&2
    exit 2
  fi
  as_root=(sudo)
fi
# A second apt on the machine is waited for; a package that asks questions gets its defaults.
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --yes -qq
     -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
log="$(mktemp --tmpdir placer-apt.XXXXXX.log)"
readonly log

run_apt() {
  "${apt[@]}" "$@" < /dev/null >> "$log" 2>&1 && return
  echo "install_deps: 'apt-get $*' failed; the end of $log:" >&2
  tail --lines=30 "$log" >&2
  exit 1
}

echo "install_deps: installing ${#missing[@]} of ${#wanted[@]} packages with apt (in all about 400 MB to load, a minute or more):"
echo "install_deps:   ${missing[*]}"
run_apt update
run_apt install --no-install-recommends "${missing[@]}"
rm --force "$log"
echo "install_deps: done in ${SECONDS} s"
