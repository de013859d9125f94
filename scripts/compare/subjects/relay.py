# SPDX-License-Identifier: Apache-2.0
"""The floor: relay.c."""

import pathlib

from processes import free_port
from subject import Place, Subject, output

SOURCE = pathlib.Path(__file__).parents[1] / "relay.c"


class Relay(Subject):
    name = "floor"
    label = "the floor: a bare relay"
    does = "one read and one write per side, an upstream connection for each client connection; parses nothing"
    checks_keys = False
    unsupported = {
        "tls": "it only moves bytes", "h2": "it only moves bytes", "idle": "it holds an upstream connection for each",
    }

    def version(self) -> str:
        return "relay.c by " + output("cc", "--version").splitlines()[0]

    def start(self, place: Place) -> dict[str, int]:
        program = place.folder / "relay"
        output("cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, SOURCE)
        port = free_port()
        place.run(self.name, program, port, place.upstream_port, port=port)
        return {"h1": port}
