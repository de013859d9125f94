#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Everything that can be checked without a build: layers, words, the checks themselves, and the layout of the code.

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/check-layers.sh
scripts/check-words.sh
scripts/check-selftest.sh
scripts/format.sh --lint
