#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Holds the sources to rules that no compiler knows: the licence line, the length of files, and words that say
# "not finished" or "crash here".
#
#   scripts/check-words.sh [ROOT]      ROOT defaults to the project's root

set -euo pipefail
root=${1:-$(dirname "$0")/..}
cd "$root"

source_limit=600
test_limit=800
licence='SPDX-License-Identifier: Apache-2.0'
failures=0

fail() {
    printf '%s\n' "$*" >&2
    failures=$((failures + 1))
}

files() { find Package.swift Sources Benchmarks Tests scripts \( -name '*.swift' -o -name '*.sh' \) -type f -print0; }
count=$(files | tr -cd '\0' | wc -c)

# A script's first line names its interpreter, Package.swift's the version of its tools: the licence may be the second.
while IFS= read -r fault; do
    fail "$fault"
done < <(files | xargs -0 awk -v licence="$licence" -v source_limit=$source_limit -v test_limit=$test_limit '
    function finish() {
        if (file == "") return
        if (!licensed) print file ":1: the line \"" licence "\" is missing"
        limit = file ~ /^Tests\// ? test_limit : source_limit
        if (lines > limit) print file ": " lines " lines; the limit is " limit ". Find the second type in it."
    }
    FILENAME != file { finish(); file = FILENAME; licensed = 0 }
    FNR <= 2 && index($0, licence) { licensed = 1 }
    { lines = FNR }
    END { finish() }
')

forbid() {
    local reason=$1 pattern=$2 hit
    while IFS= read -r hit; do
        fail "$hit   <- $reason"
    done < <(grep -rnE --include='*.swift' "$pattern" Sources Benchmarks || true)
}

forbid 'finish it, or open an issue' '\b(TODO|FIXME|XXX|HACK)\b'
forbid 'handle the error, or let it pass on' '\btry!'
forbid 'a server does not stop for one request' '\bfatalError\('
forbid 'cast with as? and answer the other case' '\bas!'

if [ "$count" -eq 0 ]; then fail "no files found: this check looks in the wrong place"; fi
if [ "$failures" -gt 0 ]; then
    echo "Words: $failures fault(s)." >&2
    exit 1
fi
echo "Words: $count files, all in order."
