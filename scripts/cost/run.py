#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts what a request costs, in instructions and allocations, and fails where it has become dearer, or dearer with many
routes than with few: see docs/proofs.md.

The engine alone is run by `turnpike-cost` under callgrind; the gateway as it is, with a library preloaded that counts
allocations. Each figure is what N more requests add, so that starting costs nothing. They are held to scripts/cost/baseline.json;
UPDATE_BASELINE=1 writes that anew.

Needs what `scripts/setup.sh cost` installs, and the built programs (TURNPIKE_BIN names their folder; default .build/release).
"""

import json
import os
import pathlib
import re
import resource
import signal
import statistics
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE.parent
sys.path += [str(SCRIPTS / "compare"), str(SCRIPTS / "soak"), str(SCRIPTS.parent / "examples" / "real-routes")]

import load  # noqa: E402
from comparison import say  # noqa: E402
from processes import ROOT, Failure  # noqa: E402
from stage import Stage  # noqa: E402
from subject import output  # noqa: E402

BASELINE = HERE / "baseline.json"
# The same requests among few routes, among many, and such as go to all of the many.
FEW_ROUTES, FEW_OF_MANY, MANY_ROUTES = "10-routes", "10-of-10000-routes", "10000-routes"
CASES = ["plain", "policy", "refused", "chunked", FEW_ROUTES, FEW_OF_MANY, MANY_ROUTES]
TRANSPORTS = ["epoll", "nio"]
# What is counted is the difference between these two.
FEW, MANY = 2_000, 6_000
# Of requests whose time is taken: enough for each of the many routes to be asked for again and again.
TIMED, TIMED_ROUNDS = 202_000, 7
ROUTING_BUDGET = 1.2
GATEWAY_REQUESTS, ROUNDS = 5_000, 5
GROWTH = 1.01
# Of an allocation a request: what a gateway does beside its requests, such as a heartbeat, may come to that.
SLACK = 0.05
BINARIES = pathlib.Path(os.environ.get("TURNPIKE_BIN", ROOT / ".build" / "release")).resolve()
# Hashing by a random seed would take another number of steps each time.
STEADY = {"PATH": os.environ["PATH"], "SWIFT_DETERMINISTIC_HASHING": "1", "LANG": "C"}


def counter(folder: pathlib.Path) -> pathlib.Path:
    library = folder / "count.so"
    output("cc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "count.c")
    return library


def stripped(folder: pathlib.Path) -> pathlib.Path:
    """The program without what debuggers need, which valgrind would stumble over."""
    program = folder / "turnpike-cost"
    output("strip", "--strip-debug", "-o", program, BINARIES / "turnpike-cost")
    return program


def run_core(program: pathlib.Path, case: str, requests: int, wrapper: list, environment: dict[str, str]) -> str:
    command = [*wrapper, program, case, requests]
    done = subprocess.run([str(part) for part in command], env=STEADY | environment, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{' '.join(map(str, command))} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stderr


def instructions(case: str, folder: pathlib.Path, program: pathlib.Path) -> float:
    def collected(requests: int) -> int:
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder / 'callgrind'}"]
        said = run_core(program, case, requests, valgrind, {})
        return int(re.search(r"Collected : (\d+)", said).group(1))

    return (collected(MANY) - collected(FEW)) / (MANY - FEW)


def allocations(case: str, folder: pathlib.Path, program: pathlib.Path, library: pathlib.Path) -> float:
    def counted(requests: int) -> int:
        file = folder / "allocations"
        file.unlink(missing_ok=True)
        run_core(program, case, requests, [], {"LD_PRELOAD": str(library), "ALLOCATIONS": str(file)})
        return read_count(file)

    return (counted(MANY) - counted(FEW)) / (MANY - FEW)


def nanoseconds(case: str, program: pathlib.Path) -> float:
    """Processor time of a request."""

    def taken(requests: int) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        run_core(program, case, requests, [], {})
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before

    return (taken(TIMED) - taken(FEW)) / (TIMED - FEW) * 1e9


def routing(figures: dict[str, float], program: pathlib.Path) -> int:
    """Prints what a request costs among many routes, to what it does among few. Returns how many budgets are missed."""
    say("The engine alone: few routes and many, by the clock.")
    rounds = [{case: nanoseconds(case, program) for case in (FEW_ROUTES, FEW_OF_MANY, MANY_ROUTES)} for _ in range(TIMED_ROUNDS)]
    missed = 0
    for case, is_held in [(FEW_OF_MANY, True), (MANY_ROUTES, False)]:
        counted = figures[f"core, {case}: instructions"] / figures[f"core, {FEW_ROUTES}: instructions"]
        times = [turn[case] / turn[FEW_ROUTES] for turn in rounds]
        timed = statistics.median(times)
        # That other routes are asked for each time shows in what the processor's caches hold, and in nothing else.
        is_missed = counted > ROUTING_BUDGET or is_held and timed > ROUTING_BUDGET
        missed += is_missed
        print(
            f"  {case + ' to ' + FEW_ROUTES:<34} {counted:.2f} in instructions, {timed:.2f} ({min(times):.2f}–{max(times):.2f})"
            f" in time; at most {ROUTING_BUDGET}{'' if is_held else ' in instructions'}: {'MISSED' if is_missed else 'met'}")
    return missed


def read_count(file: pathlib.Path) -> int:
    return struct.unpack("=Q", file.read_bytes())[0]


def gateway_allocations(transport: str, folder: pathlib.Path, library: pathlib.Path) -> float:
    """Of requests with full policy on one kept connection, one after the other; the least of some rounds."""
    file = folder / f"allocations-{transport}"
    counting = {"LD_PRELOAD": str(library), "ALLOCATIONS": str(file)}
    stage = Stage(folder / transport, transport, counting)
    try:
        with load.socket.create_connection(("127.0.0.1", stage.port), timeout=10) as connection:
            request = load.request(stage.keys[0])

            def ask() -> None:
                connection.sendall(request)
                status, _ = load.answer(connection)
                if status != 200:
                    raise Failure(f"{transport}: answered {status}.")

            rounds = []
            for _ in range(ROUNDS + 1):
                before = read_count(file)
                for _ in range(GATEWAY_REQUESTS):
                    ask()
                rounds.append((read_count(file) - before) / GATEWAY_REQUESTS)
        return min(rounds[1:])
    finally:
        stage.stop()


def measure(folder: pathlib.Path, program: pathlib.Path) -> dict[str, float]:
    library = counter(folder)
    figures = {}
    for case in CASES:
        say(f"The engine alone: {case}.")
        figures[f"core, {case}: instructions"] = round(instructions(case, folder, program), 1)
        figures[f"core, {case}: allocations"] = round(allocations(case, folder, program, library), 3)
    for transport in TRANSPORTS:
        say(f"The gateway by {transport}.")
        figures[f"gateway, {transport}: allocations"] = round(gateway_allocations(transport, folder, library), 2)
    return figures


def compiler() -> str:
    return re.search(r"Swift version \S+", output("swift", "--version")).group(0)


def judge(figures: dict[str, float]) -> int:
    """Prints each figure beside its baseline. Returns how many are dearer."""
    known = json.loads(BASELINE.read_text())
    if known["compiler"] != compiler():
        print(f"The baseline is of {known['compiler']}, this of {compiler()}: both may differ for that alone.")
    dearer = 0
    for name, now in figures.items():
        was = known["figures"].get(name)
        if was is None:
            verdict = "no baseline: DEARER"
        elif now > was * GROWTH + (SLACK if "allocations" in name else 0):
            verdict = "DEARER"
        else:
            verdict = "as before" if now >= was / GROWTH else "cheaper: renew the baseline"
        dearer += verdict.endswith("DEARER")
        shown = "" if was is None else f"{was:>10g}  {(now / was - 1) * 100 if was else 0:+6.2f} %"
        print(f"  {name:<34} {now:>10g}  {shown}  {verdict}")
    return dearer


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="turnpike-cost-") as folder:
            program = stripped(pathlib.Path(folder))
            figures = measure(pathlib.Path(folder), program)
            missed = routing(figures, program)
        if os.environ.get("UPDATE_BASELINE") == "1":
            BASELINE.write_text(json.dumps({"compiler": compiler(), "figures": figures}, indent=2) + "\n")
        dearer = judge(figures)
    except (Failure, OSError) as failure:
        sys.exit(f"Failed: {failure}")
    if missed:
        sys.exit("A request among many routes costs too much more than among few.")
    if dearer:
        sys.exit(f"{dearer} figures have grown by more than 1 %. Where that is worth it: UPDATE_BASELINE=1 make cost.")


if __name__ == "__main__":
    main()
