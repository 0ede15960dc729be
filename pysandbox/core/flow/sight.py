"""What each template can see where it stands: a lookup of what no run can have there is a fault before any run.

May-analysis: for every block, which outcomes can have come about on some way to it. Must not know: what values are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
Seen = frozenset[tuple[str, str]]
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
            fault = _fault(lookup, before.get(draft.id, frozenset()), owners)
            if fault is not None:
                reader.fault(path, *fault)
            elif needed and not lookup.has_default and lookup.path[0] not in _ALWAYS and "onError" not in draft.targets:
                reader.fault(
                    path, f"{lookup} may find nothing, and the block has no onError",
                    f'Add "onError", or a default: {str(lookup)[:-2]} | default: ""}}}}.')


def _before(by_id: Mapping[str, Draft], entry: str) -> dict[str, Seen]:
    """What may have happened before each block: what may have on any way to it, until nothing is added."""
    before: dict[str, Seen] = {entry: frozenset()}
    left = [entry]
    while left:
        draft = by_id[left.pop()]
        for branch, target in draft.targets.items():
            if target not in by_id:
                continue
            after = before[draft.id] | frozenset(_happens(draft, branch))
            if target not in before or not after <= before[target]:
                before[target] = before.get(target, frozenset()) | after
                left.append(target)
    return before


def _happens(draft: Draft, branch: str) -> Iterable[tuple[str, str]]:
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


def _fault(lookup: Lookup, seen: Seen, owners: Mapping[str, Draft]) -> tuple[str, str] | None:
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
    return _unknown(lookup, owners)


def _unknown(lookup: Lookup, owners: Mapping[str, Draft]) -> tuple[str, str]:
    known = (*GIVEN_ROOTS, "data", "input", *_OWN_FIELDS, *owners)
    near = get_close_matches(lookup.path[0], known, 1)
    cure = f"Write {near[0]}." if near else f"Begin with {', '.join(GIVEN_ROOTS)}, data, or the id of a block."
    return f"{lookup}: there is no {show(lookup.path[0])} that a template could see", cure


def _of_block(lookup: Lookup, draft: Draft, seen: Seen) -> tuple[str, str] | None:
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


def _never(id: str, when: str, seen: Seen) -> str | None:
    """Why the outcome of ``id`` has never what is there ``when``."""
    ok, failed = (id, OK) in seen, (id, FAILED) in seen
    if not ok and not failed:
        return f"{id} never runs before this block"
    if when == OK and not ok:
        return f"{id} has always failed here"
    return f"{id} has always succeeded here" if when == FAILED and not failed else None
