"""What a handler is given: the typed surface of `Context`, and the answer of the API proxy.

Must not know: how any of it is done. The runtime implements these protocols in the worker, and
`pysandbox.testing.FakeContext` in a unit test; a plugin that is typed against them runs under both.

All times are milliseconds unless the name says otherwise. What crosses to the host (arguments, events, log fields) is
JSON: dicts with string keys, lists, strings, finite numbers, booleans, None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pysandbox.core import strict_json
from pysandbox.core.abort import AbortSignal
from pysandbox.core.errors import ProtocolViolation


class ProxyResponse:
    """The answer of an API behind the proxy.

    ``status`` is the HTTP status; ``headers`` have lower-case names; ``content`` is the body as bytes.
    """

    __slots__ = ("content", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str] | None = None, content: bytes = b"") -> None:
        self.status = status
        self.headers: dict[str, str] = {name.lower(): value for name, value in (headers or {}).items()}
        self.content = content

    @property
    def text(self) -> str:
        """The body as UTF-8; what is not UTF-8 becomes U+FFFD."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError if it is none, nests too deep, or has a duplicate key."""
        try:
            return strict_json.loads(self.text, max_chars=max(1, len(self.content)))
        except ProtocolViolation as error:
            raise ValueError(f"the body of the answer (status {self.status}) is not JSON: {error.rule}") from error

    def __repr__(self) -> str:
        return f"<ProxyResponse {self.status}, {len(self.content)} bytes>"


class Timer(Protocol):
    """A timer that was set."""

    def cancel(self) -> None:
        """Never call the function again. Harmless when the timer has fired or was cancelled."""
        ...


class Proxy(Protocol):
    """The vendor's APIs, by way of the gateway, which adds the credentials. Needs ``integration:proxy:invoke``.

    ``path`` is relative to the gateway and starts with ``/proxy/``; ``timeout_ms`` never outlives the invocation.
    An HTTP error status is an answer, not an exception. Raises `PermissionDenied`, `CallError` (``ROUTE_NOT_FOUND`` and
    what else the gateway answers), `AbortError`.
    """

    async def get(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None, timeout_ms: int | None = None,
    ) -> ProxyResponse: ...
    async def post(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None, timeout_ms: int | None = None,
    ) -> ProxyResponse: ...
    async def put(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None, timeout_ms: int | None = None,
    ) -> ProxyResponse: ...
    async def patch(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None, timeout_ms: int | None = None,
    ) -> ProxyResponse: ...
    async def delete(
        self, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None, timeout_ms: int | None = None,
    ) -> ProxyResponse: ...


class Cache(Protocol):
    """The plugin's own memory between invocations, lost when its worker ends. Bounded by entries and by bytes."""

    def get(self, key: str, default: Any = None) -> Any:
        """A copy of the value, or ``default`` if it is not there, has expired or had to make room."""
        ...

    def set(self, key: str, value: Any, *, ttl_s: float, sliding: bool = False) -> None:
        """Keep a copy of ``value`` (JSON or bytes) for ``ttl_s`` seconds; ``sliding``: from its last use.

        Raises ValueError if ``ttl_s`` is not above 0 or the value is larger than the whole cache, `SandboxError`
        (``RESULT_NOT_JSON``) if it is no JSON.
        """
        ...

    def delete(self, key: str) -> bool:
        """Forget ``key``; whether it was there."""
        ...


class Log(Protocol):
    """The plugin's log: it goes to the operator, redacted. Long lines are cut, too many are dropped and counted."""

    def debug(self, message: str, **fields: Any) -> None: ...
    def info(self, message: str, **fields: Any) -> None: ...
    def warning(self, message: str, **fields: Any) -> None: ...
    def error(self, message: str, **fields: Any) -> None: ...


class Context(Protocol):
    """What one invocation may know and do. It is good until the invocation ends; then every call raises."""

    @property
    def environment(self) -> str:
        """What the page named its environment, such as ``prod``."""
        ...

    @property
    def queue(self) -> str:
        """The queue of the interaction, such as ``default_support_queue``."""
        ...

    @property
    def locale(self) -> str:
        """The user's language as a BCP 47 tag, such as ``en-GB``."""
        ...

    @property
    def signal(self) -> AbortSignal:
        """Aborted at the deadline or when the caller gives up: long loops call ``signal.throw_if_aborted()``."""
        ...

    @property
    def remaining_ms(self) -> int:
        """Whole milliseconds until the deadline, never below 0."""
        ...

    @property
    def correlation_id(self) -> str:
        """Names this interaction in every log and telemetry record, here and behind the proxy."""
        ...

    @property
    def plugin_id(self) -> str:
        """The manifest's ``pluginId``."""
        ...

    @property
    def permissions(self) -> tuple[str, ...]:
        """What the plugin holds now: declared in its manifest, granted by the session and provided by the page."""
        ...

    @property
    def proxy(self) -> Proxy:
        """The vendor's APIs, by way of the gateway."""
        ...

    @property
    def cache(self) -> Cache:
        """The plugin's own memory between invocations."""
        ...

    @property
    def log(self) -> Log:
        """The plugin's log."""
        ...

    async def call(self, permission: str, args: Any = None) -> Any:
        """Call the capability that ``permission`` opens and return what the page answered.

        Raises `PermissionDenied`, `CallError` (``CAPABILITY_FAILED``: the page's function failed), `AbortError`.
        """
        ...

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event to the page: ``plugin.on("event", ...)`` gets ``event`` and ``data``."""
        ...

    def progress(self, fraction: float, message: str = "") -> None:
        """Tell the page how far the invocation is, from 0 to 1. Raises ValueError outside of that."""
        ...

    def set_timeout(self, fn: Callable[[], Any], ms: int) -> Timer:
        """Call ``fn()`` once after ``ms``; ``fn`` may be async. The timer ends with the invocation at the latest."""
        ...

    def set_interval(self, fn: Callable[[], Any], ms: int) -> Timer:
        """Call ``fn()`` every ``ms`` until cancelled or the invocation ends; at most every ``timerFloorMs``."""
        ...

    async def sleep(self, ms: int) -> None:
        """Wait ``ms`` milliseconds. Raises `AbortError` as soon as the invocation is aborted."""
        ...
