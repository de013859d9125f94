# SPDX-License-Identifier: Apache-2.0
"""The upstream of all subjects: nginx, on the core of the load."""

import urllib.request

import nginx
from processes import free_port, until
from subject import Place

SMALL = '{"id":"ord_01J9Z3K5QF","status":"shipped","items":3,"total":{"amount":4999,"currency":"EUR"}}\n'
LARGE = "x" * (64 << 10)


class Upstream:
    """Answers `/v1/small` with 94 bytes of JSON and `/v1/large` with a file of 64 KiB."""

    def __init__(self, place: Place) -> None:
        self.port = place.upstream_port
        self._status = f"http://127.0.0.1:{free_port()}/"
        self._asked = 0
        files = place.folder / "files" / "v1"
        files.mkdir(parents=True)
        (files / "large").write_text(LARGE)
        http = f"""
    sendfile on;
    open_file_cache max=10 inactive=1h;
    keepalive_timeout 1h;
    server {{
        listen 127.0.0.1:{place.upstream_port};
        default_type application/json;
        root files;
        location = /v1/small {{
            return 200 '{SMALL}';
        }}
    }}
    server {{
        listen {self._status[7:-1]};
        location / {{
            stub_status;
        }}
    }}
"""
        nginx.run(place, "upstream", http, port=place.upstream_port, measure=False)

    def requests(self) -> int:
        """Requests so far, those of this method left out."""
        self._asked += 1
        with urllib.request.urlopen(self._status) as answer:
            text = answer.read().decode()
        # The third line, below the headings 'accepts handled requests'.
        return int(text.splitlines()[2].split()[2]) - self._asked

    def settled(self) -> int:
        """The same, once no more come: a gateway may still send what its clients no longer wait for."""
        count = -1

        def is_at_rest() -> bool:
            nonlocal count
            before, count = count, self.requests()
            return count == before

        until("the upstream is at rest", is_at_rest)
        return count
