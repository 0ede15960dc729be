"""A sandbox in a real page, from Python: what QA's tests load plugins into, call, and look at.

    sandbox = OpenSandbox.open(page, server.sandbox_origin, server.token)
    outcome = sandbox.load("com.vendor.risk-scoring").invoke("evaluate", {"customerId": "c-1"})

``page`` is a `pysandbox.testing.browsers.Page` or a Playwright page (sync API): all that is asked of it is `evaluate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from pysandbox.core.errors import Code, Problem, SandboxError

_KEEP: Final = """const keep = (seen) => (globalThis.pysandboxSeen ??= []).push(seen) - 1;
  const refused = ({ code, message, details }) =>
    ({ rejected: { code: code ?? "BOOT_FAILED", message: String(message), details: details ?? [] } });"""
_OPEN: Final = f"""async ([options, answers]) => {{
  {_KEEP}
  const seen = {{ plugins: [], logs: [], alerts: [], records: [] }};
  const provide = ([name, value]) => [name, () => structuredClone(value)];
  try {{
    const {{ openSandbox }} = await import(`${{options.origin}}/pysandbox.js`);
    seen.sandbox = await openSandbox({{
      ...options,
      capabilities: Object.fromEntries(Object.entries(answers).map(provide)),
      onSecurityAlert: (alert) => seen.alerts.push(alert),
      onTelemetry: (record) => seen.records.push(record),
    }});
    return {{ at: keep(seen) }};
  }} catch (error) {{
    return refused(error);
  }}
}}"""
_TAKE: Final = f"""() => {{
  {_KEEP}
  const sandbox = (EXPRESSION);
  return typeof sandbox?.load === "function" ? keep({{ sandbox, plugins: [], logs: [] }}) : -1;
}}"""
_LOAD: Final = f"""async ([at, name]) => {{
  {_KEEP}
  const seen = globalThis.pysandboxSeen[at];
  try {{
    const plugin = await seen.sandbox.load(name);
    plugin.on("log", (line) => seen.logs.push({{ pluginId: plugin.pluginId, ...line }}));
    const {{ pluginId, version, handlers, permissions }} = plugin;
    return {{ number: seen.plugins.push(plugin) - 1, pluginId, version, handlers, permissions }};
  }} catch (error) {{
    return refused(error);
  }}
}}"""
_INVOKE: Final = """([at, number, handler, payload, options]) =>
  globalThis.pysandboxSeen[at].plugins[number].invoke(handler, payload, options)"""
_REVOKE: Final = "([at, number, permission]) => globalThis.pysandboxSeen[at].plugins[number].revoke(permission)"
_SEEN: Final = "([at, what]) => globalThis.pysandboxSeen[at][what]"
_CLOSE: Final = "async (at) => { await globalThis.pysandboxSeen[at].sandbox.close(); }"


class Evaluates(Protocol):
    """A page that runs the source of a JavaScript function with an argument, and answers with its value as JSON."""

    def evaluate(self, function: str, arg: Any = None, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class SeenOutcome:
    """What the page was told of a call. ``code`` and ``message`` are empty where it is ``ok``."""

    status: str
    value: Any
    code: str
    message: str
    layer: str
    duration_ms: float
    correlation_id: str
    generation: int


class OpenPlugin:
    """A plugin loaded into a page's sandbox."""

    def __init__(self, page: Evaluates, at: int, told: Mapping[str, Any]) -> None:
        self._page = page
        self._place: tuple[int, int] = at, told["number"]
        self.plugin_id: str = told["pluginId"]
        self.version: str = told["version"]
        self.handlers: list[str] = told["handlers"]
        self.permissions: list[str] = told["permissions"]

    def invoke(
        self, handler: str, payload: Any = None, *, timeout_ms: int | None = None, correlation_id: str | None = None,
    ) -> SeenOutcome:  # fmt: skip
        """Call a handler and wait for the outcome, whatever it is. ``payload`` is JSON."""
        options = {"timeoutMs": timeout_ms, "correlationId": correlation_id}
        given = {name: value for name, value in options.items() if value is not None}
        told = cast(dict[str, Any], self._page.evaluate(_INVOKE, [*self._place, handler, payload, given]))
        error = cast(dict[str, str], told.get("error") or {})
        return SeenOutcome(
            told["status"], told.get("value"), error.get("code", ""), error.get("message", ""), told.get("layer") or "",
            told["durationMs"], told["correlationId"], told["generation"])

    def revoke(self, permission: str) -> None:
        """From here on a call that needs it is ``denied``."""
        self._page.evaluate(_REVOKE, [*self._place, permission])


class OpenSandbox:
    """A sandbox that is open in ``page``; make one with `open` or `of`."""

    def __init__(self, page: Evaluates, at: int, *, own: bool) -> None:
        self.page = page
        self._at = at
        self._own = own

    @classmethod
    def open(
        cls, page: Evaluates, origin: str, token: str, *, capabilities: Mapping[str, Any] | None = None, **options: Any,
    ) -> OpenSandbox:  # fmt: skip
        """Open one in a page of an origin that may embed it. ``capabilities``: what the page answers, by permission.

        ``options`` are `openSandbox`'s own, by their names in JavaScript. Raises `SandboxError` as it rejects.
        """
        told = {"origin": origin, "sessionToken": token, "environment": "test", "queue": "test", **options}
        return cls(page, _answer(page.evaluate(_OPEN, [told, dict(capabilities or {})]))["at"], own=True)

    @classmethod
    def of(cls, page: Evaluates, expression: str) -> OpenSandbox:
        """One that your page has opened. ``expression``: where it is, in JavaScript, such as ``window.sandbox``.

        Its alerts and records go where your page sends them: `alerts` and `records` raise. Raises ValueError where no
        sandbox is.
        """
        at: int = page.evaluate(_TAKE.replace("EXPRESSION", expression))
        if at < 0:
            raise ValueError(f"{expression} is no sandbox in this page; let the page keep what openSandbox resolved to")
        return cls(page, at, own=False)

    def load(self, plugin: str) -> OpenPlugin:
        """Load ``id@version``, or ``id`` for the highest enabled version. Raises `SandboxError`."""
        return OpenPlugin(self.page, self._at, _answer(self.page.evaluate(_LOAD, [self._at, plugin])))

    def alerts(self) -> list[dict[str, Any]]:
        """The security alerts so far, as `onSecurityAlert` has them. Raises ValueError for one made by `of`."""
        return self._seen("alerts")

    def records(self) -> list[dict[str, Any]]:
        """The telemetry records so far: one for each call. Raises ValueError for one made by `of`."""
        return self._seen("records")

    def logs(self) -> list[dict[str, Any]]:
        """What plugins loaded here have logged so far: ``pluginId``, ``level``, ``message``, ``fields``."""
        return self.page.evaluate(_SEEN, [self._at, "logs"])

    def close(self) -> None:
        """End it with all its workers."""
        self.page.evaluate(_CLOSE, self._at)

    def _seen(self, what: str) -> list[dict[str, Any]]:
        if not self._own:
            raise ValueError(f"the page has opened this sandbox: its {what} are where the page's own options send them")
        return self.page.evaluate(_SEEN, [self._at, what])


def _answer(told: Any) -> dict[str, Any]:
    """What a script answered. Raises what it rejected with as `SandboxError`."""
    answer = cast(dict[str, Any], told)
    rejected = answer.get("rejected")
    if rejected is None:
        return answer
    code = Code(rejected["code"]) if rejected["code"] in list(Code) else Code.BOOT_FAILED
    problems = [Problem(one["path"], one["rule"], one["cure"]) for one in rejected["details"]]
    raise SandboxError(code, rejected["message"], details=problems)
