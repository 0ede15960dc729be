"""The plot: one panel for each metric, a bar for each subject's median, a line for its quartiles, a dot a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from tests.bench.model import METRICS, REFERENCE, Samples
from tests.bench.report import amount
from tests.bench.stats import ratios, summaries, summary

WIDTH, LEFT, RIGHT, TOP = 880, 170, 130, 96
ROW, HEAD, GAP = 26, 30, 22
BAR = 16

KEY = "bar: median, line: quartiles, dot: a sample, ×: to plain Pyodide"

STYLE = """
  .page { fill: #ffffff } text { font: 13px system-ui, sans-serif; fill: #1c2430 } .quiet { fill: #5b6675 }
  .title { font-size: 18px; font-weight: 600 } .metric { font-weight: 600 }
  .value { font-variant-numeric: tabular-nums }
  .ours { fill: #1769aa } .plain { fill: #8a94a3 } .pyscript { fill: #c98a1b }
  .spread { stroke: #1c2430; stroke-width: 1.5 } .sample { fill: #1c2430; fill-opacity: .45 }
  .axis { stroke: #c9d0d9 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #14181e } text { fill: #e6eaf0 } .quiet { fill: #9aa6b5 } .ours { fill: #4fa8e8 }
    .plain { fill: #6c7685 } .pyscript { fill: #d9a441 } .spread { stroke: #e6eaf0 } .sample { fill: #e6eaf0 }
    .axis { stroke: #39424e }
  }
"""


@dataclass(frozen=True)
class _Row:
    """One bar: whose, how much, and how long a unit is drawn."""

    who: str
    label: str
    unit: str
    values: list[float]
    ratio: float | None
    scale: float

    def parts(self, y: float) -> Iterator[str]:
        """The bar with its spread, samples and texts, its top at `y`."""
        found = summary(self.values)
        middle = y + BAR / 2
        text_y = middle + 4.5
        yield f'<text x="{LEFT - 10}" y="{text_y:.1f}" text-anchor="end">{escape(self.label)}</text>'
        width = max(1.0, found.median * self.scale)
        yield f'<rect class="{self.who}" x="{LEFT}" y="{y:.1f}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        for value in self.values:
            yield f'<circle class="sample" cx="{LEFT + value * self.scale:.1f}" cy="{middle:.1f}" r="2"/>'
        low, high = (LEFT + value * self.scale for value in (found.q1, found.q3))
        yield f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>'
        beside = amount(found.median, self.unit) + ("" if self.ratio is None else f" · ×{self.ratio:.2f}")
        yield f'<text class="value" x="{LEFT + found.high * self.scale + 8:.1f}" y="{text_y:.1f}">{beside}</text>'


def _panel(y: float, metric: str, samples: Samples, labels: Mapping[str, str]) -> Iterator[str]:
    by_subject = samples.raw[metric]
    scale = (WIDTH - LEFT - RIGHT) / max(max(values) for values in by_subject.values())
    found = summaries(samples)
    meaning = escape(METRICS[metric].meaning)
    yield f'<text x="{LEFT}" y="{y + 14}"><tspan class="metric">{metric}</tspan>'
    yield f'<tspan class="quiet" dx="8">{meaning}</tspan></text>'
    shown = [who for who in labels if who in by_subject]
    bottom = y + HEAD + ROW * len(shown) - 6
    yield f'<line class="axis" x1="{LEFT}" x2="{LEFT}" y1="{y + HEAD - 6}" y2="{bottom}"/>'
    for number, who in enumerate(shown):
        ratio = ratios(found, who).get(metric) if who != REFERENCE else None
        row = _Row(who, labels[who], METRICS[metric].unit, by_subject[who], ratio, scale)
        yield from row.parts(y + HEAD + number * ROW)


def plot(samples: Samples, labels: Mapping[str, str], heading: str) -> str:
    """The whole picture as SVG text; light or dark as the reader's system is."""
    parts: list[str] = []
    y: float = TOP
    for metric, by_subject in samples.ordered():
        parts.extend(_panel(y, metric, samples, labels))
        y += HEAD + ROW * len(by_subject) + GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" width="{WIDTH}" height="{y:.0f}">',
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{WIDTH}" height="{y:.0f}"/>',
            '<text class="title" x="24" y="34">pysandbox beside plain Pyodide and PyScript: less is better</text>',
            f'<text class="quiet" x="24" y="54">{escape(heading)}</text>',
            f'<text class="quiet" x="24" y="72">{KEY}</text>',
            *parts,
            "</svg>",
            "",
        ]
    )
