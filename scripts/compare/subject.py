# SPDX-License-Identifier: Apache-2.0
"""What a gateway must say of itself and do, to be one of those that are compared."""

import pathlib
import secrets
import socket
import subprocess
from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass, field

from kernel import family, memory_kib, pinned, processor_nanoseconds
from processes import PATH, Failure, Process, until

HOST = "api.acme.test"
KEYS = 10_000
# At most so many clients connect at once.
CONNECTIONS = 12_000


@dataclass
class Place:
    """Where one life of a subject takes place: a folder of its own, and all that was started for it."""

    folder: pathlib.Path
    upstream_port: int
    # What a key is allowed.
    requests_per_second: int
    certificate: pathlib.Path
    cores: tuple[int, int]
    stack: ExitStack
    measured: list[Process] = field(default_factory=list)
    beside: list[Process] = field(default_factory=list)

    def run(
        self, name: str, *arguments, port: int | None = None, measure: bool = True,
        environment: dict[str, str] | None = None,
    ) -> Process:
        """Starts a program, and waits until it listens on the port where one is named.

        It runs on the second core where it is what is measured, else on that of load and upstream.
        """
        with pinned(self.cores[1 if measure else 0]):
            process = Process(name, [str(argument) for argument in arguments], self.folder, environment)
        self.stack.callback(process.stop)
        (self.measured if measure else self.beside).append(process)
        if port is not None:
            until(f"{name} listens", lambda: process.require_running() or listens(port))
        return process

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def processor_nanoseconds(self) -> tuple[int, int]:
        """Processor time so far: of what is measured, and of what runs beside it."""
        return processor_nanoseconds(pids(self.measured)), processor_nanoseconds(pids(self.beside))

    def memory_kib(self) -> int:
        return memory_kib(pids(self.measured))


class Subject(ABC):
    """A gateway in front of the upstream that serves the host `HOST`, paths beneath `/v1/`.

    Protocols are `h1` (HTTP/1.1), `tls` (the same over TLS) and `h2` (HTTP/2 over TLS); `idle` stands for holding many
    connections without a request.
    """

    name: str
    label: str
    # What it does with each request, in a few words.
    does: str
    checks_keys = True
    # What it cannot do, and why.
    unsupported: dict[str, str] = {}

    def __init__(self) -> None:
        self.keys = make_keys()

    @abstractmethod
    def version(self) -> str: ...

    @abstractmethod
    def start(self, place: Place) -> dict[str, int]:
        """Starts it. Returns where it listens, by protocol."""

    def counts(self) -> dict[str, int]:
        """Requests that its limits and its counters have taken so far, by what took them."""
        return {}


def pids(processes: list[Process]) -> list[int]:
    return [pid for process in processes for pid in family(process.child.pid)]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def make_keys() -> list[str]:
    """Keys as long as Turnpike's."""
    return [f"tp_live_{secrets.token_hex(18)}" for _ in range(KEYS)]


def output(*arguments) -> str:
    """What a program prints, on whichever of its outputs."""
    try:
        done = subprocess.run(
            [str(argument) for argument in arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={"PATH": PATH}, check=True,
        )
    except FileNotFoundError as missing:
        raise Failure(f"There is no {arguments[0]}: run 'scripts/setup.sh compare'.") from missing
    except subprocess.CalledProcessError as failed:
        raise Failure(f"{arguments[0]} ended with status {failed.returncode}:\n{failed.output}") from failed
    return done.stdout.strip()
