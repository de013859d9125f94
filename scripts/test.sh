#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sets up, checks, builds everything and runs every test. Further arguments go to `swift test`, as in
#   scripts/test.sh --filter TraceContext

set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*"; }

say "Setting up: installing what is missing."
scripts/setup.sh
say "Checking layers, words, links and layout."
scripts/check.sh
say "Building all targets and tests; from nothing this takes some minutes, most of it for dependencies."
swift build --build-tests
say "Running the tests."
# One at a time: several hundred at once leave those that wait for a tenth of a second none on a small machine.
swift test --skip-build --no-parallel "$@"
