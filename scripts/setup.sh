#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what building, testing and running need and this machine lacks, on Debian by apt: SQLite's and OpenSSL's headers
# for the build, nginx as the example upstream, curl, jq, openssl and python3 for scripts and tests. Does nothing where all is there.
# Swift itself is not installed, only checked for.
#
#   scripts/setup.sh [PURPOSE]     what a purpose needs comes on top:
#
#   compare     the other gateways, and the load generators, of the comparison with them
#   soak        the load generators
#   cost        valgrind, and a C compiler

set -euo pipefail

purpose=${1:-}
swift_wanted=6.2
swift_source=https://www.swift.org/install/linux/
PATH=$PATH:/usr/sbin:/sbin

say() { printf '==> %s\n' "$*"; }

fail() {
    printf 'Error: %s\n' "$*" >&2
    exit 1
}

check_swift() {
    command -v swift >/dev/null ||
        fail "Swift is not installed, or not on the PATH. Install $swift_wanted or newer: $swift_source"
    local found
    found=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
    [ -n "$found" ] || fail "'swift --version' does not name its version; Turnpike needs $swift_wanted or newer."
    [ "$(printf '%s\n%s\n' "$swift_wanted" "$found" | sort -V | head -n 1)" = "$swift_wanted" ] ||
        fail "Swift $found is installed; Turnpike needs $swift_wanted or newer: $swift_source"
}

missing_packages() {
    [ -e /usr/include/sqlite3.h ] || echo libsqlite3-dev
    [ -e /usr/include/openssl/ssl.h ] || echo libssl-dev
    local command
    for command in nginx curl jq python3 openssl; do
        command -v "$command" >/dev/null || echo "$command"
    done
    case $purpose in
    compare) missing_for_comparison ;;
    soak) missing_load_generators ;;
    cost) missing_for_cost ;;
    esac
}

missing_load_generators() {
    command -v wrk >/dev/null || echo wrk
    command -v h2load >/dev/null || echo nghttp2-client
}

missing_compiler() {
    command -v cc >/dev/null || printf '%s\n' gcc libc6-dev
}

missing_for_cost() {
    command -v valgrind >/dev/null || echo valgrind
    missing_compiler
}

missing_for_comparison() {
    missing_load_generators
    missing_compiler
    command -v haproxy >/dev/null || echo haproxy
    [ -e /usr/lib/nginx/modules/ngx_http_lua_module.so ] || echo libnginx-mod-http-lua
    # Without it, Debian's Python makes no virtual environments; where there is no Python yet, this comes to the same.
    python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian starts a service as soon as its package is installed, unless policy-rc.d says no (exit 101). Turnpike wants
# the nginx program, not a web server on port 80, so policy-rc.d says no while apt runs, and is put back afterwards.
policy=/usr/sbin/policy-rc.d
policy_kept=/usr/sbin/policy-rc.d.before-turnpike

forbid_service_starts() {
    trap restore_service_starts EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    # What a run that was killed has kept is the true one.
    if [ -e "$policy" ] && [ ! -e "$policy_kept" ]; then as_root mv "$policy" "$policy_kept"; fi
    printf '#!/bin/sh\n# Written by scripts/setup.sh of Turnpike, for the time of one apt run.\nexit 101\n' |
        as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

restore_service_starts() {
    trap - EXIT INT TERM
    as_root rm -f "$policy"
    if [ -e "$policy_kept" ]; then as_root mv "$policy_kept" "$policy"; fi
}

install() {
    command -v apt-get >/dev/null ||
        fail "These are missing, and this machine has no apt to install them by: $*. Install them, then try again."
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        fail "These are missing: $*. Run 'apt-get install $*' as root, then try again."
    fi
    say "Installing by apt: $*."
    if [ "$(id -u)" -ne 0 ]; then say "sudo may ask for your password."; fi
    as_root apt-get update -qq
    forbid_service_starts
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    restore_service_starts
    # These packages have also asked for their services to be started at the next boot.
    local service
    for service in nginx haproxy; do
        if [[ " $* " == *" $service "* ]] && command -v systemctl >/dev/null; then
            as_root systemctl --quiet disable "$service.service" 2>/dev/null ||
                say "Could not disable the $service service; it may start at the next boot."
        fi
    done
}

case $purpose in
'' | compare | soak | cost) ;;
*) fail "There is no purpose '$purpose'; there are compare, soak and cost." ;;
esac
check_swift
read -r -d '' -a missing < <(missing_packages) || true
if [ ${#missing[@]} -gt 0 ]; then
    install "${missing[@]}"
    read -r -d '' -a missing < <(missing_packages) || true
    [ ${#missing[@]} -eq 0 ] || fail "apt ended without an error, but these are still missing: ${missing[*]}."
    say "Everything needed is installed."
fi
