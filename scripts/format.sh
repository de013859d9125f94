#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Lays out all Swift files as .swift-format says. With --lint it changes nothing and fails where something would change.

set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1-}" = --lint ]; then
    swift format lint --strict --parallel --recursive Package.swift Sources Benchmarks Tests ||
        { echo "Layout: 'make format' mends most of the above." >&2 && exit 1; }
    echo "Layout: as .swift-format says."
else
    swift format --in-place --parallel --recursive Package.swift Sources Benchmarks Tests
fi
