"""`HttpInvoker`: each plugin in a function behind HTTP, which is spoken to in CloudEvents.

The function judges the plugin (its own `DenoInvoker` and broker); this end bounds what the function may cost: one
deadline for all of it, one answer of bounded size, no redirect, no proxy of the environment's, no second try.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final, Self, cast

import aiohttp

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.limits import default
from pysandbox.core.outcome import Outcome, failure
from pysandbox.invoker import words
from pysandbox.invoker.cloudevent import Event, write
from pysandbox.invoker.port import Runnable

WAY_MS: Final = 50
"""What request and answer take on their way: the function is told so much less than there is."""
_MAX_BYTES: Final = words.MAX_ANSWER_CHARS * 3
_SOURCE: Final = "/pysandbox/invoker"


class HttpInvoker:
    """An `Invoker`. Made inside a running loop, which it lives in.

    ``address_of``: the function that runs a plugin for its tenant, an http(s) URL; it may raise `SandboxError`.
    ``token``: what the functions ask for, "" for those behind another wall.
    """

    def __init__(
        self, address_of: Callable[[Runnable], str], *, token: str = "",
        max_connections: int = default("maxLive"),
    ) -> None:  # fmt: skip
        self._address_of = address_of
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = aiohttp.ClientSession(
            headers=headers, connector=aiohttp.TCPConnector(limit=max_connections), trust_env=False,
            auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("Accept-Encoding",))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection, which ends what runs behind it."""
        await self._http.close()

    async def invoke(
        self, plugin: Runnable, handler: str, payload: str, *, timeout_ms: float, correlation_id: str
    ) -> Outcome:
        """See `Invoker`. A call whose time is over closes its connection, and by that the function aborts it."""
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await self._ask(plugin, handler, payload, timeout_ms, correlation_id)
        except TimeoutError:
            late = SandboxError(Code.PLUGIN_TIMEOUT, "the function did not answer in time")
            return failure(late, layer="hard", correlation_id=correlation_id, duration_ms=timeout_ms)
        except SandboxError as error:
            return failure(error, correlation_id=correlation_id)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: an address that is none
            unreachable = SandboxError(Code.FUNCTION_FAILED, f"the function gave no answer: {type(error).__name__}")
            return failure(unreachable, correlation_id=correlation_id)

    async def _ask(
        self, plugin: Runnable, handler: str, payload: str, timeout_ms: float, correlation_id: str
    ) -> Outcome:
        headers, body = write(_event(plugin, handler, payload, timeout_ms, correlation_id))
        url = self._address_of(plugin)
        async with self._http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            text = await _read(answer)
            if answer.status == 200:
                return words.read_outcome(text, correlation_id)
            raise _refusal(answer.status, text)


def _event(plugin: Runnable, handler: str, payload: str, timeout_ms: float, correlation_id: str) -> Event:
    attributes = {
        "id": os.urandom(16).hex(), "source": _SOURCE, "type": words.INVOKE_TYPE, words.HANDLER: handler,
        words.TENANT: plugin.tenant, words.PLUGIN: plugin.key, words.BUNDLE: plugin.sha256,
        words.TIMEOUT: str(max(1, int(timeout_ms - WAY_MS))), words.CORRELATION: correlation_id}
    return Event({name: value for name, value in attributes.items() if value}, payload)


async def _read(answer: aiohttp.ClientResponse) -> str:
    """The whole body, given up as soon as it is too long."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise SandboxError(Code.FUNCTION_FAILED, "the function's answer is compressed, which was not asked for")
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise SandboxError(Code.FUNCTION_FAILED, "the function's answer is longer than an outcome can be")
    return body.decode()


def _refusal(status: int, text: str) -> SandboxError:
    """Why it took no invocation: the envelope's error, or that whoever answered is no function."""
    try:
        told = strict_json.loads(text)
        return words.read_error(cast(dict[str, object], told).get("error") if isinstance(told, dict) else None)
    except SandboxError:
        return SandboxError(Code.FUNCTION_FAILED, f"the function answered {status} without an error of ours")
