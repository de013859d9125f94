#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Counts the instructions and allocations of a request, and fails where they have grown: see docs/proofs.md.
#
#   UPDATE_BASELINE=1 scripts/cost.sh     takes what is counted for what it may cost from now on
#
# TURNPIKE_BIN names the folder of the built programs; where it is set, nothing is built.

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh cost >&2
if [ -z "${TURNPIKE_BIN:-}" ]; then
    echo "==> Building in release; the first time takes some minutes." >&2
    for product in turnpike turnpike-worker turnpike-cost; do swift build -c release --product "$product" >&2; done
fi
exec python3 scripts/cost/run.py
