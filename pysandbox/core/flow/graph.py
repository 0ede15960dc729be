"""How a flow's blocks hang together: what can be reached, what runs in circles, and the longest way to an end.

Must not know: JSON, templates, what a block does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

MAX_STATES: Final = 20_000
"""Of the search for the longest way: a block together with how often each bounded block was entered."""
EXHAUSTED: Final = "onExhausted"
MAX_BOUNDED: Final = 8
"""Of the blocks with a bound in one flow, so that every way through them can be looked at."""


@dataclass(frozen=True, slots=True)
class Node:
    """``edges``: branch and the node it leads to. ``free``: branches that take no time, such as ``onExhausted``.

    ``ends``: a run can end here, after ``ms``.
    """

    id: str
    ms: int
    edges: tuple[tuple[str, str], ...]
    max_visits: int = 0
    free: frozenset[str] = frozenset({EXHAUSTED})
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Longest:
    """The way that takes longest: its time, and each block with the most it takes there."""

    ms: int
    steps: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return " → ".join(f"{id} ({ms} ms)" if ms else id for id, ms in self.steps)


def reachable(nodes: Mapping[str, Node], entry: str) -> frozenset[str]:
    """The nodes that a run can come to."""
    seen, left = {entry}, [entry]
    while left:
        for _, target in nodes[left.pop()].edges:
            if target not in seen:
                seen.add(target)
                left.append(target)
    return frozenset(seen)


def circles(nodes: Mapping[str, Node]) -> Iterator[tuple[str, ...]]:
    """Circles without a bounded node in them, at least one of each group that hangs together."""
    free = {id: [target for _, target in node.edges if not nodes[target].max_visits]
            for id, node in nodes.items() if not node.max_visits}  # fmt: skip
    done: set[str] = set()
    for start, first in free.items():
        if start in done:
            continue
        way: list[str] = [start]
        on_way = {start}
        branches = [iter(first)]
        while way:
            target = next(branches[-1], None)
            if target is None:
                done.add(way[-1])
                on_way.discard(way.pop())
                branches.pop()
            elif target in on_way:
                yield tuple(way[way.index(target):])
            elif target not in done:
                way.append(target)
                on_way.add(target)
                branches.append(iter(free[target]))


class _State(NamedTuple):
    id: str
    visits: tuple[int, ...]


def longest(nodes: Mapping[str, Node], entry: str) -> Longest | None:
    """The way to an end that takes longest. The nodes must have no circle without a bound.

    None where there are too many ways to look at: too many bounded blocks, each entered too often.
    """
    bounded = [id for id in nodes if nodes[id].max_visits]
    start = _State(entry, (0,) * len(bounded))
    best: dict[_State, tuple[int, int, _State | None]] = {}  # state to (ms, blocks, where next)
    stack = [_step(nodes, bounded, start)]
    while stack:
        state, ways, left = stack[-1]
        todo = next((after for _, after in left if after not in best), None)
        if todo is not None:
            if len(best) + len(stack) > MAX_STATES:
                return None
            stack.append(_step(nodes, bounded, todo))
            continue
        stack.pop()
        own = nodes[state.id].ms if nodes[state.id].ends else 0
        best[state] = max(
            [(own, 1, None), *((cost + best[after][0], 1 + best[after][1], after) for cost, after in ways)],
            key=lambda way: way[:2])
    return _told(best, start)


def _step(
    nodes: Mapping[str, Node], bounded: Sequence[str], state: _State
) -> tuple[_State, list[tuple[int, _State]], Iterator[tuple[int, _State]]]:
    """A state to be looked at: its ways, and those of them that were not looked at yet."""
    ways = _ways(nodes, bounded, state)
    return state, ways, iter(ways)


def _ways(nodes: Mapping[str, Node], bounded: Sequence[str], state: _State) -> list[tuple[int, _State]]:
    """Where a run can go from ``state``, and the most that this takes."""
    node = nodes[state.id]
    visits = state.visits
    if node.max_visits:
        at = bounded.index(node.id)
        exhausted = visits[at] >= node.max_visits
        visits = visits if exhausted else (*visits[:at], visits[at] + 1, *visits[at + 1:])
        edges = [edge for edge in node.edges if (edge[0] == EXHAUSTED) == exhausted]
    else:
        edges = list(node.edges)
    return [(0 if branch in node.free else node.ms, _State(target, visits)) for branch, target in edges]


def _told(best: Mapping[_State, tuple[int, int, _State | None]], start: _State) -> Longest:
    steps: list[tuple[str, int]] = []
    state: _State | None = start
    while state is not None:
        ms, _, after = best[state]
        steps.append((state.id, ms - (best[after][0] if after is not None else 0)))
        state = after
    return Longest(best[start][0], tuple(steps))
