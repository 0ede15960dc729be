"""Where the blocks of a flow's diagram stand: in layers from the entry down, edges bent round what they pass.

Layered drawing after Sugiyama, Tagawa and Toda (1981): break circles, give layers, put a joint into each layer that an
edge passes, order the layers by barycentres. Must not know: SVG.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

BOX_WIDTH: Final = 232
BOX_HEIGHT: Final = 64
GAP_X: Final = 36
GAP_Y: Final = 84
JOINT_WIDTH: Final = 28
MARGIN: Final = 28
_SWEEPS: Final = 6

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Edge:
    """All branches from one block to another."""

    source: str
    target: str
    branches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """``boxes``: the centre of each block. ``routes``: the points of each edge, from its source's rim to its target's.

    ``back``: the edges that lead up again.
    """

    boxes: Mapping[str, Point]
    routes: Mapping[Edge, Sequence[Point]]
    back: frozenset[Edge]
    width: float
    height: float


def lay_out(targets: Mapping[str, Mapping[str, str]], entry: str) -> Layout:
    """``targets``: for each block its branches and where they lead; every block can be reached from ``entry``."""
    edges = list(_edges(targets))
    back = _back(targets, entry)
    down = [edge for edge in edges if (edge.source, edge.target) not in back]
    layer = _layers(list(targets), down)
    chains = {edge: _chain(edge, layer) for edge in down}
    rows = _ordered(targets, layer, chains)
    places = _places(rows)
    width = max(x + _width(node) / 2 for node, (x, _) in places.items()) + MARGIN
    height = max(y for _, y in places.values()) + BOX_HEIGHT / 2 + MARGIN
    up = [edge for edge in edges if edge not in chains]
    routes = _routes(chains, places)
    routes |= {edge: _up(edge, places, width + 12 * index) for index, edge in enumerate(up)}
    boxes = {id: places[id] for id in targets}
    return Layout(boxes, routes, frozenset(up), width + (12 * len(up) + MARGIN if up else 0), height)


def _edges(targets: Mapping[str, Mapping[str, str]]) -> Iterator[Edge]:
    for source, branches in targets.items():
        for target in dict.fromkeys(branches.values()):
            yield Edge(source, target, tuple(name for name, to in branches.items() if to == target))


def _back(targets: Mapping[str, Mapping[str, str]], entry: str) -> set[tuple[str, str]]:
    """The edges that close a circle, seen from the entry."""
    found: set[tuple[str, str]] = set()
    on_way, done = {entry}, set[str]()
    stack = [(entry, iter(targets[entry].values()))]
    while stack:
        id, left = stack[-1]
        target = next(left, None)
        if target is None:
            stack.pop()
            on_way.discard(id)
            done.add(id)
        elif target in on_way:
            found.add((id, target))
        elif target not in done:
            on_way.add(target)
            stack.append((target, iter(targets[target].values())))
    return found


def _layers(ids: Sequence[str], down: Sequence[Edge]) -> dict[str, int]:
    """Each block below all that lead to it."""
    layer = dict.fromkeys(ids, 0)
    for _ in ids:
        moved = False
        for edge in down:
            if layer[edge.target] <= layer[edge.source]:
                layer[edge.target] = layer[edge.source] + 1
                moved = True
        if not moved:
            break
    return layer


def _chain(edge: Edge, layer: Mapping[str, int]) -> list[str]:
    """The edge as steps from layer to layer; a joint's name is no block's, as it has a space in it."""
    between = range(layer[edge.source] + 1, layer[edge.target])
    return [edge.source, *(f"{edge.source} {edge.target} {row}" for row in between), edge.target]


def _ordered(
    ids: Mapping[str, object], layer: Mapping[str, int], chains: Mapping[Edge, Sequence[str]]
) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for id in ids:
        rows[layer[id]].append(id)
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for edge, chain in chains.items():
        for step, node in enumerate(chain[1:-1], layer[edge.source] + 1):
            rows[step].append(node)
        for one, other in pairwise(chain):
            below.setdefault(one, []).append(other)
            above.setdefault(other, []).append(one)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for row in range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1):
            beside = rows[row - 1] if downwards else rows[row + 1]
            _sort(rows[row], beside, above if downwards else below)
    return rows


def _sort(row: list[str], beside: Sequence[str], neighbours: Mapping[str, Sequence[str]]) -> None:
    """By the middle of each one's neighbours in the row beside; one that has none stays where it is."""
    at = {node: index / max(1, len(beside) - 1) for index, node in enumerate(beside)}
    own = {node: index / max(1, len(row) - 1) for index, node in enumerate(row)}

    def middle(node: str) -> float:
        near = neighbours.get(node, ())
        return sum(at[one] for one in near) / len(near) if near else own[node]

    row.sort(key=middle)


def _width(node: str) -> int:
    return JOINT_WIDTH if " " in node else BOX_WIDTH


def _places(rows: Sequence[Sequence[str]]) -> dict[str, Point]:
    widths = [sum(_width(node) + GAP_X for node in row) - GAP_X for row in rows]
    places: dict[str, Point] = {}
    for number, (row, width) in enumerate(zip(rows, widths, strict=True)):
        x = MARGIN + (max(widths) - width) / 2
        y = MARGIN + BOX_HEIGHT / 2 + number * (BOX_HEIGHT + GAP_Y)
        for node in row:
            places[node] = (x + _width(node) / 2, y)
            x += _width(node) + GAP_X
    return places


def _routes(chains: Mapping[Edge, Sequence[str]], places: Mapping[str, Point]) -> dict[Edge, list[Point]]:
    """Down through the joints. Where a block has several edges, they leave and arrive side by side."""
    leaving: dict[str, list[Edge]] = {}
    arriving: dict[str, list[Edge]] = {}
    for edge in chains:
        leaving.setdefault(edge.source, []).append(edge)
        arriving.setdefault(edge.target, []).append(edge)
    starts = _spread(leaving, lambda edge: places[chains[edge][1]][0], 0.8)
    ends = _spread(arriving, lambda edge: places[chains[edge][-2]][0], 0.4)
    routes: dict[Edge, list[Point]] = {}
    for edge, chain in chains.items():
        first, last = places[edge.source], places[edge.target]
        routes[edge] = [
            (first[0] + starts[edge], first[1] + BOX_HEIGHT / 2), *(places[node] for node in chain[1:-1]),
            (last[0] + ends[edge], last[1] - BOX_HEIGHT / 2)]
    return routes


def _spread(groups: Mapping[str, list[Edge]], beside: Callable[[Edge], float], share: float) -> dict[Edge, float]:
    """How far from its block's middle each edge meets it: in the order of where the edges come from or go to."""
    found: dict[Edge, float] = {}
    for edges in groups.values():
        step = BOX_WIDTH * share / len(edges)
        for index, edge in enumerate(sorted(edges, key=beside)):
            found[edge] = (index - (len(edges) - 1) / 2) * step
    return found


def _up(edge: Edge, places: Mapping[str, Point], right: float) -> list[Point]:
    """Out to the right of everything between two layers, and back in between two others."""
    (x, y), (to_x, to_y) = places[edge.source], places[edge.target]
    half, lane = BOX_WIDTH / 2, BOX_HEIGHT / 2 + 14
    return [(x + half, y), (x + half + 14, y), (x + half + 14, y + lane), (right, y + lane), (right, to_y - lane),
            (to_x + half + 14, to_y - lane), (to_x + half + 14, to_y), (to_x + half, to_y)]
