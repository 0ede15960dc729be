"""Memory over the session as a picture."""

from __future__ import annotations

from collections.abc import Sequence

from tests.soak.session import MAY_GROW, Sample

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 880, 340, 70, 30, 70, 40

STYLE = """
  .page { fill: #ffffff } text { font: 13px system-ui, sans-serif; fill: #1c2430 } .quiet { fill: #5b6675 }
  .title { font-size: 18px; font-weight: 600 } .memory { stroke: #1769aa; stroke-width: 2; fill: none }
  .dot { fill: #1769aa } .axis { stroke: #c9d0d9 } .limit { stroke: #c0392b; stroke-dasharray: 6 4 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #14181e } text { fill: #e6eaf0 } .quiet { fill: #9aa6b5 } .memory { stroke: #4fa8e8 }
    .dot { fill: #4fa8e8 } .axis { stroke: #39424e }
  }
"""


def plot(samples: Sequence[Sample], heading: str) -> str:
    """SVG text: a line from sample to sample, from 0, with the bound that memory has to stay under."""
    bound = samples[0].own_bytes * MAY_GROW
    top = 1.15 * max(bound, *(sample.own_bytes for sample in samples))

    def x(invocations: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * invocations / samples[-1].invocations

    def y(size: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - size / top)

    points = [(x(sample.invocations), y(sample.own_bytes)) for sample in samples]
    ticks = [number * top / 4 for number in range(5)]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        '<text class="title" x="24" y="30">Memory of the whole browser over a long session</text>',
        f'<text class="quiet" x="24" y="50">{heading}</text>',
        *(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
          f'<text class="quiet" x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick / 1e6:.0f} MB</text>'
          for tick in ticks),
        f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(bound):.1f}" y2="{y(bound):.1f}"/>',
        '<polyline class="memory" points="' + " ".join(f"{px:.1f},{py:.1f}" for px, py in points) + '"/>',
        *(f'<circle class="dot" cx="{px:.1f}" cy="{py:.1f}" r="3"/>' for px, py in points),
        (f'<text class="quiet" x="{WIDTH - RIGHT}" y="{HEIGHT - 12}" text-anchor="end">'
        f"{samples[-1].invocations} invocations</text>"),
        "</svg>",
        "",
    ])  # fmt: skip
