#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the whole main job on this machine: a control plane on SQLite, a gateway, and nginx as an example upstream, with
# the tenant of examples/quickstart.yaml. Prints curl lines that work, and stops everything on Ctrl-C or SIGTERM.
#
# State stays in .run between runs; remove that folder to start anew.
#
#   TURNPIKE_CONTROL_PORT   where the control plane listens   (8080)
#   TURNPIKE_GATEWAY_PORT   where the gateway listens         (8000)
#   TURNPIKE_ADMIN_PORT     where the gateway reports health  (8001)
#   TURNPIKE_RUN_DIR        where state and logs go           (.run here)
#   TURNPIKE_BIN            the folder of the programs; where it is set, nothing is installed and built

set -euo pipefail
cd "$(dirname "$0")/.."
# nginx is where Debian's users do not look.
PATH=$PATH:/usr/sbin:/sbin

control_port=${TURNPIKE_CONTROL_PORT:-8080}
gateway_port=${TURNPIKE_GATEWAY_PORT:-8000}
admin_port=${TURNPIKE_ADMIN_PORT:-8001}
run=${TURNPIKE_RUN_DIR:-$PWD/.run}
control=http://127.0.0.1:$control_port
gateway=http://127.0.0.1:$gateway_port
patience=60

names=()
pids=()

say() { printf '==> %s\n' "$*"; }

fail() {
    printf 'Error: %s\n' "$*" >&2
    exit 1
}

# Ends the children in the opposite order of their start, each with time to finish what it is doing.
stop() {
    trap '' INT TERM
    trap - EXIT
    local status=$1 index
    [ ${#pids[@]} -eq 0 ] || say "Stopping."
    for ((index = ${#pids[@]} - 1; index >= 0; index--)); do
        kill -TERM "${pids[index]}" 2>/dev/null || continue
        for _ in $(seq 100); do
            kill -0 "${pids[index]}" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "${pids[index]}" 2>/dev/null || true
        wait "${pids[index]}" 2>/dev/null || true
    done
    exit "$status"
}

# start NAME COMMAND…: runs the command in the background, its output in $run/NAME.log. It gets a process group of its
# own, so that Ctrl-C reaches this script alone and the order of stopping is kept.
start() {
    local name=$1
    shift
    set -m
    "$@" >"$run/$name.log" 2>&1 &
    set +m
    names+=("$name")
    pids+=($!)
}

# Fails, with the end of its log, where a child has ended.
check_children() {
    local index
    for index in "${!pids[@]}"; do
        kill -0 "${pids[index]}" 2>/dev/null && continue
        tail -n 20 "$run/${names[index]}.log" >&2
        fail "${names[index]} has ended; its log is $run/${names[index]}.log."
    done
}

# await WHAT COMMAND…: asks again until the command succeeds.
await() {
    local what=$1 deadline=$((SECONDS + patience))
    shift
    until "$@" >/dev/null 2>&1; do
        check_children
        [ $SECONDS -lt $deadline ] || fail "Waited $patience s in vain until $what. The logs are in $run."
        sleep 0.1
    done
}

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

require_free() {
    if is_taken "$1"; then fail "Port $1 is taken. Set $2 to another one."; fi
}

free_port() {
    local port=9001
    while is_taken "$port"; do port=$((20000 + RANDOM % 10000)); done
    echo "$port"
}

api() { curl -sS --fail-with-body -H "Authorization: Bearer $TURNPIKE_TOKEN" "$@"; }

# The text of a member of a flat JSON object on standard input.
member() { sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p' | head -n 1; }

is_served() { [ "$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: api.acme.test' -H "X-Api-Key: $key" "$gateway/v1/orders/7")" = 200 ]; }

trap 'stop $?' EXIT
trap 'stop 130' INT
trap 'stop 143' TERM

require_free "$control_port" TURNPIKE_CONTROL_PORT
require_free "$gateway_port" TURNPIKE_GATEWAY_PORT
require_free "$admin_port" TURNPIKE_ADMIN_PORT

bin=${TURNPIKE_BIN:-}
if [ -z "$bin" ]; then
    say "Setting up."
    scripts/setup.sh
    say "Building in release; the first time takes some minutes."
    swift build -c release --product turnpike
    swift build -c release --product turnpike-worker
    bin=$(swift build -c release --show-bin-path)
fi
mkdir -p "$run/upstream"
chmod 700 "$run"
export TURNPIKE_SERVER=$control

say "Starting the upstream."
upstream_port=$(free_port)
sed "s/127\.0\.0\.1:9001/127.0.0.1:$upstream_port/" examples/upstream.conf >"$run/upstream/upstream.conf"
start upstream nginx -e upstream.log -p "$run/upstream" -c "$run/upstream/upstream.conf"

say "Starting the control plane."
start control-plane "$bin/turnpike" serve --listen "127.0.0.1:$control_port" --data "$run/data"
await "the control plane is ready" curl -sf "$control/readyz"
# The first start prints the operator's token, once.
if [ ! -s "$run/operator-token" ]; then
    (umask 077 && grep -o 'tp_op_[0-9A-Za-z]*' "$run/control-plane.log" | head -n 1 >"$run/operator-token") ||
        fail "$run/data is there, but its operator's token is lost. Remove $run to start anew."
fi
TURNPIKE_TOKEN=$(cat "$run/operator-token")
export TURNPIKE_TOKEN

say "Starting the gateway."
join_token=$(api -X POST -H 'Content-Type: application/json' -d '{"kind":"gateway"}' "$control/v1/join-tokens" | member token)
TURNPIKE_JOIN_TOKEN=$join_token start gateway "$bin/turnpike-worker" gateway --control-plane "$control" \
    --listen "127.0.0.1:$gateway_port" --admin-listen "127.0.0.1:$admin_port" --state "$run/gateway"
await "the gateway is ready" curl -sf "http://127.0.0.1:$admin_port/readyz"

say "Loading examples/quickstart.yaml."
sed "s/port: 9001/port: $upstream_port/" examples/quickstart.yaml | "$bin/turnpike" apply -f - --wait
if [ ! -s "$run/api-key" ]; then
    say "Making an API key."
    name=demo-$(date -u +%Y%m%d-%H%M%S)
    (umask 077 && "$bin/turnpike" keys create "$name" --tenant acme >"$run/api-key" 2>/dev/null)
fi
key=$(cat "$run/api-key")
await "the gateway serves the route" is_served

cat <<END

Everything runs. Try:

  # A request through the gateway, with the key of a partner of the tenant acme
  curl -i -H 'Host: api.acme.test' -H 'X-Api-Key: $key' $gateway/v1/orders/7

  # The same without a key: refused
  curl -i -H 'Host: api.acme.test' $gateway/v1/orders/7

  # What acme's partners have used, by key and route
  curl -s -H 'Authorization: Bearer $TURNPIKE_TOKEN' '$control/v1/tenants/acme/usage?groupBy=key,route,statusClass'

  # The tenant's routes
  curl -s -H 'Authorization: Bearer $TURNPIKE_TOKEN' $control/v1/tenants/acme/routes

  # The same by the command line client
  export TURNPIKE_SERVER=$control TURNPIKE_TOKEN=$TURNPIKE_TOKEN
  $bin/turnpike get routes --tenant acme

Logs are in $run. Ctrl-C stops everything.
END

trap 'stop 0' INT TERM
# A child that ends by itself ends the run, with its log to explain it.
while true; do
    check_children
    sleep 1 &
    wait $! || true
done
