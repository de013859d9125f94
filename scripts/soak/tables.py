# SPDX-License-Identifier: Apache-2.0
"""What a soak has found, as docs/proofs.md has it."""

LOADS = ["changes a second", "HTTP/1.1 answered", "over TLS", "HTTP/2 answered", "failed", "p99 ms, HTTP/1.1, over TLS, and HTTP/2"]
HELD = "MiB, descriptors at most"
SLOWEST = "somebody else's slowest of 200 requests, ms"


class Table:
    """Rows and columns in the order in which something was first said of them; what was not said is empty."""

    def __init__(self, corner: str, columns: list[str] | None = None) -> None:
        self._corner = corner
        self._columns = list(columns or [])
        self._rows: dict[str, dict[str, str]] = {}

    def put(self, row: str, column: str, value: str) -> None:
        """Two values of one cell stand beside each other."""
        if column not in self._columns:
            self._columns.append(column)
        cells = self._rows.setdefault(row, {})
        cells[column] = f"{cells[column]}, {value}" if column in cells else value

    def __str__(self) -> str:
        if not self._rows:
            return ""
        lines = [[self._corner, *self._columns], ["---", *("--:" for _ in self._columns)]]
        lines += [[row, *(cells.get(column, "") for column in self._columns)] for row, cells in self._rows.items()]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)
