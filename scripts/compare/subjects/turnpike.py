# SPDX-License-Identifier: Apache-2.0
"""Turnpike's gateway, with a control plane of its own beside it."""

import urllib.error
import urllib.request

from processes import ControlPlane, Programs, until
from subject import HOST, KEYS, Place, Subject, output

TENANT = "acme"


class Turnpike(Subject):
    does = "key check by SHA-256, GCRA per key, hard quota, usage per key, route and status, metrics"

    # One thread, as all subjects have.
    def __init__(self, programs: Programs, transport: str | None, loops: int = 1) -> None:
        self.name = f"turnpike-{transport}" if transport else "turnpike"
        self.label = f"Turnpike ({transport})" if transport else "Turnpike"
        self.keys = []
        self.loops = loops
        self._programs = programs
        self._options = ["--transport", transport, "--loops", loops] if transport else []

    @staticmethod
    def all(programs: Programs) -> list["Turnpike"]:
        """One for each transport that the gateway can be told to use."""
        if "--transport" not in gateway_help(programs):
            return [Turnpike(programs, None)]
        return [Turnpike(programs, transport) for transport in ("epoll", "nio")]

    def version(self) -> str:
        return "turnpike-worker " + output(self._programs.binaries / "turnpike-worker", "--version")

    def start(self, place: Place) -> dict[str, int]:
        self._control_plane = self._start_control_plane(place)
        token = self._control_plane.call("POST", "/v1/join-tokens", {"kind": "gateway"})["token"]
        gateway = place.run(
            "gateway", self._programs.binaries / "turnpike-worker", "gateway",
            "--control-plane", self._control_plane.url, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
            "--state", place.folder / "state", *self._options, *self._security(place),
            environment={"TURNPIKE_JOIN_TOKEN": token},
        )
        port, tls_port, admin = gateway.find(
            r"^Turnpike gateway: http://\S+?:(\d+) and https://\S+?:(\d+), admin (http://\S+)"
        )
        # Only whom the control plane knows to be connected is waited for when it is told what to serve.
        until("the gateway is ready", lambda: is_ready(admin))
        self._load(place)
        return {"h1": int(port), "tls": int(tls_port), "h2": int(tls_port)}

    def _security(self, place: Place) -> list:
        """Where to listen for TLS, with the certificate of all."""
        certificates = place.folder / "certificates"
        certificates.mkdir()
        for name in ("default.crt", "default.key"):
            (certificates / name).write_bytes(place.certificate.read_bytes())
        return ["--secure-listen", "127.0.0.1:0", "--certificates", certificates]

    def counts(self) -> dict[str, int]:
        rows = self._control_plane.rows(f"/v1/tenants/{TENANT}/usage?groupBy=statusClass")
        quota = self._control_plane.call("GET", f"/v1/tenants/{TENANT}/quotas/monthly/state")
        return {"usage": sum(row["requests"] for row in rows if row["statusClass"] == "2xx"), "quota": quota["committed"]}

    def _start_control_plane(self, place: Place) -> ControlPlane:
        process = place.run(
            "control-plane", self._programs.binaries / "turnpike", "serve", "--listen", "127.0.0.1:0",
            "--data", place.folder / "data", measure=False,
        )
        (token,) = process.find(r"(tp_op_\w+)")
        (url,) = process.find(r"^Turnpike control plane: (http://\S+?),")
        return ControlPlane(url, token)

    def _load(self, place: Place) -> None:
        """Keys are made by the control plane, and told once."""

        def resource(kind: str, name: str, spec: dict) -> dict:
            return {"kind": kind, "tenant": TENANT, "name": name, "spec": spec}

        route = {
            "match": {"hosts": [HOST], "paths": [{"prefix": "/v1"}]},
            "auth": {"anyOf": [{"apiKey": {}}]},
            "backends": [{"service": "upstream"}],
        }
        quota = {"limit": 10**12, "unit": "requests", "period": "month", "enforcement": "hard"}
        rate = {"kind": "rateLimit", "per": "key", "limit": place.requests_per_second, "interval": "1s"}
        resources = [
            {"kind": "tenant", "name": TENANT, "spec": {}},
            resource("service", "upstream", {"endpoints": [{"host": "127.0.0.1", "port": place.upstream_port}]}),
            resource("quota", "monthly", quota),
            resource("policy", "rate", rate),
            resource("route", "api", route),
        ]
        resources += [resource("apiKey", f"client-{number}", {}) for number in range(KEYS)]
        outcome = self._control_plane.call("POST", "/v1/apply?wait=applied&timeout=1m", {"resources": resources})
        self.keys = [change["key"] for change in outcome["changes"] if change["kind"] == "apiKey"]


def is_ready(admin: str) -> bool:
    try:
        with urllib.request.urlopen(f"{admin}/readyz"):
            return True
    except urllib.error.HTTPError:
        return False


def gateway_help(programs: Programs) -> str:
    return output(programs.binaries / "turnpike-worker", "gateway", "--help")
