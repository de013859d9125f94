# SPDX-License-Identifier: Apache-2.0
"""What a soak plays on: a control plane, a gateway, and three nginx as the endpoints of one service."""

import pathlib
import re
import shutil
import urllib.request
from collections import Counter

import nginx
from comparison import make_certificate
from gauge import held
from processes import PATH, ControlPlane, Process, Programs, free_port, until
from subject import HOST, listens
from subjects.turnpike import is_ready
from upstream import SMALL

TENANT = "acme"
ENDPOINTS = 3
KEYS = 100
# Of an answer that a slow reader will not have taken by the end.
HUGE_BYTES = 64 << 20


class Endpoint:
    """One nginx, of a single process, that can be killed and come back on its port."""

    def __init__(self, folder: pathlib.Path, number: int) -> None:
        self.port = free_port()
        self._folder = folder / f"endpoint-{number}"
        self._lives = 0
        files = self._folder / "files" / "v1"
        files.mkdir(parents=True)
        with (files / "huge").open("wb") as file:
            file.truncate(HUGE_BYTES)
        http = f"""
    keepalive_timeout 1h;
    server {{
        listen 127.0.0.1:{self.port} backlog=4096;
        default_type application/json;
        root files;
        location = /v1/small {{
            return 200 '{SMALL}';
        }}
        # All of a request's content is read before anything is answered.
        location = /v1/content {{
            proxy_pass http://127.0.0.1:{self.port}/v1/small;
        }}
    }}
"""
        # Without a master, killing the process leaves no worker that goes on serving.
        (self._folder / "nginx.conf").write_text(nginx.configuration("nginx", http, "master_process off;"))
        self.start()

    def start(self) -> None:
        """Returns once it listens."""
        self._lives += 1
        program = shutil.which("nginx", path=PATH) or "nginx"
        self.process = Process(
            f"life-{self._lives}", [program, "-e", "stderr", "-p", self._folder, "-c", self._folder / "nginx.conf"], self._folder
        )
        until("nginx listens", lambda: self.process.require_running() or listens(self.port), pause=0.005)

    def kill(self) -> None:
        """By SIGKILL: its connections are reset, and further ones refused."""
        self.process.child.kill()
        self.process.child.wait()


class Stage:
    """All of it, `environment` the gateway's own, served by: a key for each request, a rate limit and a hard quota that nobody meets."""

    def __init__(self, folder: pathlib.Path, transport: str, environment: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.transport = transport
        self._programs = Programs(folder)
        self.endpoints: list[Endpoint] = []
        self.keys: list[str] = []
        certificates = folder / "certificates"
        certificates.mkdir()
        both = make_certificate(certificates)
        for name in ("default.crt", "default.key"):
            shutil.copy(both, certificates / name)
        both.unlink()
        (certificates / "key.pem").unlink()
        try:
            self._start(folder, transport, certificates, environment or {})
        except BaseException:
            self.stop()
            raise

    def _start(
        self, folder: pathlib.Path, transport: str, certificates: pathlib.Path, environment: dict[str, str]
    ) -> None:
        self.control_process, self.control_plane = self._programs.control_plane()
        for number in range(ENDPOINTS):
            self.endpoints.append(Endpoint(folder, number))
        token = self.control_plane.call("POST", "/v1/join-tokens", {"kind": "gateway"})["token"]
        self.gateway: Process = self._programs.start(
            "gateway",
            [
                self._programs.binaries / "turnpike-worker", "gateway", "--control-plane", self.control_plane.url,
                "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--state", folder / "state",
                "--secure-listen", "127.0.0.1:0", "--certificates", certificates, "--transport", transport,
            ],
            {"TURNPIKE_JOIN_TOKEN": token, **environment},
        )
        port, secure, admin = self.gateway.find(
            r"^Turnpike gateway: http://\S+?:(\d+) and https://\S+?:(\d+), admin (http://\S+)"
        )
        self.port, self.secure_port, self._admin = int(port), int(secure), admin
        until("the gateway is ready", lambda: is_ready(admin))
        self._load()
        # Before any client has come.
        self.first = held(self.gateway.child.pid)

    def _load(self) -> None:
        def resource(kind: str, name: str, spec: dict) -> dict:
            return {"kind": kind, "tenant": TENANT, "name": name, "spec": spec}

        quota = {"limit": 10**12, "unit": "requests", "period": "month", "enforcement": "hard"}
        rate = {"kind": "rateLimit", "per": "key", "limit": 1_000_000, "interval": "1s"}
        resources = [
            {"kind": "tenant", "name": TENANT, "spec": {}},
            resource("service", "orders", service([endpoint.port for endpoint in self.endpoints])),
            resource("quota", "monthly", quota),
            resource("policy", "rate", rate),
            resource("route", "orders", route(0)),
        ]
        resources += [resource("apiKey", f"client-{number}", {}) for number in range(KEYS)]
        outcome = self.control_plane.call("POST", "/v1/apply?wait=applied&timeout=1m", {"resources": resources})
        self.keys = [change["key"] for change in outcome["changes"] if change["kind"] == "apiKey"]

    def refusals(self) -> Counter[str]:
        """Requests that the gateway has refused so far, by why."""
        with urllib.request.urlopen(f"{self._admin}/metrics") as answer:
            lines = re.findall(r"^turnpike_requests_refused_total\{(.*)\} (\d+)$", answer.read().decode(), re.M)
        return Counter({labels: int(count) for labels, count in lines})

    def stop(self) -> None:
        self._programs.stop_all()
        for endpoint in self.endpoints:
            endpoint.kill()


def service(ports: list[int]) -> dict:
    """Retries as an operator would want them for endpoints that die: as often as there are others, from a budget that a third
    of the requests cannot exhaust."""
    return {
        "endpoints": [{"host": "127.0.0.1", "port": port} for port in ports],
        "retries": {
            "attempts": 3, "on": ["connectFailure", "reset"], "backOff": {"baseInterval": "5ms"},
            "budget": {"percent": 100, "minPerSecond": 1000},
        },
    }


def route(version: int) -> dict:
    """The one that all load goes through; each version differs in a field that the gateway sets in answers."""
    return {
        "match": {"hosts": [HOST], "paths": [{"prefix": "/v1"}]},
        "auth": {"anyOf": [{"apiKey": {}}]},
        "backends": [{"service": "orders"}],
        "headers": {"response": {"set": {"X-Soak": str(version)}}},
    }
