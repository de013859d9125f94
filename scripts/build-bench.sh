#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the benchmarks and the programs that they measure, in release.

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
echo "==> Building in release; the first time takes some minutes." >&2
for product in turnpike turnpike-worker turnpike-bench; do swift build -c release --product "$product"; done
