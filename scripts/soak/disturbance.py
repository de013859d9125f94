# SPDX-License-Identifier: Apache-2.0
"""What goes on beside the load: changes of the configuration, and the death of endpoints."""

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from processes import Failure
from stage import TENANT, Endpoint, Stage, route, service

# So many keys and routes come and go beside those that the load uses.
OTHERS = 40


class Disturbance:
    """Something that a thread of its own does again and again until it is told to stop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failure: BaseException | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            self.repeat()
        except BaseException as failure:  # Told by the thread that waits for this one.
            self.failure = failure

    def repeat(self) -> None:
        raise NotImplementedError

    def pause(self, seconds: float) -> bool:
        """False where it is time to stop."""
        return not self._stopped.wait(max(seconds, 0))

    @contextmanager
    def under_way(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            self._thread.join()
        if self.failure:
            raise Failure(f"{self.name}: {self.failure!r}") from self.failure


class Changes(Disturbance):
    """Writes one kind of resource `rate` times a second, each time another state, on a connection that is kept."""

    def __init__(self, what: str, stage: Stage, rate: float, seed: int) -> None:
        super().__init__(f"changes of {what}")
        self.made = 0
        self.seconds = 0.0
        self._write = {"routes": self._change_route, "keys": self._change_key, "endpoints": self._change_endpoints}[what]
        self._stage = stage
        self._interval = 1 / rate
        self._random = random.Random(seed)
        self._keys: list[str] = []
        self._connection = http.client.HTTPConnection(stage.control_plane.url.removeprefix("http://"), timeout=60)

    def repeat(self) -> None:
        start = time.monotonic()
        # By the clock and not by pauses, so that what is slow is made up for.
        while self.pause(start + self.made * self._interval - time.monotonic()):
            self._write()
            self.made += 1
        self.seconds = time.monotonic() - start

    def _change_route(self) -> None:
        """Every other time the very route that the load goes through."""
        if self.made % 2 == 0:
            return self._send("PUT", "routes/orders", route(self.made))
        name = f"routes/other-{self._random.randrange(OTHERS)}"
        if self._random.random() < 0.3:
            return self._send("DELETE", name, allowed=404)
        path = f"/v1/other/{self._random.randrange(1000)}"
        self._send("PUT", name, route(0) | {"match": {"hosts": ["api.acme.test"], "paths": [{"exact": path}]}})

    def _change_key(self) -> None:
        if len(self._keys) < OTHERS:
            self._keys.append(self._send("POST", "api-keys", {"name": f"guest-{self.made}"})["name"])
        else:
            self._send("DELETE", f"api-keys/{self._keys.pop(self._random.randrange(OTHERS))}")

    def _change_endpoints(self) -> None:
        """All of them or two, in any order: where one of them is dead, one that lives is left."""
        ports = [endpoint.port for endpoint in self._stage.endpoints]
        self._random.shuffle(ports)
        self._send("PUT", "services/orders", service(ports[: self._random.choice([2, 3])]))

    def _send(self, method: str, path: str, body: dict | None = None, allowed: int = 0) -> dict:
        fields = {"Authorization": f"Bearer {self._stage.control_plane.token}", "Content-Type": "application/json"}
        self._connection.request(method, f"/v1/tenants/{TENANT}/{path}", json.dumps(body) if body else None, fields)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300 and answer.status != allowed:
            raise Failure(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text or "null")


class Deaths(Disturbance):
    """Kills one endpoint by SIGKILL, lets it be away for a while, and starts it again."""

    def __init__(self, endpoints: list[Endpoint], seed: int) -> None:
        super().__init__("deaths of endpoints")
        self.count = 0
        self._endpoints = endpoints
        self._random = random.Random(seed)

    def repeat(self) -> None:
        while self.pause(self._random.uniform(0.3, 1)):
            endpoint = self._random.choice(self._endpoints)
            endpoint.kill()
            self.count += 1
            self.pause(self._random.uniform(0.1, 0.6))
            endpoint.start()
