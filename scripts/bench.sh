#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The benchmarks with sizes that take some minutes all in all, with release builds: see docs/benchmarks.md.

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build-bench.sh
bench=.build/release/turnpike-bench
"$bench" throughput
"$bench" propagation
"$bench" fleet
"$bench" isolation --seconds 3
"$bench" scale --tenants 100 --routes 1000 --keys 100000
