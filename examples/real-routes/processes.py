# SPDX-License-Identifier: Apache-2.0
"""Control plane, gateway and upstream as child processes of an example, each on a free port."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 60
# nginx is where Debian's users do not look.
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class Failure(Exception):
    """What went wrong, in a sentence for the person who runs the example."""


def until(what, condition, seconds=PATIENCE, pause=0.05):
    """Asks again until the condition gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"Waited {seconds} s in vain until {what}.")
        time.sleep(pause)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A child process whose standard output is watched line by line and whose log goes to a file."""

    def __init__(self, name, arguments, folder, environment=None):
        self.name = name
        self.lines = []
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(
                arguments, stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder,
                env={**os.environ, "PATH": PATH, **(environment or {})},
            )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.append(line)

    def find(self, pattern):
        """The groups of the first line of output that fits, once there is one."""

        def search():
            self.require_running()
            return next((found for line in list(self.lines) if (found := re.search(pattern, line))), None)

        return until(f"{self.name} says it is ready", search).groups()

    def require_running(self):
        if self.child.poll() is not None:
            raise Failure(f"{self.name} ended with status {self.child.returncode}:\n{self.log.read_text()[-2000:]}")

    def memory(self):
        """Resident memory now and at its peak, in MiB."""
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return [int(re.search(rf"{field}:\s+(\d+) kB", status).group(1)) / 1024 for field in ("VmRSS", "VmHWM")]

    def stop(self, by=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(by)
        try:
            return self.child.wait(30)
        except subprocess.TimeoutExpired as late:
            self.child.kill()
            raise Failure(f"{self.name} did not end within 30 s of {by.name}.") from late


class Programs:
    """The built programs, and the processes that an example has started from them."""

    def __init__(self, folder, binaries=None):
        self.folder = folder
        self.binaries = pathlib.Path(binaries or os.environ.get("TURNPIKE_BIN", ROOT / ".build" / "release")).resolve()
        for program in ("turnpike", "turnpike-worker"):
            if not (self.binaries / program).exists():
                raise Failure(f"There is no {self.binaries / program}: build it first, or set TURNPIKE_BIN.")
        self.running = []

    def start(self, name, arguments, environment=None):
        process = Process(name, [str(argument) for argument in arguments], self.folder, environment)
        self.running.append(process)
        return process

    def stop_all(self):
        while self.running:
            self.running.pop().stop()

    def control_plane(self):
        arguments = [self.binaries / "turnpike", "serve", "--listen", "127.0.0.1:0", "--data", self.folder / "data"]
        process = self.start("control-plane", arguments)
        (token,) = process.find(r"(tp_op_\w+)")
        (url,) = process.find(r"^Turnpike control plane: (http://\S+?),")
        return process, ControlPlane(url, token)

    def gateway(self, control_plane):
        token = control_plane.call("POST", "/v1/join-tokens", {"kind": "gateway"})["token"]
        arguments = [
            self.binaries / "turnpike-worker", "gateway", "--control-plane", control_plane.url,
            "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--state", self.folder / "gateway",
            "--log-format", "json",
        ]
        process = self.start("gateway", arguments, {"TURNPIKE_JOIN_TOKEN": token})
        (port,) = process.find(r"^Turnpike gateway: http://\S+?:(\d+)")
        return process, int(port)

    def upstream(self):
        """nginx with examples/upstream.conf, on a free port."""
        port = free_port()
        folder = self.folder / "upstream"
        folder.mkdir()
        text = (ROOT / "examples" / "upstream.conf").read_text().replace("127.0.0.1:9001", f"127.0.0.1:{port}")
        (folder / "upstream.conf").write_text(text)
        arguments = [shutil.which("nginx", path=PATH) or "nginx", "-e", "upstream.log", "-p", folder, "-c", folder / "upstream.conf"]
        self.start("upstream", arguments)
        until("nginx listens", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        return port


class ControlPlane:
    """The REST API, as curl would use it."""

    def __init__(self, url, token):
        self.url = url
        self.token = token

    def call(self, method, target, body=None):
        request = urllib.request.Request(self.url + target, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            raise Failure(f"{method} {target}: {error.code} {error.read().decode()}") from error

    def rows(self, target):
        """All pages of a list."""
        rows = []
        while target:
            page = self.call("GET", target)
            rows += page["data"]
            target = page["next"]
        return rows
