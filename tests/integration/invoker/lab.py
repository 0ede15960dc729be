"""A plugin in a Deno process, for tests: its manifest, its source, and an invoker that remembers what it was told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from pysandbox.core.broker.registered import Registered
from pysandbox.core.bundle import build_bundle
from pysandbox.core.manifest import parse_manifest
from pysandbox.core.outcome import Outcome
from pysandbox.invoker.deno import DenoInvoker
from pysandbox.invoker.jail import Walls
from pysandbox.invoker.tenancy import Loaded, Tenancy, Told

READ = "webchat:session:read"
PROXY = "integration:proxy:invoke"
HEAD = "import asyncio\nfrom pysandbox.plugin import handler\n"


P = ParamSpec("P")


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A test that needs a loop, as one that pytest can call."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def registered(source: str, *, library: bool = False, **isolation: Any) -> Registered:
    """A plugin of this source."""
    manifest = {
        "pluginId": "com.example.lab", "version": "1.0.0",
        "manifest": {
            "type": "webchat", "workerUrl": "https://cdn.example/lab-1.0.0.zip",
            "csp": "default-src 'none'; worker-src https://cdn.example; connect-src https://api.example",
            "permissions": [READ, PROXY],
            "isolation": {
                "mode": "dedicated-worker", "memoryLimitMB": 64, "maxExecutionTimeMs": 20_000, **isolation},
        },
    }  # fmt: skip
    return Registered(parse_manifest(manifest), build_bundle({"plugin.py": (HEAD + source).encode()}), library)


class Lab:
    """One invoker, and one plugin in it once it is loaded."""

    def __init__(self, walls: Walls, **options: Any) -> None:
        self.told: list[Told] = []
        self.invoker = DenoInvoker(listen=self.told.append, walls=walls, spares=0, **options)
        self.loaded = Loaded("", "", "")

    async def load(self, source: str, tenancy: Tenancy = Tenancy(), **isolation: Any) -> Loaded:  # noqa: B008
        self.loaded = await self.invoker.load(registered(source, **isolation), tenancy)
        return self.loaded

    async def invoke(self, handler: str, payload: object = None, **options: Any) -> Outcome:
        return await self.invoker.call(self.loaded.key, handler, payload, **options)

    async def value(self, handler: str, payload: object = None) -> Any:
        """What it returns, where all goes well."""
        outcome = await self.invoke(handler, payload)
        assert outcome.error is None, outcome.error
        return json.loads(outcome.value)

    def alerts(self) -> list[str]:
        """The rules that the plugin broke."""
        return [json.loads(told.payload)["rule"] for told in self.told if told.kind == "alert"]


@asynccontextmanager
async def lab(source: str = "", walls: Walls = Walls(), *, tenancy: Tenancy = Tenancy(), **isolation: Any,  # noqa: B008
              ) -> AsyncGenerator[Lab, None]:  # fmt: skip
    """With a plugin of that source loaded, unless there is none."""
    made = Lab(walls)
    try:
        if source:
            await made.load(source, tenancy, **isolation)
        yield made
    finally:
        await made.invoker.close()


def has_ended(pid: int) -> bool:
    """Whether no such process runs any more; one that only waits to be asked for its status does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True
