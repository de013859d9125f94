#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures Turnpike's gateway beside others, in one run on this machine: see docs/gateway-benchmarks.md.

Needs what `scripts/setup.sh compare` installs, and the built programs (TURNPIKE_BIN names their folder; default
.build/release). The page goes to standard output, and with --docs into that folder, with its pictures. The exit status is 1
where something failed or a round went wrong; a budget that is missed changes nothing.
"""

import argparse
import json
import pathlib
import signal
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "examples" / "real-routes"))

import kernel  # noqa: E402
from comparison import Comparison, say  # noqa: E402
from figures import Figures  # noqa: E402
from page import Report  # noqa: E402
from processes import Failure, Programs  # noqa: E402
from subject import CONNECTIONS, Subject, output  # noqa: E402
from subjects.envoy import Envoy  # noqa: E402
from subjects.haproxy import HAProxy  # noqa: E402
from subjects.nginx_lua import NginxLua  # noqa: E402
from subjects.nginx_plain import NginxPlain  # noqa: E402
from subjects.relay import Relay  # noqa: E402
from subjects.turnpike import Turnpike  # noqa: E402


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6, help="for each gateway and load (6)")
    parser.add_argument("--seconds", type=int, default=3, help="of each round (3)")
    parser.add_argument("--idle", type=int, default=10_000, help=f"idle connections, at most {CONNECTIONS} (10000)")
    parser.add_argument("--only", help="names of gateways, separated by commas; all by default")
    parser.add_argument("--docs", type=pathlib.Path, help="where to write gateway-benchmarks.md and images/")
    parser.add_argument("-o", choices=["text", "json"], default="text", dest="form", help="what to print (text)")
    given = parser.parse_args()
    if min(given.rounds, given.seconds, given.idle) < 1 or given.idle > CONNECTIONS:
        parser.error(f"rounds, seconds and idle must be at least 1, and idle at most {CONNECTIONS}")
    return given


def chosen(folder: pathlib.Path, only: str | None) -> list[Subject]:
    """Without Turnpike among them, its programs need not be there."""
    field: list[Subject] = [NginxPlain(), NginxLua(), HAProxy(), Envoy(), Relay()]
    names = only.split(",") if only else None
    if names is None or any(name.startswith("turnpike") for name in names):
        field = [*Turnpike.all(Programs(folder)), *field]
    if names is None:
        return field
    unknown = set(names) - {subject.name for subject in field}
    if unknown:
        raise Failure(f"No such gateway: {', '.join(unknown)}. There are {', '.join(subject.name for subject in field)}.")
    return [subject for subject in field if subject.name in names]


def measure(folder: pathlib.Path, given: argparse.Namespace) -> Report:
    subjects = chosen(folder, given.only)
    kernel.allow_files(CONNECTIONS + 2048)
    load_core, _ = kernel.two_cores()
    comparison = Comparison(folder, subjects)
    with comparison.upstream() as upstream, kernel.pinned(load_core):
        memory = list(comparison.memory(upstream, given.idle))
        rounds = list(comparison.rounds(upstream, given.rounds, given.seconds))
    # wrk says its version only along with an error about its usage.
    tools = [output("dpkg-query", "-W", "-f", "${Package} ${Version}", package) for package in ("wrk", "nghttp2-client")]
    return Report(
        time.strftime("%Y-%m-%d", time.gmtime()), kernel.machine(), tools, subjects, Figures(rounds, memory),
        given.rounds, given.seconds, given.idle,
    )


def publish(report: Report, given: argparse.Namespace) -> None:
    if given.docs:
        images = given.docs / "images"
        images.mkdir(parents=True, exist_ok=True)
        (given.docs / "gateway-benchmarks.md").write_text(report.page())
        for name, text in report.pictures().items():
            (images / name).write_text(text)
        say(f"Wrote {given.docs}/gateway-benchmarks.md.")
    if given.form == "json":
        json.dump(report.json(), sys.stdout, indent=2)
    else:
        print(report.page())


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    given = options()
    try:
        with tempfile.TemporaryDirectory(prefix="turnpike-compare-") as folder:
            report = measure(pathlib.Path(folder), given)
    except KeyboardInterrupt:
        sys.exit(130)
    except (Failure, OSError) as failure:
        sys.exit(f"Failed: {failure}")
    publish(report, given)
    if report.figures.faulty():
        sys.exit("Some rounds went wrong; see 'Rounds that went wrong'.")


if __name__ == "__main__":
    main()
