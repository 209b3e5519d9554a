#!/usr/bin/env bash
# Proves that scripts/packages.txt is complete: makes a bare Debian 12 in a temporary folder, puts a clone of the last commit in it and runs the
# set-up there by chroot. Needs root, debootstrap and about 6 GB of disk. Changes that are not committed are not tried.
# Usage: scripts/fresh_root.sh [test|quickstart] [options for that script]
#   TMPDIR      where the root is made (default /tmp)
#   KEEP_ROOT=1 leaves the root there for a look
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly release=bookworm

job="${1:-test}"
(($# > 0)) && shift
[[ "$job" == test || "$job" == quickstart ]] || { echo "fresh_root: unknown job '$job', expected test or quickstart" >&2; exit 2; }
((EUID == 0)) || { echo "fresh_root: debootstrap and chroot need root" >&2; exit 2; }
command -v debootstrap > /dev/null || { echo "fresh_root: no debootstrap; run scripts/install_deps.sh --dev" >&2; exit 2; }

# The archive that this machine's own apt uses, so that a proxy or a mirror is taken over.
# shellcheck disable=SC2016  # apt-get expands these, not the shell.
mirror="$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' \
          | sed -n "s/^$release //p" | sed -n 1p)"
[[ -n "$mirror" ]] || { echo "fresh_root: this machine's apt has no source for $release; run apt-get update" >&2; exit 2; }

root="$(mktemp --directory --tmpdir placer-root.XXXXXX)"
readonly root mirror job

# shellcheck disable=SC2317  # Called by the trap.
clean_up() {
  # Never delete through a mount that would not go away.
  if mountpoint --quiet "$root/proc" && ! umount "$root/proc"; then
    echo "fresh_root: $root/proc is busy; the root stays" >&2
  elif [[ "${KEEP_ROOT:-}" == 1 ]]; then
    echo "fresh_root: the root stays in $root"
  else
    rm --recursive --force --one-file-system "$root"
  fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "fresh_root: 1/3 bare Debian ($release) in $root"
nice -n 10 debootstrap --variant=minbase "$release" "$root" "$mirror" > "$root.log" 2>&1 \
  || { tail --lines=20 "$root.log" >&2; echo "fresh_root: debootstrap failed, see $root.log" >&2; exit 1; }
rm --force "$root.log"
echo "fresh_root: made in ${SECONDS} s, $(chroot "$root" dpkg-query --show | wc --lines) packages"

echo "fresh_root: 2/3 apt settings of this machine, clone of $(git rev-parse --short HEAD)"
rm --force "$root/etc/apt/sources.list"
cp --recursive --dereference /etc/apt/. "$root/etc/apt/"
for file in /etc/resolv.conf /etc/hosts; do
  [[ -e "$file" ]] && cp --dereference "$file" "$root$file"
done
mount --bind /proc "$root/proc"
git clone --quiet --no-local . "$root/root/placer"

echo "fresh_root: 3/3 scripts/$job.sh $*"
# A clean environment; only what says how to reach the network and which kernels BLAS may use is passed on.
environment=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8)
for name in http_proxy https_proxy no_proxy OPENBLAS_CORETYPE OPENBLAS_L2_SIZE; do
  [[ -n "${!name:-}" ]] && environment+=("$name=${!name}")
done
status=0
chroot "$root" /usr/bin/env --ignore-environment "${environment[@]}" \
  nice -n 10 bash "/root/placer/scripts/$job.sh" "$@" < /dev/null || status=$?
echo "fresh_root: scripts/$job.sh returned $status after ${SECONDS} s in all; the root holds" \
     "$(chroot "$root" dpkg-query --show | wc --lines) packages, $(du --summarize --block-size=M --one-file-system "$root" | cut --fields=1)"
exit "$status"
