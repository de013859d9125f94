# SPDX-License-Identifier: Apache-2.0
"""The course of a comparison: every subject is checked, its memory measured, and then all take turns under load."""

import pathlib
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import load
from kernel import two_cores
from load import LOADS, Load, Outcome
from processes import Failure, free_port, until
from subject import Place, Subject, output
from upstream import SMALL, Upstream

CHECKED_REQUESTS = 20
# What a key is allowed in a second: so much that nobody meets it, and so little that it is met at once.
HIGH_LIMIT, LOW_LIMIT = 1_000_000, 3
WARM_UP_SECONDS = 1
# For memory that is given back a moment later, as what only a start needed.
REST_SECONDS = 3


@dataclass(frozen=True)
class Round:
    """What one subject did under one load. Processor time is in nanoseconds: its own, and of what must run beside it."""

    number: int
    subject: str
    load: str
    outcome: Outcome
    processor: int
    beside: int


@dataclass(frozen=True)
class Memory:
    """KiB: after some requests, and with many connections kept that each had one."""

    subject: str
    base: int
    idle: int


class Comparison:
    def __init__(self, folder: pathlib.Path, subjects: list[Subject]) -> None:
        self._folder = folder
        self._subjects = subjects
        self._cores = two_cores()
        self._certificate = make_certificate(folder)
        self._lives = 0

    @contextmanager
    def upstream(self) -> Iterator[Upstream]:
        with self._place("upstream", free_port()) as place:
            yield Upstream(place)

    def memory(self, upstream: Upstream, connections: int) -> Iterator[Memory]:
        """Checks each subject, and measures it, alone and fresh."""
        for subject in self._subjects:
            say(f"Checking {subject.label}, and its memory with {connections} idle connections.")
            if subject.checks_keys:
                with self._place(subject.name, upstream.port, LOW_LIMIT) as place:
                    check_limit(subject, subject.start(place)["h1"])
            with self._place(subject.name, upstream.port) as place:
                port = subject.start(place)["h1"]
                check(subject, port, upstream)
                if "idle" in subject.unsupported:
                    continue
                time.sleep(REST_SECONDS)
                check(subject, port, upstream)
                base = place.memory_kib()
                idle = load.open_idle(port, subject.keys, connections)
                time.sleep(REST_SECONDS)
                yield Memory(subject.name, base, place.memory_kib())
                for connection in idle:
                    connection.close()

    def rounds(self, upstream: Upstream, count: int, seconds: int) -> Iterator[Round]:
        """Interleaves the subjects, each other round in the opposite order, so that what else the machine does hits all."""
        with ExitStack() as stack:
            lives = [stack.enter_context(self.life(subject, upstream)) for subject in self._subjects]
            say("Warming up.")
            for life, each in turns(lives):
                life.run(each, 0, WARM_UP_SECONDS)
            for number in range(1, count + 1):
                say(f"Round {number} of {count}.")
                for life, each in turns(lives if number % 2 else lives[::-1]):
                    yield life.run(each, number, seconds)

    @contextmanager
    def life(self, subject: Subject, upstream: Upstream) -> Iterator["Life"]:
        """A subject that runs, and does what it is measured for."""
        with self._place(subject.name, upstream.port) as place:
            ports = subject.start(place)
            check(subject, ports["h1"], upstream)
            yield Life(subject, place, ports, upstream)

    @contextmanager
    def _place(self, name: str, upstream_port: int, requests_per_second: int = HIGH_LIMIT) -> Iterator[Place]:
        self._lives += 1
        folder = self._folder / f"{self._lives}-{name}"
        folder.mkdir()
        with ExitStack() as stack:
            yield Place(folder, upstream_port, requests_per_second, self._certificate, self._cores, stack)


@dataclass
class Life:
    """A subject that runs."""

    subject: Subject
    place: Place
    ports: dict[str, int]
    upstream: Upstream

    def run(self, each: Load, number: int, seconds: int) -> Round:
        for process in self.place.measured:
            process.require_running()
        seen = self.upstream.settled()
        processor, beside = self.place.processor_nanoseconds()
        outcome = load.run(each, self.ports[each.protocol], self.subject.keys, seconds, self.place.folder)
        processor_after, beside_after = self.place.processor_nanoseconds()
        seen = self.upstream.settled() - seen
        if outcome.requests == 0:
            outcome.faults.append("no answers")
        # Not among the answered are those that were under way when the time was up, nor, with h2load, when it began.
        if not 0 <= seen - outcome.requests <= 2 * each.connections * each.streams:
            outcome.faults.append(f"{outcome.requests} answers, but {seen} requests at the upstream")
        return Round(
            number, self.subject.name, each.name, outcome, processor_after - processor, beside_after - beside,
        )


def turns(lives: list[Life]) -> Iterator[tuple[Life, Load]]:
    for each in LOADS:
        for life in lives:
            if each.protocol in life.ports:
                yield life, each


def check(subject: Subject, port: int, upstream: Upstream) -> None:
    """Raises unless the subject does all that it is measured for."""

    def expect(what: str, key: str | None, status: int, forwarded: int) -> None:
        before = upstream.requests()
        found, body = load.ask(port, key)
        seen = upstream.requests() - before
        if found != status or seen != forwarded or (status == 200 and body.decode() != SMALL):
            raise Failure(f"{subject.label}, {what}: answered {found}, not {status}; {seen} at the upstream; {body[:200]!r}")

    if subject.checks_keys:
        expect("without a key", None, 401, 0)
        expect("with a wrong key", "tp_live_" + "x" * 36, 401, 0)
    expect("with a good key", subject.keys[0], 200, 1)
    for _ in range(CHECKED_REQUESTS):
        load.ask(port, subject.keys[0])
    until(
        f"{subject.label} has counted {CHECKED_REQUESTS} requests",
        lambda: all(count >= CHECKED_REQUESTS for count in subject.counts().values()),
    )


def check_limit(subject: Subject, port: int) -> None:
    """Raises unless a low limit lets some of a key's requests pass, refuses others, and leaves other keys alone."""
    statuses = [load.ask(port, subject.keys[0])[0] for _ in range(CHECKED_REQUESTS)]
    other, _ = load.ask(port, subject.keys[1])
    if set(statuses) != {200, 429} or other != 200:
        raise Failure(f"{subject.label}, at {LOW_LIMIT} requests a second for each key: answered {statuses}, another {other}")


def make_certificate(folder: pathlib.Path) -> pathlib.Path:
    """A certificate and its key, in one file."""
    path, key = folder / "certificate.pem", folder / "key.pem"
    output(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
        "-subj", "/CN=api.acme.test", "-addext", "subjectAltName=DNS:api.acme.test", "-keyout", key, "-out", path,
    )
    with path.open("a") as file:
        file.write(key.read_text())
    return path


def say(text: str) -> None:
    print(f"==> {text}", file=sys.stderr, flush=True)
