"""What the page wants run: the flow, the flows it may hand on to, and what it is run with. Every fault of it at once.

Must not know: plugins, ports, how a flow is run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from pysandbox.core import strict_json
from pysandbox.core.envelope import CID
from pysandbox.core.errors import Code, FlowError, Problem, SandboxError
from pysandbox.core.flow.blocks import Flow
from pysandbox.core.flow.check import check_flow
from pysandbox.core.flow.effects import Event
from pysandbox.core.flow.journal import parse_journal
from pysandbox.core.flow.page import MAX_PREPARE_MS
from pysandbox.core.flow.registered import PluginView, View

MAX_ORDER_CHARS: Final = 64 * 1024 * 1024
MAX_CID_CHARS: Final = 56
"""Of a run's correlation id: each of its calls adds a dot and the number of an event."""
MAX_FLOWS: Final = 20


@dataclass(frozen=True, slots=True)
class Order:
    """``flow`` and ``flows`` are JSON text. ``queues`` None: any queue may be there.

    ``journal``: of the same run, from a host that died.
    """

    flow: str
    flows: Mapping[str, str]
    data: Mapping[str, object]
    queues: frozenset[str] | None
    prepare_ms: float
    journal: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Flows:
    """The flow of an order, and those that it may hand on to, by name."""

    flow: Flow
    others: Mapping[str, Flow]

    @property
    def plugin_ids(self) -> frozenset[str]:
        return self.flow.plugin_ids.union(*(other.plugin_ids for other in self.others.values()))


def read_order(payload: str, cid: str) -> Order:
    """Raises `SandboxError`: ``INPUT_INVALID``, or ``JOURNAL_INVALID``."""
    try:
        told = cast(dict[str, Any], strict_json.loads(payload, max_chars=MAX_ORDER_CHARS))
        data, queues, prepare_ms = strict_json.loads(told["data"]), told["queues"], told["prepareMs"]
        order = Order(
            str(told["flow"]), {str(name): str(text) for name, text in told["flows"].items()},
            cast(Mapping[str, object], data), None if queues is None else frozenset(map(str, queues)), prepare_ms,
            tuple(parse_journal(str(told["journal"]))))
    except (KeyError, TypeError, AttributeError) as error:
        raise _invalid(f"the page's order to run a flow is not usable: {error!r}") from error
    except SandboxError as error:
        raise error if error.code is Code.JOURNAL_INVALID else _invalid(error.message) from error
    if not isinstance(data, dict):
        raise _invalid("what a flow is run with is an object: interaction, webchat and session")
    if type(prepare_ms) not in {int, float} or not 0 <= prepare_ms <= MAX_PREPARE_MS:
        raise _invalid(f"prepareMs is a number of milliseconds, 0 to {MAX_PREPARE_MS}")
    if not cid or len(cid) > MAX_CID_CHARS or CID.fullmatch(cid) is None:
        raise _invalid(f"correlationId has 1 to {MAX_CID_CHARS} of the characters A-Z a-z 0-9 _ . : -")
    if len(order.flows) > MAX_FLOWS:
        raise _invalid(f"at most {MAX_FLOWS} flows can be handed on to")
    return order


def read_flows(
    order: Order, plugins: Mapping[str, PluginView] | None = None, others: Mapping[str, Flow] | None = None,
) -> Flows:  # fmt: skip
    """The flows of ``order``, held against ``plugins`` and ``others`` where these are known.

    Raises `FlowError` with every problem of all of them.
    """
    problems: list[Problem] = []
    read: dict[str, Flow] = {}
    for name, text in order.flows.items():
        found = check_flow(text, View(plugins=plugins, flows=others))
        problems += [_below(name, problem) for problem in found.problems]
        if found.flow is not None:
            read[name] = found.flow
    found = check_flow(order.flow, View(plugins=plugins, flows=None if problems else read))
    problems = [*found.problems, *problems]
    if found.flow is None or problems:
        raise FlowError(problems)
    return Flows(found.flow, read)


def _below(name: str, problem: Problem) -> Problem:
    return Problem(f"flows[{json.dumps(name[:128])}]{problem.path.removeprefix('$')}", problem.rule, problem.cure)


def _invalid(why: str) -> SandboxError:
    return SandboxError(Code.INPUT_INVALID, why)
