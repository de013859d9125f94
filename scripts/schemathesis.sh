#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Generates requests from openapi.yaml, sends them to a control plane of its own, and holds the answers to the contract.
#
#   scripts/schemathesis.sh [EXAMPLES]     EXAMPLES an operation, 200 by default: over 10,000 calls
#
# TURNPIKE_BIN names the folder of the built programs (.build/debug), SEED repeats a run. Two checks are left out: that all
# that the contract allows is accepted, for no schema says that a reference leads somewhere; and that every operation refuses
# bad credentials, which a test of its own covers, since after twenty of them the server answers 429.

set -euo pipefail
cd "$(dirname "$0")/.."

examples=${1:-200}
programs=${TURNPIKE_BIN:-.build/debug}
venv=.build/schemathesis
token=schemathesis-bootstrap-token

say() { printf '==> %s\n' "$*"; }

[ -x "$venv/bin/st" ] || {
    say "Installing schemathesis into $venv."
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet schemathesis
}
[ -x "$programs/turnpike" ] || { say "There is no $programs/turnpike: build first." >&2 && exit 2; }

data=$(mktemp -d)
TURNPIKE_BOOTSTRAP_TOKEN=$token TURNPIKE_OPENAPI=openapi.yaml \
    "$programs/turnpike" serve --listen 127.0.0.1:0 --data "$data" --log-level error >"$data/log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$data"' EXIT
until url=$(grep -o 'http://[^,]*' "$data/log"); do
    kill -0 $server || { cat "$data/log" >&2 && exit 1; }
    sleep 0.1
done

say "Sending $examples examples an operation to $url."
SCHEMATHESIS_HOOKS=hooks PYTHONPATH=scripts/schemathesis "$venv/bin/st" run openapi.yaml --url "$url" \
    --header "Authorization: Bearer $token" --exclude-path-regex '/stream$' --max-examples "$examples" \
    --seed "${SEED:-$RANDOM}" --phases examples,fuzzing,stateful --continue-on-failure --no-shrink \
    --request-timeout 10 --exclude-checks positive_data_acceptance,ignored_auth
if grep -E 'internal-error|storage-failed' "$data/log"; then
    say "The server has failed; see above." >&2
    exit 1
fi
