"""What each template can see where it stands: a lookup of what no run can have there is a fault before any run.

May-analysis: for every block, which outcomes can have come about on some way to it. Must not know: what values are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from pysandbox.core.flow.blocks import Parallel
from pysandbox.core.flow.reader import Draft, Reader
from pysandbox.core.flow.run import GIVEN_ROOTS
from pysandbox.core.flow.spec import BLOCKS, OUTCOME_FIELDS
from pysandbox.core.flow.templates import Lookup
from pysandbox.core.manifest_checks import show

OK: Final = "ok"
FAILED: Final = "failed"
SET: Final = "set"
Fact = tuple[str, str]
"""What may have happened: a block's id (or ``data.NAME``) and `OK`, `FAILED` or `SET`."""

_OWN_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "flow": ("name", "correlationId"), "summary": ("text", "fallbackTriggered", "failures")}
_ALWAYS: Final = frozenset({"flow", "summary"})
_CALL_ONLY: Final[Mapping[str, str]] = {"attempts": "retry", "winner": "parallel"}


def check(drafts: Sequence[Draft], by_id: Mapping[str, Draft], entry: str, reader: Reader) -> None:
    """Faults of the templates in ``drafts``, which are those that can be reached."""
    before = _before(by_id, entry)
    owners = {call.id: draft for draft in by_id.values() if draft.type == "parallel" for call in draft.calls}
    owners |= by_id
    for draft in drafts:
        for path, lookup, needed in draft.lookups:
            fault = _fault(lookup, before[draft.id], owners, reader)
            if fault is not None:
                reader.fault(path, *fault)
            elif needed and not lookup.has_default and lookup.path[0] not in _ALWAYS and "onError" not in draft.targets:
                reader.fault(
                    path, f"{lookup} may find nothing, and the block has no onError",
                    f'Add "onError", or a default: {str(lookup)[:-2]} | default: ""}}}}.')


@dataclass(frozen=True, slots=True)
class _Seen:
    """What may have happened before a block: a bit for each fact, as there may be very many facts and ways."""

    bits: Mapping[Fact, int]
    mask: int

    def __contains__(self, fact: Fact) -> bool:
        return bool(self.bits.get(fact, 0) & self.mask)


def _before(by_id: Mapping[str, Draft], entry: str) -> dict[str, _Seen]:
    """For every block what may have happened on any way to it: passed on until nothing is added."""
    bits: dict[Fact, int] = {}
    edges: list[tuple[str, str, int]] = []
    for id in _downwards(by_id, entry):
        for branch, target in by_id[id].targets.items():
            if target in by_id:
                after = 0
                for fact in _happens(by_id[id], branch):
                    after |= bits.setdefault(fact, 1 << len(bits))
                edges.append((id, target, after))
    masks = dict.fromkeys(by_id, 0)
    grown = True
    while grown:
        grown = False
        for source, target, after in edges:
            more = masks[target] | masks[source] | after
            if more != masks[target]:
                masks[target], grown = more, True
    return {id: _Seen(bits, mask) for id, mask in masks.items()}


def _downwards(by_id: Mapping[str, Draft], entry: str) -> list[str]:
    """The blocks that can be reached, each before those it leads to, as far as there is no circle."""
    done: dict[str, None] = {}
    seen = {entry}
    stack = [(entry, iter(by_id[entry].targets.values()))]
    while stack:
        id, left = stack[-1]
        target = next((one for one in left if one in by_id and one not in seen), None)
        if target is None:
            done[id] = None
            stack.pop()
        else:
            seen.add(target)
            stack.append((target, iter(by_id[target].targets.values())))
    return list(reversed(done))


def _happens(draft: Draft, branch: str) -> Iterable[Fact]:
    """What has happened when ``draft`` is left by ``branch``."""
    outcome = BLOCKS[draft.type].outcome if draft.type else "none"
    if branch == "onExhausted" or outcome == "none":
        return
    if outcome == "call":
        yield draft.id, OK if branch == "onSuccess" else FAILED
        if isinstance(draft.block, Parallel):
            decided = branch == "onSuccess" and draft.block.join == "all"
            for call in draft.calls:
                yield from [(call.id, OK)] if decided else [(call.id, OK), (call.id, FAILED)]
    elif branch == "onError" or (draft.type != "callFlow" and "onError" not in draft.targets):
        yield draft.id, FAILED
    if draft.type == "setData" and branch == "next":
        for name in draft.sets:
            yield f"data.{name}", SET


def _fault(lookup: Lookup, seen: _Seen, owners: Mapping[str, Draft], reader: Reader) -> tuple[str, str] | None:
    """Rule and cure for a lookup that no run can answer here."""
    root, rest = lookup.path[0], lookup.path[1:]
    if root in owners:
        return _of_block(lookup, owners[root], seen)
    if root in GIVEN_ROOTS or root == "input" or (root in {"data", *_OWN_FIELDS} and not rest):
        return None
    if root == "data":
        rule = f"{lookup} finds nothing: no setData before this block sets {show(rest[0])}"
        return None if (f"data.{rest[0]}", SET) in seen else (rule, "Set it on the way here.")
    if root in _OWN_FIELDS:
        known = _OWN_FIELDS[root]
        return None if rest[0] in known else (f"{lookup}: {root} has no {show(rest[0])}", f"Use {', '.join(known)}.")
    return _unknown(lookup, () if reader.is_enough else owners)


def _unknown(lookup: Lookup, owners: Iterable[str]) -> tuple[str, str]:
    known = (*GIVEN_ROOTS, "data", "input", *_OWN_FIELDS, *owners)
    near = get_close_matches(lookup.path[0], known, 1)
    cure = f"Write {near[0]}." if near else f"Begin with {', '.join(GIVEN_ROOTS)}, data, or the id of a block."
    return f"{lookup}: there is no {show(lookup.path[0])} that a template could see", cure


def _of_block(lookup: Lookup, draft: Draft, seen: _Seen) -> tuple[str, str] | None:
    root, rest = lookup.path[0], lookup.path[1:]
    if not draft.type:
        return None  # a block that could not be read: that is fault enough
    if BLOCKS[draft.type].outcome == "none":
        return f"{lookup}: a {draft.type} block has no outcome", "Look up something else."
    known = [name for name in OUTCOME_FIELDS if _CALL_ONLY.get(name, draft.type) == draft.type]
    if rest and rest[0] not in known:
        near = get_close_matches(rest[0], known, 1)
        return f"{lookup}: an outcome has no {show(rest[0])}", f"Write {near[0] if near else ', '.join(known)}."
    why = _never(root, OUTCOME_FIELDS[rest[0]] if rest else "always", seen)
    return None if why is None else (f"{lookup} finds nothing: {why}", "Look up what is there by then.")


def _never(id: str, when: str, seen: _Seen) -> str | None:
    """Why the outcome of ``id`` has never what is there ``when``."""
    ok, failed = (id, OK) in seen, (id, FAILED) in seen
    if not ok and not failed:
        return f"{id} never runs before this block"
    if when == OK and not ok:
        return f"{id} has always failed here"
    return f"{id} has always succeeded here" if when == FAILED and not failed else None
