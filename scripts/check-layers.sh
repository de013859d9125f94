#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Holds the sources to the arrows of the architecture: what each target may import is a table, and an import outside it
# fails, named by file and line. The table itself is held to a few laws, so that nobody breaks one by adding a word.
#
#   scripts/check-layers.sh [ROOT]      ROOT defaults to the project's root

set -euo pipefail
export LC_ALL=C
root=${1:-$(dirname "$0")/..}
cd "$root"

# Target, or one file of a target: the modules it may import. A file's line adds to its target's.
# `platform` stands for the system's C library, under each of its names.
table='
TurnpikeModel:
TurnpikeTelemetry:      platform Synchronization Logging Metrics ServiceLifecycle UnixSignals

TurnpikeMetering:       TurnpikeModel
TurnpikeSnapshot:       TurnpikeModel TurnpikeMetering
TurnpikeIdentity:       platform FoundationEssentials TurnpikeModel TurnpikeSnapshot Crypto X509 SwiftASN1

TurnpikeCompiler:       TurnpikeModel TurnpikeSnapshot
TurnpikeProxyCore:      platform Synchronization TurnpikeModel TurnpikeSnapshot TurnpikeMetering
CEpoll:
COpenSSL:
TurnpikeProxy:          platform Synchronization Logging NIOCore NIOPosix NIOSSL NIOTLS NIOHPACK NIOHTTP2 CEpoll COpenSSL
                        TurnpikeModel TurnpikeTelemetry TurnpikeSnapshot TurnpikeMetering TurnpikeProxyCore

TurnpikeControl:        Dispatch Synchronization Logging Foundation FoundationEssentials
                        TurnpikeModel TurnpikeTelemetry TurnpikeSnapshot TurnpikeMetering TurnpikeIdentity
                        TurnpikeCompiler TurnpikeProxyCore
TurnpikeWorker:         platform Synchronization Logging Foundation FoundationEssentials
                        AsyncHTTPClient ServiceLifecycle UnixSignals NIOCore NIOPosix NIOHTTP1 NIOSSL
                        TurnpikeModel TurnpikeTelemetry TurnpikeSnapshot TurnpikeMetering TurnpikeIdentity
                        TurnpikeProxyCore TurnpikeProxy

TurnpikeSQLite:         platform Synchronization Logging Foundation FoundationEssentials GRDB GRDBSQLite
                        TurnpikeModel TurnpikeTelemetry TurnpikeSnapshot TurnpikeMetering TurnpikeControl
TurnpikeAPI:            platform Dispatch Synchronization Logging Foundation FoundationEssentials
                        Hummingbird HummingbirdCore HTTPTypes NIOCore NIOHTTP1 NIOHTTPTypes NIOTLS NIOSSL
                        ServiceLifecycle
                        TurnpikeModel TurnpikeTelemetry TurnpikeSnapshot TurnpikeMetering TurnpikeIdentity
                        TurnpikeControl

turnpike:               platform Synchronization Logging Metrics Foundation FoundationEssentials
                        ArgumentParser Configuration AsyncHTTPClient ServiceLifecycle UnixSignals
                        NIOCore NIOHTTP1 NIOPosix NIOSSL Yams
                        TurnpikeModel TurnpikeTelemetry TurnpikeSnapshot TurnpikeMetering TurnpikeIdentity
                        TurnpikeControl TurnpikeSQLite TurnpikeAPI
turnpike-worker:        platform Synchronization Logging Metrics Foundation FoundationEssentials
                        ArgumentParser Configuration ServiceLifecycle UnixSignals
                        TurnpikeModel TurnpikeTelemetry TurnpikeProxyCore TurnpikeProxy TurnpikeWorker

TurnpikeTestSupport:    platform Synchronization Testing Foundation FoundationEssentials
                        TurnpikeModel TurnpikeSnapshot TurnpikeMetering TurnpikeControl

turnpike-bench:         platform Synchronization Foundation FoundationEssentials
                        ArgumentParser GRDBSQLite NIOCore NIOPosix
                        TurnpikeModel TurnpikeSnapshot

TurnpikeMetering/Quota/CalendarPeriod.swift:    Foundation
turnpike-bench/Core/ChangeApplication.swift:    TurnpikeMetering TurnpikeProxyCore
turnpike-bench/Core/CoreExchange.swift:         TurnpikeMetering TurnpikeProxyCore
turnpike-bench/Throughput/InnerWrites.swift:    Logging TurnpikeTelemetry TurnpikeControl TurnpikeSQLite
                        TurnpikeIdentity
'

# only MODULE: the targets that may import it. A heavy dependency has one home; programs, which only wire, may name
# what they wire.
# never TARGET: modules that it must not import, wherever it would like to.
laws='
only GRDB:              TurnpikeSQLite
only Hummingbird:       TurnpikeAPI
only HummingbirdCore:   TurnpikeAPI
only NIOSSL:            TurnpikeProxy TurnpikeAPI TurnpikeWorker turnpike
only NIOHTTP2:          TurnpikeProxy
only NIOHPACK:          TurnpikeProxy
only CEpoll:            TurnpikeProxy
only COpenSSL:          TurnpikeProxy
only GRDBSQLite:        TurnpikeSQLite turnpike-bench
only ArgumentParser:    turnpike turnpike-worker turnpike-bench
only AsyncHTTPClient:   TurnpikeWorker turnpike
only Crypto:            TurnpikeIdentity
only X509:              TurnpikeIdentity
only Yams:              turnpike
never TurnpikeModel:            Foundation FoundationEssentials NIOCore NIOPosix NIOHTTP1
never TurnpikeSnapshot:         Foundation FoundationEssentials NIOCore NIOPosix NIOHTTP1
never TurnpikeMetering:         Foundation FoundationEssentials NIOCore NIOPosix NIOHTTP1
never TurnpikeCompiler:         Foundation FoundationEssentials NIOCore NIOPosix NIOHTTP1
never TurnpikeProxyCore:        Foundation FoundationEssentials NIOCore NIOPosix NIOHTTP1
never TurnpikeProxyCore:        TurnpikeControl TurnpikeCompiler
never TurnpikeProxy:            TurnpikeControl TurnpikeCompiler
never TurnpikeWorker:           TurnpikeControl TurnpikeCompiler TurnpikeSQLite TurnpikeAPI
never turnpike-worker:          TurnpikeControl TurnpikeCompiler TurnpikeSQLite TurnpikeAPI
never turnpike-bench:           TurnpikeAPI TurnpikeWorker
'

# The one target whose folder is not the one of its name under Sources.
benchmarks=turnpike-bench

declare -A allowed
failures=0

fail() {
    printf '%s\n' "$*" >&2
    failures=$((failures + 1))
}

# Prints each entry of a list above on a line of its own: a line that begins with a space continues the one before.
entries() {
    awk 'NF == 0 { next } /^[ ]/ { line = line " " $0; next } line { print line } { line = $0 } END { print line }' \
        <<<"$1" | tr -s ' '
}

contains_word() { [[ " $1 " == *" $2 "* ]]; }

while IFS=: read -r subject modules; do
    [ -e "Sources/$subject" ] || [[ $subject = "$benchmarks"* && -e ${subject/#$benchmarks/Benchmarks} ]] || fail "scripts/check-layers.sh: the table names Sources/$subject, which does not exist"
    allowed[$subject]=${modules/platform/Glibc Musl Darwin}
done < <(entries "$table")

while IFS=: read -r law modules; do
    read -r verb subject <<<"$law"
    for target in "${!allowed[@]}"; do
        case $verb in
        only)
            contains_word "${allowed[$target]}" "$subject" && ! contains_word "$modules" "$target" &&
                fail "scripts/check-layers.sh: the table lets $target import $subject, which belongs to$modules"
            ;;
        never)
            [ "$target" = "$subject" ] || continue
            for module in $modules; do
                contains_word "${allowed[$target]}" "$module" &&
                    fail "scripts/check-layers.sh: the table lets $target import $module, which it never may"
            done
            ;;
        esac
    done || true
done < <(entries "$laws")

for directory in Sources/*/; do
    target=$(basename "$directory")
    [ -n "${allowed[$target]+known}" ] || fail "Sources/$target: no such target in the table of scripts/check-layers.sh"
done

# All imports as `file:line module`, whatever attributes, access or kind of declaration stand before.
prefix='[[:space:]]*(@[A-Za-z_]+(\([^)]*\))?[[:space:]]+)*((public|package|internal|fileprivate|private)[[:space:]]+)?'
kind='((typealias|struct|class|enum|protocol|let|var|func)[[:space:]]+)?'
imports() {
    grep -rnE --include='*.swift' "^${prefix}import[[:space:]]" Sources Benchmarks |
        sed -E "s/^([^:]+:[0-9]+):${prefix}import[[:space:]]+${kind}([A-Za-z0-9_]+).*/\1 \8/" || true
}

count=0
while read -r place module; do
    count=$((count + 1))
    file=${place%:*}
    file=${file#Sources/}
    file=${file/#Benchmarks\//$benchmarks/}
    target=${file%%/*}
    contains_word "${allowed[$target]-} ${allowed[$file]-}" "$module" ||
        fail "$place: $target must not import $module"
done < <(imports)

if [ "$count" -eq 0 ]; then fail "no imports found under Sources and Benchmarks: this check looks in the wrong place"; fi
if [ "$failures" -gt 0 ]; then
    echo "Layers: $failures fault(s). The arrows are in docs/architecture.md, the table in scripts/check-layers.sh." >&2
    exit 1
fi
echo "Layers: $count imports, all along the arrows."
