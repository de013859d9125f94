# SPDX-License-Identifier: Apache-2.0
"""What is sent to a subject, by wrk and h2load, and what they say of it."""

import json
import pathlib
import re
import socket
from dataclasses import dataclass

from processes import Failure
from subject import HOST, output
from upstream import LARGE, SMALL

SCRIPT = pathlib.Path(__file__).with_name("load.lua")
# So many of a subject's keys are used, in turn.
ACTIVE_KEYS = 100


@dataclass(frozen=True)
class Load:
    """`streams` at once on each of the connections; HTTP/1.1 knows one."""

    name: str
    label: str
    protocol: str
    connections: int
    path: str = "/v1/small"
    answer_bytes: int = len(SMALL)
    streams: int = 1


LOADS = [
    Load("1", "1 connection", "h1", 1),
    Load("32", "32 connections", "h1", 32),
    Load("256", "256 connections", "h1", 256),
    Load("32-large", "32 connections, 64 KiB", "h1", 32, "/v1/large", len(LARGE)),
    Load("32-tls", "32 connections, TLS", "tls", 32),
    Load("32-h2", "HTTP/2 over TLS, 8 connections × 4 streams", "h2", 8, streams=4),
]


@dataclass(frozen=True)
class Outcome:
    """Latencies in microseconds; `faults` says what was not as it should be."""

    requests: int
    seconds: float
    p50: float
    p99: float
    p999: float
    faults: list[str]


def run(load: Load, port: int, keys: list[str], seconds: float, folder: pathlib.Path) -> Outcome:
    if load.protocol == "h2":
        return run_h2load(load, port, keys[0], seconds, folder)
    return run_wrk(load, port, keys, seconds, folder)


def run_wrk(load: Load, port: int, keys: list[str], seconds: float, folder: pathlib.Path) -> Outcome:
    # Of its own, as others may be under way.
    key_file = folder / f"active-keys-{load.name}"
    key_file.write_text("\n".join(keys[:ACTIVE_KEYS]) + "\n")
    scheme = "https" if load.protocol == "tls" else "http"
    text = output(
        "wrk", "-t", 1, "-c", load.connections, "-d", f"{seconds}s", "--timeout", "10s", "-s", SCRIPT,
        f"{scheme}://127.0.0.1:{port}{load.path}", "--", HOST, key_file,
    )
    said = json.loads(text.splitlines()[-1])
    faults = [f"{count} {what} errors" for what, count in said["errors"].items() if count]
    if said["bytes"] < said["requests"] * load.answer_bytes:
        faults.append(f"{said['bytes']} bytes for {said['requests']} answers")
    return Outcome(said["requests"], said["microseconds"] / 1e6, said["p50"], said["p99"], said["p999"], faults)


def run_h2load(load: Load, port: int, key: str, seconds: float, folder: pathlib.Path) -> Outcome:
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)
    text = output(
        "h2load", "-t", 1, "-c", load.connections, "-m", load.streams, "-D", seconds, f"--log-file={log}",
        "-H", f":authority: {HOST}", "-H", f"x-api-key: {key}", f"https://127.0.0.1:{port}{load.path}",
    )
    if "Application protocol: h2" not in text:
        raise Failure(f"h2load does not speak HTTP/2 here:\n{text}")
    succeeded, failed = map(int, found(r"(\d+) succeeded, (\d+) failed", text))
    good = int(found(r"status codes: (\d+) 2xx", text)[0])
    faults = [f"{failed} requests failed"] if failed else []
    if good != succeeded:
        faults.append(f"{succeeded - good} answers were not 2xx")
    # When it began, status, and how long it took in microseconds.
    latencies = sorted(int(line.split()[2]) for line in log.read_text().splitlines()) or [0]
    p50, p99, p999 = (latencies[min(int(len(latencies) * part), len(latencies) - 1)] for part in (0.5, 0.99, 0.999))
    return Outcome(good, seconds, p50, p99, p999, faults)


def ask(port: int, key: str | None, path: str = "/v1/small") -> tuple[int, bytes]:
    """One request on a connection of its own: the answer's status and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request(key, path))
        return answer(connection)


def open_idle(port: int, keys: list[str], count: int) -> list[socket.socket]:
    """Connections that each have had one request answered, and stay open."""
    connections = []
    for number in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connections.append(connection)
        connection.sendall(request(keys[number % ACTIVE_KEYS]))
        status, _ = answer(connection)
        if status != 200:
            raise Failure(f"Connection {number + 1} of {count} was answered {status}.")
    return connections


def request(key: str | None, path: str = "/v1/small") -> bytes:
    fields = f"X-Api-Key: {key}\r\n" if key else ""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n".encode()


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Reads one answer, whose length must be told."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += receive(connection)
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(found(rb"(?i)\r\ncontent-length: *(\d+)", head)[0])
    while len(body) < length:
        body += receive(connection)
    return int(head.split()[1]), body


def receive(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    if not data:
        raise Failure("The connection was closed amid an answer.")
    return data


def found(pattern: str | bytes, text: str | bytes) -> tuple:
    """The groups of the pattern's first match."""
    match = re.search(pattern, text)
    if not match:
        raise Failure(f"There is no {pattern!r} in {text!r}.")
    return match.groups()
