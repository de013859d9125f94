# SPDX-License-Identifier: Apache-2.0
"""HAProxy with a map of keys and a stick table."""

import re
import socket

from processes import free_port
from subject import CONNECTIONS, HOST, KEYS, Place, Subject, output


class HAProxy(Subject):
    name = "haproxy"
    label = "HAProxy"
    does = "key check in a map, limit per key and counts per key in a stick table"

    def version(self) -> str:
        return " ".join(output("haproxy", "-v").split()[:3])

    def start(self, place: Place) -> dict[str, int]:
        port, tls_port = free_port(), free_port()
        keys = place.write("keys.map", "".join(f"{key} client-{number}\n" for number, key in enumerate(self.keys)))
        self._control = place.folder / "control"
        path = place.write("haproxy.cfg", f"""
global
    nbthread 1
    maxconn {CONNECTIONS}
    # It asks for two open files a connection, which idle ones do not need.
    no strict-limits
    stats socket {self._control} mode 600 level operator

defaults
    mode http
    timeout connect 5s
    timeout client 75s
    timeout server 75s
    http-reuse always

frontend gateway
    bind 127.0.0.1:{port}
    bind 127.0.0.1:{tls_port} ssl crt {place.certificate} alpn h2,http/1.1
    http-request deny deny_status 404 unless {{ hdr(host) -i {HOST} }} {{ path_beg /v1/ }}
    http-request set-var(txn.client) req.hdr(x-api-key),map_str({keys})
    http-request deny deny_status 401 unless {{ var(txn.client) -m found }}
    http-request track-sc0 var(txn.client) table limits
    http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {place.requests_per_second} }}
    default_backend upstream

backend limits
    stick-table type string len 32 size {2 * KEYS} expire 10m store http_req_rate(1s),http_req_cnt,http_err_cnt

backend upstream
    server upstream 127.0.0.1:{place.upstream_port}
""")
        place.run(self.name, "haproxy", "-f", path, port=port)
        return {"h1": port, "tls": tls_port, "h2": tls_port}

    def counts(self) -> dict[str, int]:
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self._control))
            control.sendall(b"show table limits\n")
            with control.makefile() as answer:
                counts = re.findall(r"http_req_cnt=(\d+)", answer.read())
        return {"stick table": sum(map(int, counts))}
