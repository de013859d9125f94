#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads a gateway while all around it changes, dies and misbehaves, and fails where a client could tell: see docs/proofs.md.

Needs what `scripts/setup.sh soak` installs, and the built programs (TURNPIKE_BIN names their folder; default
.build/release). Figures go to standard output, progress to standard error. The exit status is 1 where a request failed or a
budget was missed.
"""

import argparse
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

SCRIPTS = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(SCRIPTS / "compare"), str(SCRIPTS.parent / "examples" / "real-routes")]

import abuse  # noqa: E402
import kernel  # noqa: E402
import load  # noqa: E402
from comparison import say  # noqa: E402
from disturbance import Changes, Deaths, Disturbance  # noqa: E402
from gauge import Held, held, watched  # noqa: E402
from load import Load, Outcome  # noqa: E402
from processes import Failure  # noqa: E402
from stage import TENANT, Stage, route  # noqa: E402
from tables import HELD, LOADS as LOAD_COLUMNS, SLOWEST, Table  # noqa: E402

CHANGED = ["routes", "keys", "endpoints"]
CHANGES_PER_SECOND = 50
WARM_UP_SECONDS = 1
LOADS = [
    Load("wrk", "wrk, HTTP/1.1", "h1", 32),
    Load("wrk-tls", "wrk, HTTP/1.1 over TLS", "tls", 8),
    Load("h2load", "h2load, HTTP/2 over TLS", "h2", 8, streams=4),
]

# Budgets. What was given back may stay with the allocator, and is used again: who comes a second time costs nothing more.
MORE_MIB = 24
MOST_MIB_A_CLIENT = 0.5
KEPT_DESCRIPTORS = 8
# Half-open connections are cut after 60 s, and idle ones to upstreams are closed after as long.
PATIENCE = 100
# A minute's patience for content, what bytes have earned, and the time that many clients take to begin.
CONTENT_SECONDS = 80
RECOVERED_SHARE = 0.5


class Verdict:
    """Prints figures, and remembers whether all of them were as they must be."""

    def __init__(self) -> None:
        self.faults = 0
        self.loads = Table("", LOAD_COLUMNS)
        self.abuse = Table("abuse")

    def tell(self, what: str, value: str, is_good: bool | None = None) -> None:
        said = "" if is_good is None else "   met" if is_good else "   MISSED"
        print(f"  {what:<58} {value}{said}", flush=True)
        self.faults += is_good is False


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=30, help="of load in each part (30)")
    parser.add_argument("--resets", type=int, default=100_000, help="connections that are reset (100000)")
    parser.add_argument("--clients", type=int, default=500, help="slow and half-open clients of each kind (500)")
    parser.add_argument("--transports", default="epoll,nio", help="which, separated by commas (epoll,nio)")
    parser.add_argument("--parts", default="changes,deaths,abuse", help="which, separated by commas (changes,deaths,abuse)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of what is left to chance (a random one)")
    given = parser.parse_args()
    given.transports, given.parts = given.transports.split(","), given.parts.split(",")
    if min(given.seconds, given.resets, given.clients) < 1 or given.clients > 4000:
        parser.error("seconds, resets and clients must be at least 1, and clients at most 4000")
    if not set(given.transports) <= {"epoll", "nio"} or not set(given.parts) <= set(PARTS):
        parser.error("transports are epoll and nio; parts are " + ", ".join(PARTS))
    return given


def changes(stage: Stage, given: argparse.Namespace, verdict: Verdict) -> None:
    row = f"{stage.transport}, changes"
    under_load(stage, given, verdict, row, [])


def deaths(stage: Stage, given: argparse.Namespace, verdict: Verdict) -> None:
    killer = Deaths(stage.endpoints, given.seed)
    row = f"{stage.transport}, changes and deaths"
    under_load(stage, given, verdict, row, [killer])
    verdict.tell("endpoints killed and started again", str(killer.count), killer.count > 0)


def under_load(
    stage: Stage, given: argparse.Namespace, verdict: Verdict, row: str, others: list[Disturbance]
) -> None:
    """wrk, in the clear and over TLS, and h2load at once, while routes, keys and endpoints change."""
    # Until a loop has its first lease its requests wait for it, a tenth of a second at most, which may be too short here.
    run_at_once(stage, WARM_UP_SECONDS)
    before = stage.refusals()
    rate = CHANGES_PER_SECOND / len(CHANGED)
    changes = [Changes(what, stage, rate, given.seed + number) for number, what in enumerate(CHANGED)]
    with ExitStack() as stack:
        for each in changes + others:
            stack.enter_context(each.under_way())
        outcomes = run_at_once(stage, given.seconds)
    made = sum(each.made / each.seconds for each in changes)
    verdict.tell("changes a second", f"{made:.1f}", made >= 0.9 * CHANGES_PER_SECOND)
    answered, latency = LOAD_COLUMNS[1:4], LOAD_COLUMNS[5]
    verdict.loads.put(row, LOAD_COLUMNS[0], f"{made:.1f}")
    for each, outcome, column in zip(LOADS, outcomes, answered):
        tell_load(verdict, each.label, outcome)
        verdict.loads.put(row, column, f"{outcome.requests:,}")
        verdict.loads.put(row, latency, f"{outcome.p99 / 1000:.1f}")
    faults = [fault for outcome in outcomes for fault in outcome.faults]
    verdict.loads.put(row, LOAD_COLUMNS[4], "; ".join(faults) or "0")
    for what, count in (stage.refusals() - before).items():
        verdict.tell(f"the gateway has refused: {what}", str(count))
    check_applied(stage, verdict)


def run_at_once(stage: Stage, seconds: int) -> list[Outcome]:
    outcomes: dict[str, Outcome | BaseException] = {}
    ports = {"h1": stage.port, "tls": stage.secure_port, "h2": stage.secure_port}

    def run(each: Load) -> None:
        try:
            outcomes[each.name] = load.run(each, ports[each.protocol], stage.keys, seconds, stage.folder)
        except BaseException as failure:  # Raised where the threads are joined.
            outcomes[each.name] = failure

    threads = [threading.Thread(target=run, args=[each]) for each in LOADS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for outcome in outcomes.values():
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcomes[each.name] for each in LOADS]


def tell_load(verdict: Verdict, label: str, outcome: Outcome) -> None:
    rate = outcome.requests / outcome.seconds
    verdict.tell(
        f"{label}: answered, a second, p50, p99, p99.9 ms",
        f"{outcome.requests}  {rate:.0f}  {outcome.p50 / 1000:.1f}  {outcome.p99 / 1000:.1f}  {outcome.p999 / 1000:.1f}",
    )
    verdict.tell(f"{label}: failed", "; ".join(outcome.faults) or "0", not outcome.faults and outcome.requests > 0)


def check_applied(stage: Stage, verdict: Verdict) -> None:
    """The gateway has followed all the while, if it serves by one more change at once."""
    path = f"/v1/tenants/{TENANT}/routes/orders?wait=applied&timeout=10s"
    start = time.monotonic()
    rollout = stage.control_plane.call("PUT", path, route(-1))
    seconds = time.monotonic() - start
    verdict.tell("one more change, applied after ms", f"{seconds * 1000:.0f}", "revision" in rollout and seconds < 10)


def abuse_it(stage: Stage, given: argparse.Namespace, verdict: Verdict) -> None:
    """Each kind of client in turn, and in the end all must be as it was."""
    calm = run_at_once(stage, 3)
    come_to_rest(stage, verdict, "before")
    at_rest = held(stage.gateway.child.pid)
    before = at_rest.memory_mib
    column = f"{stage.transport}: {HELD}"
    verdict.abuse.put("before", column, f"{before:.0f}, {at_rest.descriptors}")

    with watching(stage, verdict, f"{given.resets} resets", before, clients=0):
        start = time.monotonic()
        abuse.reset_again_and_again(stage, given.resets, given.seed)
        rate = given.resets / (time.monotonic() - start)
        verdict.tell("reset a second", f"{rate:.0f}")
        verdict.abuse.put(f"{given.resets} resets", f"{stage.transport}: what came of it", f"{rate:.0f} a second")
        check_serves(stage, verdict, "after the resets", f"{given.resets} resets")

    with watching(stage, verdict, f"{given.clients} slow readers", before, given.clients) as first:
        readers = abuse.slow_readers(stage, given.clients)
        abuse.sip(readers)
        check_serves(stage, verdict, "beside slow readers", f"{given.clients} slow readers")
        readers.reset()

    with watching(stage, verdict, f"{given.clients} slow senders of a head", before, given.clients):
        senders = abuse.slow_senders(stage, given.clients)
        answered, others = abuse.drip(senders, stage.keys[0], 30)
        is_good = others == 0 and len(answered) == given.clients and max(answered) < 15
        times = f"{min(answered):.1f} to {max(answered):.1f}" if answered else "never"
        verdict.tell("slow senders of a head: 408 after s", times, is_good)
        verdict.abuse.put(
            f"{given.clients} slow senders of a head", f"{stage.transport}: what came of it", f"408 after {times} s")
        senders.reset()

    with watching(stage, verdict, f"{given.clients} slow senders of content", before, given.clients):
        drip_content(stage, given, verdict)

    with watching(stage, verdict, f"{given.clients} half-open connections", before, given.clients):
        opened = abuse.half_open(stage, given.clients)
        how = "they have vanished" if opened.vanish() else "they are silent"
        check_serves(
            stage, verdict, f"beside half-open connections ({how})", f"{given.clients} half-open connections")
        come_to_rest(stage, verdict, "afterwards")

    with watching(stage, verdict, "as many slow readers again", first.memory_mib, clients=0):
        readers = abuse.slow_readers(stage, given.clients)
        abuse.sip(readers)
        readers.reset()

    for each, was, now in zip(LOADS, calm, run_at_once(stage, 3)):
        is_good = not was.faults and not now.faults and now.requests >= RECOVERED_SHARE * was.requests
        verdict.tell(
            f"{each.label}: a second before, afterwards",
            f"{was.requests / was.seconds:.0f}  {now.requests / now.seconds:.0f}", is_good,
        )
    after = held(stage.gateway.child.pid)
    verdict.tell("memory before, afterwards MiB", f"{before:.1f}  {after.memory_mib:.1f}")
    verdict.abuse.put("afterwards", column, f"{after.memory_mib:.0f}, {after.descriptors}")


def drip_content(stage: Stage, given: argparse.Namespace, verdict: Verdict) -> None:
    """Content that comes too slowly for good is a 408 once a minute's patience is used up, whatever carries it."""
    row = f"{given.clients} slow senders of content"
    refused = timed_out(stage)
    senders = abuse.SlowContent(stage, given.clients)
    check_serves(stage, verdict, "beside slow senders of content", row)
    answered = senders.drip(CONTENT_SECONDS)
    refused = timed_out(stage) - refused
    times = f"{min(answered):.1f} to {max(answered):.1f}" if answered else "never"
    is_good = len(answered) == given.clients and min(answered) > 50 and refused == senders.requests
    verdict.tell("slow senders of content: answered after s", times, is_good)
    verdict.tell("slow senders of content: requests, refused with 408", f"{senders.requests}  {refused}", is_good)
    verdict.abuse.put(row, f"{stage.transport}: what came of it", f"408 after {times} s")
    senders.clients.reset()


def timed_out(stage: Stage) -> int:
    """Requests that the gateway has answered with 408 so far."""
    return sum(count for labels, count in stage.refusals().items() if 'reason="request-timeout"' in labels)


def come_to_rest(stage: Stage, verdict: Verdict, when: str) -> None:
    """Waits until as much is open as when nobody had come yet."""
    pid, first = stage.gateway.child.pid, stage.first.descriptors
    start, now = time.monotonic(), held(pid).descriptors
    while now > first + KEPT_DESCRIPTORS and time.monotonic() < start + PATIENCE:
        time.sleep(0.5)
        now = held(pid).descriptors
    verdict.tell(
        f"{when}: descriptors at the start, now; after s", f"{first}  {now}  {time.monotonic() - start:.0f}",
        now <= first + KEPT_DESCRIPTORS,
    )
    if when == "afterwards":
        seconds = time.monotonic() - start
        verdict.abuse.put("a minute later", f"{stage.transport}: {HELD}", f"{now} descriptors after {seconds:.0f} s")


@contextmanager
def watching(stage: Stage, verdict: Verdict, what: str, before: float, clients: int) -> Iterator[Held]:
    """Tells the most that was held, and holds memory to what it was before and a share for each client."""
    with watched(stage.gateway.child.pid) as most:
        yield most
    bound = before + MORE_MIB + clients * MOST_MIB_A_CLIENT
    verdict.tell(f"{what}: at most MiB, descriptors", f"{most.memory_mib:.1f}  {most.descriptors}", most.memory_mib <= bound)
    verdict.abuse.put(what, f"{stage.transport}: {HELD}", f"{most.memory_mib:.0f}, {most.descriptors:,}")


def check_serves(stage: Stage, verdict: Verdict, when: str, row: str) -> None:
    """Somebody else's requests are answered as if nothing were."""
    times = []
    for number in range(200):
        start = time.monotonic()
        status, _ = load.ask(stage.port, stage.keys[number % len(stage.keys)])
        times.append(time.monotonic() - start)
        if status != 200:
            return verdict.tell(f"{when}: an answer", str(status), False)
    times.sort()
    verdict.abuse.put(row, SLOWEST, f"{times[-1] * 1000:.1f}")
    verdict.tell(f"{when}: 200 requests, p50, max ms", f"{times[100] * 1000:.1f}  {times[-1] * 1000:.1f}", times[-1] < 2)


PARTS = {"changes": changes, "deaths": deaths, "abuse": abuse_it}


def soak(folder: pathlib.Path, given: argparse.Namespace, verdict: Verdict) -> None:
    machine = kernel.machine()
    print(f"Soak: seed {given.seed}; {machine['model']}, {machine['cores']} cores, {machine['memoryGiB']} GiB")
    for transport in given.transports:
        for part in given.parts:
            say(f"{transport}: {part}.")
            print(f"{transport}, {part}")
            stage = Stage(folder / f"{transport}-{part}", transport)
            try:
                PARTS[part](stage, given, verdict)
                stage.gateway.require_running()
                stage.control_process.require_running()
            finally:
                stage.stop()


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    given = options()
    verdict = Verdict()
    try:
        kernel.allow_files(3 * given.clients + 2048)
        with tempfile.TemporaryDirectory(prefix="turnpike-soak-") as folder:
            soak(pathlib.Path(folder), given, verdict)
        print("", *filter(None, map(str, [verdict.loads, verdict.abuse])), sep="\n", flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
    except (Failure, OSError) as failure:
        sys.exit(f"Failed, seed {given.seed}: {failure}")
    if verdict.faults:
        sys.exit(f"{verdict.faults} of these are not as they must be; seed {given.seed}.")


if __name__ == "__main__":
    main()
