"""The guarded calls of one plugin: what it asks of the page, who may, how often, and what becomes of the answer.

Must not know: the plugin's lifecycle. A permission is looked at when the call comes and again when the answer does, so
one that was revoked in between delivers nothing.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pysandbox.core import binary, strict_json
from pysandbox.core.broker.proxying import PERMISSION as PROXY
from pysandbox.core.broker.proxying import Answer
from pysandbox.core.broker.slot import Slot
from pysandbox.core.envelope import Envelope
from pysandbox.core.errors import Code, PermissionDenied, ProtocolViolation, SandboxError
from pysandbox.core.pending import PendingCalls


class Caller(Protocol):
    """Whose calls they are; see `LivePlugin`."""

    handle: str

    def limit(self, name: str) -> int: ...
    def hit(self, name: str) -> None: ...
    def charge(self, invocation_id: object) -> SandboxError | None:
        """Count a call against its invocation; why it may not be made (any more)."""
        ...

    def why_denied(self, permission: str) -> str | None: ...
    def undeclared(self, permission: str) -> None:
        """The plugin asked for a permission that its manifest does not name."""
        ...

    def unfit(self, text: str, buffers: Sequence[Sized]) -> SandboxError | None: ...
    def within(self, value: object, buffers: Sequence[Sized]) -> None:
        """Raises ProtocolViolation for bytes that a worker must not send."""
        ...

    def ask_page(self, id: str, permission: str, args: str, cid: str, buffers: Sequence[Sized]) -> None: ...
    def ask_gateway(self, id: str, asked: object, invocation: object, cid: str) -> None: ...
    def withdraw(self, id: str, cid: str) -> None: ...
    def hang_up(self, id: str) -> None: ...


@dataclass(slots=True)
class _Asked:
    """A call that waits for the page. ``id`` is the plugin's own for it."""

    id: str
    cid: str
    permission: str
    invocation: object
    slot: Slot


class GuardedCalls:
    """Ids towards the page start with the plugin's handle, so no two plugins share one."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._asked: PendingCalls[_Asked] = PendingCalls(f"{caller.handle}c")

    def __len__(self) -> int:
        return len(self._asked)

    def take(self, slot: Slot, envelope: Envelope) -> None:
        """A call from the worker. Raises ProtocolViolation."""
        caller, permission = self._caller, envelope.method
        if not envelope.id or any(asked.id == envelope.id for _, asked in self._asked.items()):
            raise ProtocolViolation("call-id")
        if len(self._asked) >= caller.limit("callsPending"):
            caller.hit("callsPending")
            _refuse(slot, envelope, SandboxError(
                Code.RATE_LIMIT, "too many calls wait at once: see isolation.limits.callsPending"))  # fmt: skip
            return
        body = strict_json.loads(envelope.payload, max_chars=caller.limit("messageChars"))
        if not isinstance(body, dict) or set(cast(dict[str, Any], body)) != {"invocation", "args"}:
            raise ProtocolViolation("call-shape")
        told = cast(dict[str, Any], body)
        caller.within(told["args"], envelope.buffers)
        if permission == PROXY and envelope.buffers:
            raise ProtocolViolation("buffers")
        denied = caller.why_denied(permission)
        refusal = caller.charge(told["invocation"])
        if refusal is not None:
            _refuse(slot, envelope, refusal)
        elif denied is not None:
            _refuse(slot, envelope, PermissionDenied(permission, denied))
            caller.undeclared(permission)
        else:
            ours = self._asked.open(_Asked(envelope.id, envelope.cid, permission, told["invocation"], slot))
            if permission == PROXY:
                caller.ask_gateway(ours, told["args"], told["invocation"], envelope.cid)
            else:
                caller.ask_page(ours, permission, strict_json.dumps(told["args"]), envelope.cid, envelope.buffers)

    def answer(self, id: str, kind: str, payload: str, buffers: Sequence[Sized]) -> None:
        """The page's answer; one that nobody waits for any longer is dropped."""
        asked = self._asked.discard(id)
        if asked is None:
            return
        denied, fault = self._caller.why_denied(asked.permission), self._caller.unfit(payload, buffers)
        if denied is not None:
            _refuse(asked.slot, asked, PermissionDenied(asked.permission, denied))
        elif kind == "result" and fault is None:
            asked.slot.channel.send("result", asked.id, asked.cid, payload, buffers=buffers)
        else:
            # What the page says of its failure stays with the page.
            message = "the page's function failed" if fault is None else f"the page's answer: {fault.message}"
            _refuse(asked.slot, asked, SandboxError(Code.CAPABILITY_FAILED, message))

    def proxied(self, id: str, answer: Answer) -> None:
        """The gateway's answer; one that nobody waits for any longer is dropped."""
        asked = self._asked.discard(id)
        if asked is None:
            return
        if isinstance(answer, SandboxError):
            _refuse(asked.slot, asked, answer)
            return
        body = strict_json.dumps({"status": answer.status, "headers": dict(answer.headers), "body": {binary.KEY: 0}})
        fault = self._caller.unfit(body, [answer.body])
        if fault is not None:
            _refuse(asked.slot, asked, SandboxError(Code.MESSAGE_LIMIT, f"the proxy's answer: {fault.message}"))
        else:
            asked.slot.channel.send("result", asked.id, asked.cid, body, buffers=[answer.body])

    def given_up(self, call_id: str) -> None:
        """The plugin waits for its call no longer."""
        self._end([ours for ours, asked in self._asked.items() if asked.id == call_id])

    def invocation_ended(self, invocation_id: str) -> None:
        """What it left waiting ends with it."""
        if len(self._asked):
            self._end([ours for ours, asked in self._asked.items() if asked.invocation == invocation_id])

    def revoked(self, permission: str) -> None:
        """Calls that wait for what may not be had any more end now."""
        for ours, asked in self._asked.items():
            if asked.permission == permission:
                self._asked.discard(ours)
                self._withdraw(ours, asked)
                _refuse(asked.slot, asked, PermissionDenied(permission, "the permission was revoked"))

    def worker_gone(self) -> None:
        for ours, asked in self._asked.drain():
            self._withdraw(ours, asked)

    def _withdraw(self, ours: str, asked: _Asked) -> None:
        if asked.permission == PROXY:
            self._caller.hang_up(ours)
        else:
            self._caller.withdraw(ours, asked.cid)

    def _end(self, ids: list[str]) -> None:
        for ours in ids:
            asked = self._asked.settle(ours)
            self._withdraw(ours, asked)
            _refuse(asked.slot, asked, SandboxError(Code.PLUGIN_ABORTED))


def _refuse(slot: Slot, call: Envelope | _Asked, error: SandboxError) -> None:
    body: dict[str, object] = {"code": error.code.value, "message": error.message}
    if isinstance(error, PermissionDenied):
        body["permission"] = error.permission
    slot.channel.send("error", call.id, call.cid, strict_json.dumps(body))
