#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Everything that can be checked without a build: layers, words, links, alerts, the checks themselves, and the
# layout of the code.

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/check-layers.sh
scripts/check-words.sh
scripts/check-links.py
scripts/check-alerts.sh
scripts/check-selftest.sh
scripts/format.sh --lint
