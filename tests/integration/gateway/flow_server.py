"""The gateway in a process of its own, with an invoker of the tests: each call of a plugin is a line of a file.

    python -m tests.integration.gateway.flow_server CALLS [HANGING]

HANGING 5: each fifth call never ends. Settings come from the environment. Prints the API's port once it is up.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from pysandbox.core.errors import Status
from pysandbox.core.outcome import Outcome
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import load_settings
from pysandbox.invoker.port import Runnable

WORK_S = 0.2
ENDLESS_S = 600.0


class Written:
    """An `Invoker`: appends the correlation id to a file, then takes some time."""

    def __init__(self, file: int, hanging: int) -> None:
        self._file = file
        self._hanging = hanging
        self._count = 0

    async def invoke(
        self, plugin: Runnable, handler: str, payload: str, *, timeout_ms: float, correlation_id: str,  # noqa: ARG002
    ) -> Outcome:  # fmt: skip
        os.write(self._file, f"{correlation_id}\n".encode())  # whole, and there even if we are killed now
        self._count += 1
        hangs = self._hanging and self._count % self._hanging == 0
        await asyncio.sleep(ENDLESS_S if hangs else WORK_S)
        return Outcome(Status.OK, value=payload, correlation_id=correlation_id)


def main(calls: str, hanging: int) -> None:
    file = os.open(calls, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    @asynccontextmanager
    async def invoker() -> AsyncGenerator[Written]:
        yield Written(file, hanging)

    with GatewayServer(load_settings(os.environ), open_invoker=invoker) as server:
        sys.stdout.write(f"{server.ports[0]}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
