#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Loads a gateway while its configuration changes, its endpoints die and its clients misbehave: see docs/proofs.md.
#
#   scripts/soak.sh [OPTION…]     options of scripts/soak/run.py, such as --seconds 10, --parts abuse or --seed 7
#
# TURNPIKE_BIN names the folder of the built programs; where it is set, nothing is built.

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh soak >&2
if [ -z "${TURNPIKE_BIN:-}" ]; then
    echo "==> Building in release; the first time takes some minutes." >&2
    for product in turnpike turnpike-worker; do swift build -c release --product "$product" >&2; done
fi
exec python3 scripts/soak/run.py "$@"
