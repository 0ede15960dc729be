"""A flow as the engine reads it: every rule of the language holds, templates are compiled, targets exist.

Must not know: JSON (`pysandbox.core.flow.parse`), or what performing a block takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeAlias

from pysandbox.core.flow.conditions import Condition
from pysandbox.core.flow.templates import Value

Join = Literal["all", "first"]
DEFAULT_SLA_MS: Final = 5000


@dataclass(frozen=True, slots=True)
class Call:
    """What is called of which plugin. ``handler`` "" is the plugin's only one; see `pick_handler`."""

    id: str
    plugin_id: str
    handler: str
    payload: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """``targets``: the branches that this block has, by name, and the block each leads to.

    ``max_visits`` 0 is no bound; with one, the visit after the last goes to the branch ``onExhausted``.
    """

    id: str
    targets: Mapping[str, str]
    max_visits: int = 0

    type: ClassVar[str]
    terminal: ClassVar[bool] = False

    @property
    def longest_ms(self) -> int:
        """The most that one visit takes."""
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokePlugin(Block):
    """One call of a plugin, with a hard timeout."""

    call: Call
    timeout_ms: int

    type: ClassVar[str] = "invokePlugin"

    @property
    def longest_ms(self) -> int:
        return self.timeout_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Block):
    """``timeout_ms`` is each attempt's; ``budget_ms`` bounds all of them and the ``delay_ms`` in between."""

    call: Call
    timeout_ms: int
    attempts: int
    delay_ms: int
    budget_ms: int

    type: ClassVar[str] = "retry"

    @property
    def longest_ms(self) -> int:
        return min(self.budget_ms, self.attempts * self.timeout_ms + (self.attempts - 1) * self.delay_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(Block):
    """Several calls at once, with one deadline."""

    calls: tuple[Call, ...]
    join: Join
    timeout_ms: int

    type: ClassVar[str] = "parallel"

    @property
    def longest_ms(self) -> int:
        return self.timeout_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``then`` is the name of the branch: ``rules[0].then``."""

    when: Condition
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Block):
    """The first rule that holds; else, and where a comparison cannot be made, ``otherwise``."""

    rules: tuple[Rule, ...]

    type: ClassVar[str] = "decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetData(Block):
    """Values that later templates see below ``data``."""

    values: Mapping[str, Value]

    type: ClassVar[str] = "setData"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Block):
    """A pause of ``ms``."""

    ms: int

    type: ClassVar[str] = "wait"

    @property
    def longest_ms(self) -> int:
        return self.ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessage(Block):
    """A text ``to`` the customer or the agent."""

    text: Value
    to: str
    timeout_ms: int

    type: ClassVar[str] = "sendMessage"

    @property
    def longest_ms(self) -> int:
        return self.timeout_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFlow(Block):
    """Hands the interaction on: the other flow ends it, within ``timeout_ms``. ``onError`` if it cannot be started."""

    flow_id: str
    input: Value
    timeout_ms: int

    type: ClassVar[str] = "callFlow"

    @property
    def longest_ms(self) -> int:
        return self.timeout_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteToQueue(Block):
    """The end: the interaction goes to a queue."""

    queue_id: Value
    metadata: Mapping[str, Value]

    type: ClassVar[str] = "routeToQueue"
    terminal: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect(Block):
    """The end: the interaction is over."""

    reason: Value
    metadata: Mapping[str, Value]

    type: ClassVar[str] = "disconnect"
    terminal: ClassVar[bool] = True


AnyBlock: TypeAlias = (
    InvokePlugin | Retry | Parallel | Decision | SetData | Wait | SendMessage | CallFlow | RouteToQueue | Disconnect)


@dataclass(frozen=True, slots=True)
class Flow:
    """``digest`` names this very flow: the SHA-256 of its JSON. ``worst_ms`` is at most ``sla_ms``."""

    name: str
    sla_ms: int
    entry: str
    blocks: Mapping[str, AnyBlock]
    digest: str
    worst_ms: int

    def calls(self) -> Iterator[Call]:
        """Every call of a plugin, in the order of the blocks."""
        for block in self.blocks.values():
            yield from calls_of(block)

    @property
    def plugin_ids(self) -> frozenset[str]:
        """The plugins that it can call, as it names them: with a version or without."""
        return frozenset(call.plugin_id for call in self.calls())

    @property
    def flow_ids(self) -> frozenset[str]:
        """The flows that it can hand the interaction on to."""
        return frozenset(block.flow_id for block in self.blocks.values() if isinstance(block, CallFlow))


def calls_of(block: AnyBlock) -> tuple[Call, ...]:
    """The calls that ``block`` makes."""
    if isinstance(block, (InvokePlugin, Retry)):
        return (block.call,)
    return block.calls if isinstance(block, Parallel) else ()
