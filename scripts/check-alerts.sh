#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Has promtool (of Prometheus; Debian's package `prometheus` has it) read the alerts and try them on series. Where there is no
# promtool, nothing is checked: it is no part of the setup.

set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v promtool >/dev/null; then
    echo "Alerts: not tried, for there is no promtool."
    exit 0
fi
promtool check rules deploy/prometheus/alerts.yaml >/dev/null
promtool test rules deploy/prometheus/alerts.test.yaml >/dev/null
echo "Alerts: read, and tried on series."
