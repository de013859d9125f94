# SPDX-License-Identifier: Apache-2.0
"""Bars as SVG, readable on a light and a dark page."""

from dataclasses import dataclass
from xml.sax.saxutils import escape

from figures import Spread

WIDTH = 900
LABELS = 170
GAP = 34
ROW = 28
BAR = 14
HEAD = 74
# Room for a figure behind the longest bar.
FIGURE = 46

STYLE = """
text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.panel { font-weight: 600 }
.figure { font-variant-numeric: tabular-nums }
.ours { fill: #f05138 }
.other { fill: #8c959f }
.spread { stroke: #1f2328; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .other { fill: #6e7681 }
  .spread { stroke: #e6edf3 }
}
"""


@dataclass(frozen=True)
class Panel:
    """A value for each row; nothing where every round went wrong."""

    title: str
    values: list[Spread | None]


def bars(title: str, rows: list[tuple[str, bool]], panels: list[Panel]) -> str:
    """Rows are labels and whether they stand out. Each panel has a scale of its own, from zero."""
    height = HEAD + ROW * len(rows) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="0" y="20">{escape(title)}</text>',
    ]
    for index, (label, _) in enumerate(rows):
        parts.append(f'<text x="{LABELS - 12}" y="{HEAD + ROW * index + 18}" text-anchor="end">{escape(label)}</text>')
    width = (WIDTH - LABELS - GAP * (len(panels) - 1)) / len(panels)
    for index, panel in enumerate(panels):
        parts += panel_parts(panel, rows, LABELS + index * (width + GAP), width - FIGURE)
    return "\n".join([*parts, "</svg>", ""])


def panel_parts(panel: Panel, rows: list[tuple[str, bool]], left: float, width: float) -> list[str]:
    most = max((value.most for value in panel.values if value), default=1)
    parts = [f'<text class="panel" x="{left:.1f}" y="{HEAD - 14}">{escape(panel.title)}</text>']
    for index, ((_, stands_out), value) in enumerate(zip(rows, panel.values)):
        if not value:
            continue
        top = HEAD + ROW * index + (ROW - BAR) / 2
        least, median, greatest = (left + width * part / most for part in (value.least, value.median, value.most))
        parts.append(
            f'<rect class="{"ours" if stands_out else "other"}" x="{left:.1f}" y="{top:.1f}" '
            f'width="{median - left:.1f}" height="{BAR}" rx="2"/>'
        )
        if greatest > least:
            middle = top + BAR / 2
            parts.append(
                f'<path class="spread" d="M{least:.1f} {middle:.1f}H{greatest:.1f}'
                f'M{least:.1f} {middle - 3:.1f}v6M{greatest:.1f} {middle - 3:.1f}v6"/>'
            )
        parts.append(
            f'<text class="figure" x="{max(greatest, median) + 7:.1f}" y="{top + 12:.1f}">{value.median:.3g}</text>'
        )
    return parts
