#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Kills the control plane amid writes and looks for what was lost, with release builds: see docs/benchmarks.md.
#
#   scripts/chaos.sh [OPTION...]      options of `turnpike-bench chaos`, such as --kills 10 or --seed 7

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build-bench.sh
.build/release/turnpike-bench chaos "$@"
