#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The main job on thousands of real operations, with release builds: see examples/real-routes.

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
echo "==> Building in release; the first time takes some minutes."
swift build -c release --product turnpike
swift build -c release --product turnpike-worker
python3 examples/real-routes/run.py
