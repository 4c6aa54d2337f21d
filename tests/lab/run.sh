#!/usr/bin/env bash
# The whole lab, each scenario RUNS times; figures go to BUILD/lab.json. Other arguments are pytest's.
# usage: run.sh BUILD RUNS [ARGUMENT…]
set -euo pipefail
build=$1 runs=$2
shift 2
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider "$(dirname "$0")" --bin="$build" --whole --runs "$runs" \
  --json "$build/lab.json" "$@"
