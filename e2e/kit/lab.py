"""The tests' page, driven from Python: open a sandbox, load plugins, invoke, look at what the page was told.

Everything a test waits for has a deadline of its own that fits a machine several times slower than this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from pysandbox.gateway.serve import DevServer
from pysandbox.testing.browsers import Page

BOOT_MS = 40_000
PATIENCE_S = 90.0
Outcome = dict[str, Any]


class LabError(Exception):
    """What `openSandbox` or `load` rejected with."""

    def __init__(self, error: dict[str, Any]) -> None:
        self.name: str = error["name"]
        self.code: str = error["code"]
        self.message: str = error["message"]
        self.details: list[dict[str, str]] = error["details"]
        super().__init__(f"{self.name} {self.code}: {self.message}")


@dataclass
class LabPlugin:
    """A loaded plugin of the page."""

    lab: Lab
    number: int
    handlers: list[str]
    permissions: list[str]

    def start(self, handler: str, payload: Any = None, **options: Any) -> int:
        """Begin an invocation; `Lab.finish` waits for its outcome. Options as in JavaScript, and ``abortAfterMs``."""
        return self.lab.ask("(a) => lab.start(a)", [self.number, handler, payload, options])

    def invoke(self, handler: str, payload: Any = None, **options: Any) -> Outcome:
        return self.lab.finish(self.start(handler, payload, **options))

    def value(self, handler: str, payload: Any = None, **options: Any) -> Any:
        """The value of an invocation that has to go well."""
        outcome = self.invoke(handler, payload, **options)
        assert outcome["status"] == "ok", outcome
        return outcome["value"]

    def next_outcome(self, handler: str, payload: Any = None, **options: Any) -> Outcome:
        """The outcome of the first call after a kill.

        On a machine so busy that the page's own timer ended the last call, the worker dies under the next one, which
        is told so and may be made again.
        """
        outcome = self.invoke(handler, payload, **options)
        for _ in range(3):
            if outcome["status"] != "killed" or not outcome["error"]["retryable"]:
                break
            outcome = self.invoke(handler, payload, **options)
        return outcome

    def heard(self) -> list[dict[str, Any]]:
        """Events, progress notes and log lines so far, as ``{kind, detail}``."""
        return self.lab.ask("(n) => lab.heard(n)", self.number)

    def events(self) -> int:
        """How many events the page has heard from it."""
        return sum(one["kind"] == "event" for one in self.heard())

    def unload(self) -> None:
        self.lab.ask("(n) => lab.unload(n)", self.number)


class Lab:
    """A tab with the tests' page in it. ``url``: where its HTML is."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(url)
        page.wait_for("window.lab", timeout_s=PATIENCE_S)

    def ask(self, function: str, arg: Any = None) -> Any:
        answer = self.page.evaluate(function, arg, timeout_s=PATIENCE_S)
        if isinstance(answer, dict) and "rejected" in answer:
            raise LabError(answer["rejected"])
        return answer

    def open(self, server: DevServer, **options: Any) -> Self:
        """Open a sandbox. Raises LabError."""
        return self.open_at(server.sandbox_origin, server.token, **options)

    def open_at(self, origin: str, token: str, /, **options: Any) -> Self:
        """Open a sandbox of any server's. Raises LabError."""
        told = {"origin": origin, "sessionToken": token, "bootTimeoutMs": BOOT_MS, **options}
        self.ask("(o) => lab.open(o)", told)
        return self

    def load(self, name: str) -> LabPlugin:
        """Load a plugin. Raises LabError."""
        told = self.ask("(name) => lab.load(name)", name)
        return LabPlugin(self, told["number"], told["handlers"], told["permissions"])

    def finish(self, ticket: int) -> Outcome:
        return self.ask("(ticket) => lab.finish(ticket)", ticket)

    def alerts(self) -> list[dict[str, Any]]:
        return self.ask("() => lab.alerts")

    def states(self) -> list[str]:
        return self.ask("() => lab.states")

    def wait_for_alerts(self, count: int = 1) -> list[dict[str, Any]]:
        self.page.wait_for(f"lab.alerts.length >= {count}", timeout_s=PATIENCE_S)
        return self.alerts()

    def close(self) -> None:
        self.ask("() => lab.close()")
