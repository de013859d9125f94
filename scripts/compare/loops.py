#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a gateway of one event loop beside one of two: see docs/benchmarks.md.

Both run on one core and the load on another, as in the comparison with others, so that processor time per request is what
differs, and not how the system shares cores. Needs what `scripts/setup.sh compare` installs, and the built programs
(TURNPIKE_BIN names their folder; default .build/release). The exit status is 1 where a request failed, or where one loop did
more than its share.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "examples" / "real-routes"))

import kernel  # noqa: E402
from comparison import WARM_UP_SECONDS, Comparison, Life, say  # noqa: E402
from load import Load  # noqa: E402
from processes import Failure, Programs  # noqa: E402
from subjects.turnpike import Turnpike  # noqa: E402

LOADS = [Load("32", "32 connections", "h1", 32), Load("32-tls", "32 connections, TLS", "tls", 32)]
# Of the busiest loop's processor time to the least busy one's.
MOST_UNEVEN = 1.2


@dataclass
class Figures:
    """Of one gateway under one load, a value for each round."""

    microseconds: list[float] = field(default_factory=list)
    unevenness: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def take(self, life: Life, each: Load, number: int, seconds: int) -> None:
        pid = life.place.measured[0].child.pid
        before = kernel.thread_nanoseconds(pid)
        turn = life.run(each, number, seconds)
        after = kernel.thread_nanoseconds(pid)
        # The loops are the threads that did the most.
        busiest = sorted((after[thread] - before.get(thread, 0) for thread in after), reverse=True)[: life.subject.loops]
        self.microseconds.append(turn.processor / max(turn.outcome.requests, 1) / 1000)
        self.unevenness.append(busiest[0] / max(busiest[-1], 1))
        self.faults += turn.outcome.faults


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6, help="for each gateway and load (6)")
    parser.add_argument("--seconds", type=int, default=3, help="of each round (3)")
    given = parser.parse_args()
    if min(given.rounds, given.seconds) < 1:
        parser.error("rounds and seconds must be at least 1")
    return given


def measure(folder: pathlib.Path, given: argparse.Namespace) -> dict[tuple[str, int, str], Figures]:
    """By transport, loops and load. The gateways take turns, each other round in the opposite order."""
    programs = Programs(folder)
    subjects = [Turnpike(programs, transport, loops) for transport in ("epoll", "nio") for loops in (1, 2)]
    comparison = Comparison(folder, subjects)
    figures: dict[tuple[str, int, str], Figures] = {}
    with comparison.upstream() as upstream, ExitStack() as stack, kernel.pinned(kernel.two_cores()[0]):
        lives = [stack.enter_context(comparison.life(subject, upstream)) for subject in subjects]
        for number in range(given.rounds + 1):
            say(f"Round {number} of {given.rounds}." if number else "Warming up.")
            for each in LOADS:
                for life in lives if number % 2 else lives[::-1]:
                    of_these = figures.setdefault((life.subject.label, life.subject.loops, each.label), Figures())
                    if number:
                        of_these.take(life, each, number, given.seconds)
                    else:
                        life.run(each, 0, WARM_UP_SECONDS)
    return figures


def tell(figures: dict[tuple[str, int, str], Figures]) -> int:
    """Prints a table. Returns how much of it is not as it must be."""
    wrong = 0
    print("| gateway | loops | load | µs of processor time a request | one loop to the other |")
    print("|---|--:|---|--:|--:|")
    for (label, loops, load), found in sorted(figures.items(), key=lambda each: (each[0][2], each[0])):
        spent, uneven = spread(found.microseconds), statistics.median(found.unevenness)
        is_good = not found.faults and uneven <= MOST_UNEVEN
        wrong += not is_good
        share = f"{uneven:.2f}" if loops > 1 else ""
        print(f"| {label} | {loops} | {load} | {spent} | {share}{'' if is_good else ' **missed** ' + '; '.join(found.faults)} |")
    return wrong


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


def main() -> None:
    given = options()
    try:
        with tempfile.TemporaryDirectory(prefix="turnpike-loops-") as folder:
            wrong = tell(measure(pathlib.Path(folder), given))
    except KeyboardInterrupt:
        sys.exit(130)
    except (Failure, OSError) as failure:
        sys.exit(f"Failed: {failure}")
    if wrong:
        sys.exit(f"{wrong} of these are not as they must be.")


if __name__ == "__main__":
    main()
