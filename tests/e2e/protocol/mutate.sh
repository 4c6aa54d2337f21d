#!/usr/bin/env bash
# Sends COUNT mutated packets to a server on loopback and judges every reply; prints the seed, what came back and the
# server's memory. usage: mutate.sh BUILD_FOLDER [COUNT [SEED]]
set -euo pipefail
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
export MERIDIAN_MUTATIONS=${2:-1000000} MERIDIAN_SEED=${3:-$(date +%s)} PYTHONDONTWRITEBYTECODE=1
echo "seed $MERIDIAN_SEED, $MERIDIAN_MUTATIONS packets"
exec /usr/bin/python3 -m pytest -q -p no:cacheprovider "$here/test_mutate.py" --bin="$build"
