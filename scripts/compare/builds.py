#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures builds of the gateway beside each other: what a change has done to the processor time of a request.

    scripts/compare/builds.py old=FOLDER new=FOLDER floor

A folder has the built programs (`.build/release` for the present ones); `floor`, `nginx-lua`, `haproxy` and the other names of
the comparison stand for those. All are under load at the same time, on one core, and the load on another: what else the machine
does, and how fast it happens to be, hits all alike, so that ratios within a round tell differences of a percent apart where
rounds one after the other would tell ten. A request costs more here than alone, since they push each other out of the caches.

Needs what `scripts/setup.sh compare` installs. The exit status is 1 where a request failed.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "examples" / "real-routes"))

import kernel  # noqa: E402
import load  # noqa: E402
from comparison import WARM_UP_SECONDS, Comparison, Life, say  # noqa: E402
from load import Load  # noqa: E402
from processes import Failure, Programs  # noqa: E402
from subject import CONNECTIONS, Subject  # noqa: E402
from subjects.haproxy import HAProxy  # noqa: E402
from subjects.nginx_lua import NginxLua  # noqa: E402
from subjects.nginx_plain import NginxPlain  # noqa: E402
from subjects.relay import Relay  # noqa: E402
from subjects.turnpike import Turnpike  # noqa: E402

OTHERS = {kind.name: kind for kind in (NginxPlain, NginxLua, HAProxy, Relay)}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="+", help="NAME=FOLDER, or one of the others; ratios are to the first")
    parser.add_argument("--connections", type=int, default=256, help="to each (256)")
    parser.add_argument("--rounds", type=int, default=12, help="of all at once (12)")
    parser.add_argument("--seconds", type=int, default=2, help="of each round (2)")
    given = parser.parse_args()
    if min(given.connections, given.rounds, given.seconds) < 1:
        parser.error("connections, rounds and seconds must be at least 1")
    return given


def subject(what: str, folder: pathlib.Path) -> Subject:
    name, is_build, binaries = what.partition("=")
    if not is_build:
        if name not in OTHERS:
            raise Failure(f"There is no {name}. There are {', '.join(OTHERS)}, and NAME=FOLDER.")
        return OTHERS[name]()
    made = Turnpike(Programs(folder, pathlib.Path(binaries)), "epoll")
    made.name = made.label = name
    return made


def turn(lives: list[Life], each: Load, seconds: int) -> list[float]:
    """One round of all at once. Returns the microseconds of processor time that each took for a request."""
    before = [life.place.processor_nanoseconds()[0] for life in lives]
    with ThreadPoolExecutor(len(lives)) as pool:
        running = [
            pool.submit(load.run, each, life.ports[each.protocol], life.subject.keys, seconds, life.place.folder)
            for life in lives
        ]
        outcomes = [outcome.result() for outcome in running]
    after = [life.place.processor_nanoseconds()[0] for life in lives]
    for life, outcome in zip(lives, outcomes):
        if outcome.faults:
            raise Failure(f"{life.subject.label}: {'; '.join(outcome.faults)}")
    return [(end - start) / outcome.requests / 1000 for start, end, outcome in zip(before, after, outcomes)]


def measure(folder: pathlib.Path, given: argparse.Namespace) -> None:
    subjects = [subject(what, folder) for what in given.what]
    kernel.allow_files(CONNECTIONS + 2048)
    comparison = Comparison(folder, subjects)
    each = Load(str(given.connections), f"{given.connections} connections", "h1", given.connections)
    with comparison.upstream() as upstream, ExitStack() as stack, kernel.pinned(kernel.two_cores()[0]):
        lives = [stack.enter_context(comparison.life(one, upstream)) for one in subjects]
        say("Warming up.")
        turn(lives, each, WARM_UP_SECONDS)
        say(f"{given.rounds} rounds.")
        rounds = [turn(lives, each, given.seconds) for _ in range(given.rounds)]
    print(f"| {each.label} | µs of processor time a request | to {subjects[0].label} |")
    print("|---|--:|--:|")
    for place, one in enumerate(subjects):
        ratios = [figures[place] / figures[0] for figures in rounds]
        print(
            f"| {one.label} | {statistics.median(figures[place] for figures in rounds):.2f} "
            f"| {statistics.median(ratios):.3f} ({min(ratios):.3f}–{max(ratios):.3f}) |")


def main() -> None:
    given = options()
    try:
        with tempfile.TemporaryDirectory(prefix="turnpike-builds-") as folder:
            measure(pathlib.Path(folder), given)
    except KeyboardInterrupt:
        sys.exit(130)
    except (Failure, OSError) as failure:
        sys.exit(f"Failed: {failure}")


if __name__ == "__main__":
    main()
