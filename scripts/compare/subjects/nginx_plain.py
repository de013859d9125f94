# SPDX-License-Identifier: Apache-2.0
"""nginx that forwards and does nothing else."""

import nginx
from processes import free_port
from subject import Place, Subject


class NginxPlain(Subject):
    name = "nginx"
    label = "nginx, forwarding only"
    does = "forwards"
    checks_keys = False

    def version(self) -> str:
        return nginx.version()

    def start(self, place: Place) -> dict[str, int]:
        port, tls_port = free_port(), free_port()
        nginx.run(place, self.name, nginx.proxy(place, port, tls_port), port=port)
        return {"h1": port, "tls": tls_port, "h2": tls_port}
