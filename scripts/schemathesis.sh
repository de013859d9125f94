#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Generates requests from openapi.yaml, sends them to a control plane of its own, and holds the answers to the contract.
#
#   scripts/schemathesis.sh [EXAMPLES]     EXAMPLES an operation, 200 by default
#
# A run that sent fewer than CALLS requests, 10,000 by default, fails: it has shown nothing. TURNPIKE_BIN names the folder of
# the built programs (.build/debug), SEED repeats a run. All checks are on. What the contract allows has to be accepted, but for
# what no schema can say: that a reference leads somewhere, that a cursor was given out; scripts/schemathesis/hooks.py names it.
#
# Each operation is asked by who may use it: an operator, a worker that has joined, a join token. A worker's stream, which has no
# end, and the renewal of its credential, which would end the one in use, are asked by the operator and have to refuse.

set -euo pipefail
cd "$(dirname "$0")/.."

examples=${1:-200}
least=${CALLS:-10000}
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

# What the server answers to the holder of a token.
ask() { curl -fsS -H "Authorization: Bearer $1" -H 'Content-Type: application/json' -d "$3" "$url$2"; }
join_token=$(ask "$token" /v1/join-tokens '{"kind":"gateway","lifetime":"1d"}' | jq -r .token)
worker=$(ask "$join_token" /v1/workers '{"kind":"gateway","name":"schemathesis"}')
export OPERATOR_TOKEN=$token JOIN_TOKEN=$join_token
WORKER_ID=$(jq -r .id <<<"$worker")
WORKER_CREDENTIAL=$(jq -r .credential <<<"$worker")
OPERATOR_ID=$(curl -fsS -H "Authorization: Bearer $token" "$url/v1/operators/bootstrap" | jq -r .id)
export WORKER_ID WORKER_CREDENTIAL OPERATOR_ID

say "Sending $examples examples an operation to $url."
failed=0
SCHEMATHESIS_HOOKS=hooks PYTHONPATH=scripts/schemathesis "$venv/bin/st" \
    --config-file scripts/schemathesis/schemathesis.toml run openapi.yaml --url "$url" \
    --max-examples "$examples" \
    --seed "${SEED:-$RANDOM}" --phases examples,coverage,fuzzing,stateful --continue-on-failure --no-shrink \
    --request-timeout 20 || failed=1
if grep -E 'internal-error|storage-failed' "$data/log"; then
    say "The server has failed; see above." >&2
    exit 1
fi
# By the server's own count.
curl -fsS -o /dev/null -H "Authorization: Bearer $token" "$url/v1/tenants?limit=1" || {
    say "The operator's token was lost on the way: what came after that has shown nothing." >&2 && exit 1
}
calls=$(curl -fsS -H "Authorization: Bearer $token" "$url/metrics" |
    awk '/^turnpike_api_requests_total/ { calls += $NF } END { print calls + 0 }')
say "The server has answered $calls requests."
[ "$calls" -ge "$least" ] || { say "That is fewer than $least." >&2 && exit 1; }
exit $failed
