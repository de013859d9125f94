# SPDX-License-Identifier: Apache-2.0
"""Clients that cost a gateway memory and descriptors and give nothing in return."""

import random
import selectors
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field

from load import request
from stage import Stage
from subject import HOST

LOOPBACK = "127.0.0.1"
# SO_LINGER with a time of zero: closing sends a reset.
RESET = struct.pack("ii", 1, 0)
TCP_REPAIR = 19
PROTOCOLS = ["h2", "http/1.1"]
SLOW_SECONDS = 12


@dataclass
class Clients:
    """Connections of one kind of client, all open at once."""

    label: str
    sockets: list[socket.socket] = field(default_factory=list)

    def reset(self) -> None:
        for each in self.sockets:
            reset(each)

    def vanish(self) -> bool:
        """Leaves without a word, as a machine does that loses its power. True where the system lets us."""
        silent = True
        for each in self.sockets:
            try:
                each.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
                each.close()
            except OSError:
                # Without the right to it, the connection stays open and silent, which is the same for the other end.
                silent = False
        return silent


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()


def connect(port: int, receive_buffer: int | None = None) -> socket.socket:
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(30)
    connection.connect((LOOPBACK, port))
    return connection


def connect_tls(port: int, protocol: str, receive_buffer: int | None = None) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context.wrap_socket(connect(port, receive_buffer), server_hostname=HOST)


def reset_again_and_again(stage: Stage, count: int, seed: int) -> None:
    """Connects, sends nothing, a part, or all of a request, and resets; one in ten on the port of TLS, of these one in fifty
    after a handshake and with a request under way, by HTTP/2 and HTTP/1.1 in turn."""
    chance = random.Random(seed)
    whole = request(stage.keys[0])
    huge = request(stage.keys[0], "/v1/huge")
    content = whole.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 100000\r\n\r\n") + b"x" * 5000
    for number in range(count):
        if number % 10:
            connection = connect(stage.port)
            text = chance.choice([b"", whole[: chance.randrange(1, len(whole))], whole, whole * 20, huge, content])
            if text:
                connection.sendall(text)
            reset(connection)
        elif number % 500:
            connection = connect(stage.secure_port)
            # The beginning of a handshake, and what is none.
            connection.sendall(chance.choice([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 20, b"\x16", whole]))
            reset(connection)
        else:
            protocol = PROTOCOLS[number // 500 % 2]
            secure = connect_tls(stage.secure_port, protocol)
            secure.sendall(http2_request(stage.keys[0], "/v1/huge", streams=4) if protocol == "h2" else huge)
            reset(secure)


def slow_readers(stage: Stage, count: int) -> Clients:
    """They ask for 64 MiB and make little room for it; one in five over TLS, and one in five over HTTP/2, four streams each,
    whose windows never grow."""
    clients = Clients("slow readers")
    for number in range(count):
        if number % 5 == 0:
            connection = connect_tls(stage.secure_port, "h2")
            connection.sendall(http2_request(stage.keys[0], "/v1/huge", streams=4))
        else:
            over_tls = number % 5 == 1
            connection = (
                connect_tls(stage.secure_port, "http/1.1", receive_buffer=4096)
                if over_tls else connect(stage.port, receive_buffer=4096)
            )
            connection.sendall(request(stage.keys[0], "/v1/huge"))
        clients.sockets.append(connection)
    return clients


def sip(clients: Clients) -> None:
    """Each takes some bytes about twice a second."""
    deadline = time.monotonic() + SLOW_SECONDS
    for each in clients.sockets:
        each.settimeout(0)
    while time.monotonic() < deadline:
        for each in clients.sockets:
            try:
                each.recv(512)
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
        time.sleep(0.5)


def slow_senders(stage: Stage, count: int) -> Clients:
    return Clients("slow senders", [connect(stage.port) for _ in range(count)])


def drip(clients: Clients, key: str, seconds: float) -> tuple[list[float], int]:
    """Each sends one byte of a head after the other, twice a second, until it is answered.

    Returns: when each was answered, in seconds, and how many got something else than 408.
    """
    text = request(key).replace(b"\r\n\r\n", b"\r\nX-Slow: " + b"x" * 1000)
    waiting = selectors.DefaultSelector()
    for each in clients.sockets:
        each.setblocking(False)
        waiting.register(each, selectors.EVENT_READ)
    start = time.monotonic()
    answered: list[float] = []
    others = sent = 0
    while waiting.get_map() and time.monotonic() - start < seconds:
        for key_of, _ in waiting.select(0):
            try:
                answer = key_of.fileobj.recv(4096)
            except ConnectionError:
                answer = b""
            answered.append(time.monotonic() - start)
            others += not answer.startswith(b"HTTP/1.1 408 ")
            waiting.unregister(key_of.fileobj)
        for each in list(waiting.get_map().values()):
            try:
                each.fileobj.send(text[sent : sent + 1])
            except OSError:
                pass
        sent += 1
        time.sleep(0.5)
    return answered, others + len(waiting.get_map())


class SlowContent:
    """Clients that have sent the head of a request, and drip its content; one in five over TLS, and one in five over HTTP/2, with
    four requests each."""

    STREAMS = 4

    def __init__(self, stage: Stage, count: int) -> None:
        self.clients = Clients("slow senders of content")
        # By socket: what came and is not a whole frame yet, and the streams that are answered; of HTTP/2 only.
        self._frames: dict[socket.socket, tuple[bytearray, set[int]]] = {}
        self.requests = 0
        key, path = stage.keys[0], "/v1/content"
        head = request(key, path).replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 100000\r\n\r\n")
        for number in range(count):
            if number % 5 == 0:
                connection = connect_tls(stage.secure_port, "h2")
                connection.sendall(http2_request(key, path, self.STREAMS, method="POST"))
                self._frames[connection] = (bytearray(), set())
                self.requests += self.STREAMS
            else:
                connection = connect_tls(stage.secure_port, "http/1.1") if number % 5 == 1 else connect(stage.port)
                connection.sendall(head)
                self.requests += 1
            self.clients.sockets.append(connection)

    def drip(self, seconds: float) -> list[float]:
        """Each request gets a byte of its content twice a second, until it is answered. Returns when each client was, all of its
        requests, in seconds."""
        waiting = set(self.clients.sockets)
        for each in waiting:
            each.setblocking(False)
        start = time.monotonic()
        answered: list[float] = []
        while waiting and time.monotonic() - start < seconds:
            for each in list(waiting):
                if self._is_answered(each):
                    answered.append(time.monotonic() - start)
                    waiting.remove(each)
                else:
                    self._send_byte(each)
            time.sleep(0.5)
        return answered

    def _send_byte(self, connection: socket.socket) -> None:
        streams = range(1, 2 * self.STREAMS, 2)
        open_streams = [stream for stream in streams if stream not in self._frames.get(connection, ((), ()))[1]]
        try:
            connection.send(
                b"".join(frame(0, 0, stream, b"x") for stream in open_streams) if connection in self._frames else b"x"
            )
        except OSError:
            pass

    def _is_answered(self, connection: socket.socket) -> bool:
        try:
            came = connection.recv(1 << 16)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            came = b""
        if connection not in self._frames or not came:
            return True
        rest, streams = self._frames[connection]
        rest += came
        while len(rest) >= 9 and len(rest) >= 9 + int.from_bytes(rest[:3], "big"):
            kind, stream = rest[3], int.from_bytes(rest[5:9], "big")
            if kind in (1, 3) and stream:
                streams.add(stream)
            del rest[: 9 + int.from_bytes(rest[:3], "big")]
        return len(streams) == self.STREAMS


def half_open(stage: Stage, count: int) -> Clients:
    """They have sent nothing, half a head, half of the content, or a request that was answered; some stand before TLS, some have
    sent half a head within it."""
    clients = Clients("half-open connections")
    whole = request(stage.keys[0])
    content = whole.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 100\r\n\r\nhalf")
    for number in range(count):
        kind = number % 6
        if kind == 5:
            connection = connect_tls(stage.secure_port, "http/1.1")
            connection.sendall(whole[:40])
        else:
            connection = connect(stage.secure_port if kind == 4 else stage.port)
        if kind in (1, 2, 3):
            connection.sendall((whole[:40], content, whole)[kind - 1])
        if kind == 3:
            connection.recv(4096)
        clients.sockets.append(connection)
    return clients


def http2_request(key: str, path: str, streams: int, method: str = "GET") -> bytes:
    """The preface, settings, and a request on each of so many streams, nothing in it compressed (RFC 9113, RFC 7541 §6.2.2). Of a
    GET that is all; others have content."""

    def literal(text: str) -> bytes:
        return bytes([len(text)]) + text.encode()

    fields = {":method": method, ":scheme": "https", ":authority": HOST, ":path": path, "x-api-key": key}
    block = b"".join(b"\x00" + literal(name) + literal(value) for name, value in fields.items())
    text = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
    return text + b"".join(frame(1, 5 if method == "GET" else 4, 2 * number + 1, block) for number in range(streams))


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
