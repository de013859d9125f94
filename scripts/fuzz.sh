#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fuzzes the engine by libFuzzer, with its assertions and overflow checks on: see docs/proofs.md.
#
#   scripts/fuzz.sh [SECONDS [TARGET…]]     SECONDS for each target, 60 by default; targets are those of FuzzTarget.swift
#
# FUZZ_SEED makes a run the same again, as far as time allows. Finds go to .build/fuzz/finds, where a run begins from the
# corpus under version control and from what it has found itself; what broke a property belongs into that corpus.

set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
folder=.build/fuzz
tests=Tests/TurnpikeProxyCoreTests
seed=${FUZZ_SEED:-$RANDOM$RANDOM}

say() { printf '==> %s\n' "$*" >&2; }

# compile NAME PRODUCT OPTIONS… FILES…: unless it is newer than its files, and so are those before it than theirs.
stale=false
compile() {
    local name=$1 product=$2 file
    shift 2
    for file in "$@"; do
        if [[ $file = *.swift && $file -nt $product ]]; then stale=true; fi
    done
    if [ -e "$product" ] && ! $stale; then return; fi
    stale=true
    say "Building $name for fuzzing."
    swiftc -swift-version 6 -package-name turnpike -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault \
        -enable-upcoming-feature MemberImportVisibility -O -wmo -assert-config Debug -enable-testing -sanitize=fuzzer \
        -parse-as-library -module-name "$name" -I "$folder" "$@"
}

mkdir -p "$folder/finds"
objects=()
for module in TurnpikeModel TurnpikeMetering TurnpikeSnapshot TurnpikeProxyCore; do
    read -r -d '' -a sources < <(find "Sources/$module" -name '*.swift' | sort) || true
    compile "$module" "$folder/$module.o" -emit-module -emit-module-path "$folder/$module.swiftmodule" \
        -c -o "$folder/$module.o" "${sources[@]}"
    objects+=("$folder/$module.o")
done
read -r -d '' -a sources < <(find "$tests/Fuzzing" -name '*.swift' ! -name FuzzTests.swift | sort) || true
compile Fuzz "$folder/fuzz" -o "$folder/fuzz" scripts/fuzz/Entry.swift "${sources[@]}" \
    "$tests/Gateway/ConnectionRig.swift" "$tests/Gateway/SnapshotSamples.swift" \
    "$tests/HTTP2/Server/HTTP2Frame.swift" "$tests/HTTP2/Server/HTTP2Rig.swift" "$tests/HTTP2/Client/HTTP2UpstreamRig.swift" "${objects[@]}"

if [ $# -eq 0 ]; then
    read -r -d '' -a targets < <(sed -nE 's/^    case (request.*)/\1/p' "$tests/Fuzzing/FuzzTarget.swift" | tr -d ,) || true
    set -- "${targets[@]}"
fi
# Swift's own report of a crash would keep libFuzzer from its own, and bash has nothing new to say of it.
fuzz() {
    {
        SWIFT_BACKTRACE=enable=no FUZZ_TARGET=$1 "$folder/fuzz" -max_total_time="$seconds" -seed="$seed" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
            -print_final_stats=1 -artifact_prefix="$folder/finds/$1-" "${@:2}" >"$log" 2>&1
    } 2>/dev/null
}

printf 'Fuzzing %s s each, seed %s.\n' "$seconds" "$seed"
failed=()
for target in "$@"; do
    found=$folder/corpus/$target
    mkdir -p "$found"
    log=$folder/$target.log
    if fuzz "$target" "$found" "$tests/Fuzzing/Corpus/$target"; then
        outcome="nothing broke"
    else
        outcome="BROKEN: $(grep -m 1 -E '^Broken:|ERROR:|Fatal error' "$log" || tail -n 1 "$log")"
        failed+=("$target")
    fi
    printf '  %-12s %12s executions, %6s edges, %5s inputs kept: %s\n' "$target" \
        "$(sed -nE 's/^stat::number_of_executed_units: *//p' "$log")" \
        "$(sed -nE 's/.* cov: ([0-9]+) .*/\1/p' "$log" | tail -n 1)" \
        "$(find "$found" -type f | wc -l)" "$outcome"
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "Broken: ${failed[*]}. What broke them is in $folder/finds, and what was said in $folder/TARGET.log." >&2
    exit 1
fi
