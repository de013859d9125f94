# SPDX-License-Identifier: Apache-2.0
"""nginx as all here use it: one worker, connections kept, nothing logged."""

import os

from subject import CONNECTIONS, HOST, Place, output

MODULES = "/usr/lib/nginx/modules"


def run(place: Place, name: str, http: str, port: int, main: str = "", measure: bool = True) -> None:
    """Starts nginx with these pieces of configuration: in `http`, and outside of all blocks."""
    path = place.write(f"{name}.conf", configuration(name, http, main))
    place.run(name, "nginx", "-e", "stderr", "-p", place.folder, "-c", path, port=port, measure=measure)


def configuration(name: str, http: str, main: str = "") -> str:
    return f"""
{main}
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
daemon off;
pid {name}.pid;
error_log stderr warn;
events {{
    worker_connections {CONNECTIONS + 4096};
}}
http {{
    access_log off;
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
    keepalive_requests 1000000000;
    {http}
}}
"""


def proxy(place: Place, port: int, tls_port: int, policy: str = "") -> str:
    """A server that forwards to the upstream, and what is to be done with each request before that."""
    return f"""
    upstream upstream {{
        server 127.0.0.1:{place.upstream_port};
        keepalive 512;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls_port} ssl http2;
        ssl_certificate {place.certificate};
        ssl_certificate_key {place.certificate};
        ssl_protocols TLSv1.3;
        server_name {HOST};
        location /v1/ {{
            {policy}
            proxy_pass http://upstream;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            # An answer of 64 KiB fits, so that none goes through a file.
            proxy_buffers 16 8k;
            proxy_buffer_size 8k;
        }}
    }}
"""


def version() -> str:
    return output("nginx", "-v").removeprefix("nginx version: ").replace("/", " ")
