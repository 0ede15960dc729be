"""A flow as SVG: its blocks and branches; with a journal, the way that a run took and its times against the deadline.

Everything that is drawn comes from a flow or a journal that somebody else wrote, so every text is escaped, and there is
no script, link or style in it but ours. Light and dark follow the viewer. Must not know: where blocks stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final, cast

from pysandbox.core.flow.blocks import AnyBlock, CallFlow, Disconnect, Flow, RouteToQueue, calls_of
from pysandbox.core.flow.effects import Event
from pysandbox.core.flow.layout import BOX_HEIGHT, BOX_WIDTH, MARGIN, Edge, Layout, Point, lay_out
from pysandbox.core.flow.templates import Literal

_BAR: Final = 92
"""The height that the bar of times takes."""
_STYLE: Final = """
:root{color-scheme:light dark}
svg{--paper:#fff;--ink:#1c2330;--soft:#667085;--line:#98a2b3;--box:#f5f7fa;--took:#0b6bcb;--bad:#c2410c;--end:#e7f2ea}
@media(prefers-color-scheme:dark){svg{--paper:#12161d;--ink:#e6eaf0;--soft:#98a2b3;--line:#5b6675;--box:#1c232d;
--took:#5aa9ff;--bad:#ff9a5c;--end:#1b2f24}}
text{font:13px system-ui,sans-serif;fill:var(--ink)}
.paper{fill:var(--paper)}
.box{fill:var(--box);stroke:var(--line)}
.end{fill:var(--end)}
.small{font-size:11px;fill:var(--soft)}
.name{font-weight:600}
.edge{fill:none;stroke:var(--line);stroke-width:1.5}
.head{fill:var(--line)}
.been{stroke:var(--took);stroke-width:2.5}
.taken{stroke:var(--took);stroke-width:3}
.taken-head{fill:var(--took)}
.label{font-size:11px;fill:var(--soft);paint-order:stroke;stroke:var(--paper);stroke-width:4px}
.time{font-size:11px;fill:var(--took)}
.bad{fill:var(--bad)}
.bar{fill:var(--took)}
.bar.bad{fill:var(--bad)}
.sla{fill:none;stroke:var(--soft);stroke-dasharray:4 3}
"""


@dataclass(slots=True)
class _Run:
    """What of a journal is drawn. ``spans``: block, from, to, whether it failed."""

    been: dict[str, str] = field(default_factory=dict[str, str])
    failed: set[str] = field(default_factory=set[str])
    taken: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    spans: list[tuple[str, float, float, bool]] = field(default_factory=list[tuple[str, float, float, bool]])
    end_ms: float = 0.0


def diagram(flow: Flow, journal: Sequence[Event] = ()) -> str:
    """The SVG. A journal of another flow is drawn as far as its blocks are in this one."""
    layout = lay_out({id: block.targets for id, block in flow.blocks.items()}, flow.entry)
    run = _read(journal) if journal else None
    width = max(layout.width, 520)
    height = layout.height + (_BAR if run is not None else 0)
    title = flow.name or "flow"
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    label = escape(f"{title}, {len(flow.blocks)} blocks")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<defs>{_arrow("to", "head")}{_arrow("to-taken", "taken-head")}</defs>',
        f'<rect class="paper" width="{width:g}" height="{height:g}"/>',
        *_edges(layout, run),
        *(_box(block, layout.boxes[id], run) for id, block in flow.blocks.items()),
        *(_bar(flow, run, width, layout.height) if run is not None else ()),
        "</svg>"]
    return "\n".join(parts) + "\n"


def _read(journal: Sequence[Event]) -> _Run:
    """The steps of the flow that the run began with; what it was handed on to is a diagram of its own."""
    run = _Run()
    began: dict[str, float] = {}
    for event in journal:
        kind, id, at = event.get("event"), str(event.get("block", "")), _number(event.get("atMs"))
        run.end_ms = max(run.end_ms, at)
        if kind == "blockStarted":
            began.setdefault(id, at)
        elif kind in {"blockEnded", "flowEnded", "flowCalled"}:
            start = began.pop(id, at)
            failed = "errorCode" in event or "errorCode" in _outcome(event)
            run.been[id] = f"{at:g} ms" if kind != "blockEnded" or start == at else f"{start:g} → {at:g} ms"
            if failed:
                run.failed.add(id)
            if kind == "blockEnded":
                run.taken.add((id, str(event.get("to"))))
                run.spans += [(id, start, at, failed)] if at > start else []
            if kind == "flowCalled":
                break
    for id, start in began.items():
        run.been[id] = f"{start:g} ms →"
        run.spans.append((id, start, max(run.end_ms, start), True))
    return run


def _outcome(event: Event) -> dict[str, Any]:
    found = event.get("outcome")
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _number(value: object) -> float:
    return round(float(value), 1) if isinstance(value, (int, float)) else 0.0


# --- drawing ---
def _arrow(id: str, style: str) -> str:
    return (f'<marker id="{id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path class="{style}" d="M0 0L8 4L0 8z"/></marker>')


def _edges(layout: Layout, run: _Run | None) -> Iterator[str]:
    """Those that a run took lie on top."""
    taken = set[tuple[str, str]]() if run is None else run.taken
    for edge in sorted(layout.routes, key=lambda edge: (edge.source, edge.target) in taken):
        points = layout.routes[edge]
        was = (edge.source, edge.target) in taken
        style, marker = ("edge taken", "to-taken") if was else ("edge", "to")
        path = _straight(points) if edge in layout.back else _curve(points)
        yield f'<path class="{style}" d="{path}" marker-end="url(#{marker})"/>'
    labelled: dict[str, int] = {}
    for edge in sorted(layout.routes, key=lambda edge: layout.routes[edge][0][0]):
        before = labelled[edge.source] = labelled.get(edge.source, -1) + 1
        yield _label(edge, layout.routes[edge], back=edge in layout.back, lower=before % 2 == 1)


def _curve(points: Sequence[Point]) -> str:
    (x, y), path = points[0], [f"M{points[0][0]:g} {points[0][1]:g}"]
    for to_x, to_y in points[1:]:
        half = (to_y - y) / 2
        path.append(f"C{x:g} {y + half:g} {to_x:g} {to_y - half:g} {to_x:g} {to_y:g}")
        x, y = to_x, to_y
    return "".join(path)


def _straight(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _label(edge: Edge, points: Sequence[Point], *, back: bool, lower: bool) -> str:
    """Where the edge leaves its block: there those of one block lie side by side. Every other one is lower."""
    x, y = points[0]
    x, y = (x + 6, y - 5) if back else (x, y + (30 if lower else 15))
    anchor = "start" if back else "middle"
    return f'<text class="label" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(", ".join(edge.branches))}</text>'


def _box(block: AnyBlock, at: Point, run: _Run | None) -> str:
    x, y = at[0] - BOX_WIDTH / 2, at[1] - BOX_HEIGHT / 2
    been = run is not None and block.id in run.been
    style = "box" + (" end" if block.terminal or isinstance(block, CallFlow) else "") + (" been" if been else "")
    lines = [
        f'<g><title>{escape(f"{block.id}: {_what(block)}")}</title>',
        f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"/>',
        f'<text class="name" x="{x + 12:g}" y="{y + 21:g}">{escape(_short(block.id, 30))}</text>',
        f'<text class="small" x="{x + 12:g}" y="{y + 38:g}">{escape(_short(_what(block), 36))}</text>']
    if run is not None and been:
        bad = " bad" if block.id in run.failed else ""
        lines.append(f'<text class="time{bad}" x="{x + 12:g}" y="{y + 54:g}">{escape(run.been[block.id])}</text>')
    return "".join([*lines, "</g>"])


def _what(block: AnyBlock) -> str:
    """One line of what the block does."""
    limit = f" · {block.longest_ms} ms" if block.longest_ms else ""
    calls = calls_of(block)
    if calls:
        return f"{block.type} {', '.join(call.plugin_id for call in calls)}{limit}"
    if isinstance(block, RouteToQueue):
        return f"{block.type} {block.queue_id.value if isinstance(block.queue_id, Literal) else '{{…}}'}"
    if isinstance(block, Disconnect):
        return block.type
    return f"{block.type}{f' {block.flow_id}' if isinstance(block, CallFlow) else ''}{limit}"


def _short(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1] + "…"


def _bar(flow: Flow, run: _Run, width: float, top: float) -> Iterator[str]:
    """The run's time: each block that took some, and how far the deadline was."""
    whole = max(flow.sla_ms, run.end_ms)
    scale = (width - 2 * MARGIN) / whole
    y = top + 28
    yield f'<text class="small" x="{MARGIN}" y="{y - 8:g}">{run.end_ms:g} of {flow.sla_ms} ms</text>'
    yield (f'<rect class="sla" x="{MARGIN}" y="{y:g}" width="{flow.sla_ms * scale:g}" height="22" rx="3"/>')
    for id, start, end, failed in run.spans:
        x, long = MARGIN + start * scale, max(1.0, (end - start) * scale)
        yield (f'<rect class="bar{" bad" if failed else ""}" x="{x:g}" y="{y:g}" width="{long:g}" height="22" rx="3">'
               f"<title>{escape(f'{id}: {start:g} to {end:g} ms')}</title></rect>")
    yield f'<text class="small" x="{MARGIN}" y="{y + 38:g}">0 ms</text>'
    end = MARGIN + flow.sla_ms * scale
    yield f'<text class="small" x="{end:g}" y="{y + 38:g}" text-anchor="end">deadline {flow.sla_ms} ms</text>'
