#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Shows that the other checks can fail: plants one fault at a time in a copy of the sources and expects the check to
# name it. A check that passes whatever it is given is worse than none.

set -euo pipefail
cd "$(dirname "$0")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R Package.swift Sources Benchmarks Tests scripts deploy docs examples ./*.md LICENSE Makefile openapi.yaml "$copy"
failures=0
tried=0

# expect CHECK FILE LINE MESSAGE: CHECK must fail with MESSAGE once FILE ends with LINE.
expect() {
    local check=$1 file=$copy/$2 line=$3 message=$4 output status=0 existed=false
    tried=$((tried + 1))
    if [ -e "$file" ]; then
        existed=true
        cp "$file" "$copy/original"
    else
        mkdir -p "$(dirname "$file")"
    fi
    printf '%s\n' "$line" >>"$file"
    output=$("$copy/scripts/$check" "$copy" 2>&1) || status=$?
    if [ "$status" -eq 0 ] || [[ $output != *"$message"* ]]; then
        printf 'Self-test: %s took "%.60s" in %s without saying "%s".\n' "$check" "$line" "$2" "$message" >&2
        failures=$((failures + 1))
    fi
    if $existed; then mv "$copy/original" "$file"; else rm "$file"; fi
}

# with_law OLD NEW MESSAGE: check-layers.sh must refuse its own table once NEW stands where OLD did.
with_law() {
    local output status=0
    tried=$((tried + 1))
    sed "s/$1/$2/" scripts/check-layers.sh >"$copy/scripts/check-layers.sh"
    output=$("$copy/scripts/check-layers.sh" "$copy" 2>&1) || status=$?
    if [ "$status" -eq 0 ] || [[ $output != *"$3"* ]]; then
        printf 'Self-test: check-layers.sh took "%s" in its table without saying "%s".\n' "$2" "$3" >&2
        failures=$((failures + 1))
    fi
    cp scripts/check-layers.sh "$copy/scripts/check-layers.sh"
}

licence='// SPDX-License-Identifier: Apache-2.0'
planted=Planted.swift

layer() { expect check-layers.sh "Sources/$1/$planted" "$2" "Sources/$1/$planted:1: $1 must not import $3"; }
layer TurnpikeModel 'import Foundation' Foundation
layer TurnpikeSnapshot 'import NIOCore' NIOCore
layer TurnpikeMetering 'import Foundation' Foundation
layer TurnpikeCompiler 'public import FoundationEssentials' FoundationEssentials
layer TurnpikeProxyCore '@preconcurrency import NIOCore' NIOCore
layer TurnpikeWorker 'import TurnpikeControl' TurnpikeControl
layer turnpike-worker 'import struct TurnpikeControl.ControlPlane' TurnpikeControl
layer TurnpikeControl '    internal import GRDB' GRDB
layer TurnpikeAPI '@_spi(Testing) public import GRDB' GRDB
layer TurnpikeSQLite 'import Hummingbird' Hummingbird
expect check-layers.sh "Benchmarks/$planted" 'import TurnpikeControl' \
    "Benchmarks/$planted:1: turnpike-bench must not import TurnpikeControl"
expect check-layers.sh "Sources/TurnpikeUnknown/$planted" 'import Synchronization' 'no such target in the table'
with_law 'TurnpikeModel:$' 'TurnpikeModel: Foundation' 'the table lets TurnpikeModel import Foundation'
with_law 'TurnpikeControl:  ' 'TurnpikeControl: GRDB ' 'the table lets TurnpikeControl import GRDB'
with_law 'TurnpikeIdentity:  ' 'TurnpikeGone: ' 'Sources/TurnpikeGone, which does not exist'

word() { expect check-words.sh "Sources/TurnpikeModel/$planted" "$licence"$'\n'"$1" "Sources/TurnpikeModel/$planted:2:"; }
word '// TODO: finish'
word '// FIXME'
word '// XXX'
word '// HACK around it'
word 'let value = try! read()'
word 'fatalError("never")'
word 'let text = value as! String'
expect check-words.sh "Sources/TurnpikeModel/$planted" 'let value = 1' "Sources/TurnpikeModel/$planted:1: the line"
expect check-words.sh "Tests/TurnpikeModelTests/$planted" 'let value = 1' "Tests/TurnpikeModelTests/$planted:1: the line"
lines() { echo "$licence"; yes '//' | head -n $(($1 - 1)); }
expect check-words.sh "Sources/TurnpikeModel/$planted" "$(lines 601)" '601 lines; the limit is 600'
expect check-words.sh "Tests/TurnpikeModelTests/$planted" "$(lines 801)" '801 lines; the limit is 800'

link() { expect check-links.py docs/operations.md "$1" "the link '$2' $3"; }
link 'See [there](gone.md).' gone.md 'leads to no file'
link 'See [there](#gone).' '#gone' 'leads to no heading'
link 'See [there](../README.md#gone).' '../README.md#gone' 'leads to no heading'
link 'See [there](../../elsewhere.md).' '../../elsewhere.md' 'leads out of the project'
link '[there]: how-to/gone.md' how-to/gone.md 'leads to no file'

if [ "$failures" -gt 0 ]; then exit 1; fi
echo "Self-test: $tried planted faults, all found."
