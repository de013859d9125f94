#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures a gateway of one event loop beside one of two: see docs/benchmarks.md.
#
#   scripts/bench-loops.sh [OPTION…]     options of scripts/compare/loops.py, such as --rounds 6 --seconds 3
#
# TURNPIKE_BIN names the folder of the built programs; where it is set, nothing is built.

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh compare >&2
if [ -z "${TURNPIKE_BIN:-}" ]; then
    echo "==> Building in release; the first time takes some minutes." >&2
    for product in turnpike turnpike-worker; do swift build -c release --product "$product" >&2; done
fi
exec python3 scripts/compare/loops.py "$@"
