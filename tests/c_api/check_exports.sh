#!/usr/bin/env bash
# The shared library exports exactly the functions that the header declares. Usage: check_exports.sh LIBRARY HEADER
set -euo pipefail
exported="$(nm --dynamic --defined-only --without-symbol-versions "$1" | awk '$2 == "T" || $2 == "W" || $2 == "D" || $2 == "B" || $2 == "V" || $2 == "u" { print $3 }' | sort)"
declared="$(grep --extended-regexp --only-matching 'PLACER_API [a-z0-9_ ]+[ *]+placer_[a-z_]+\(' "$2" | grep --extended-regexp --only-matching 'placer_[a-z_]+\(' | tr --delete '(' | sort)"
diff <(echo "$declared") <(echo "$exported") || { echo "check_exports: < is declared in $2, > is exported by $1" >&2; exit 1; }
