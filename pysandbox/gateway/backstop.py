"""Headers that no response may lack, whoever made it: a route, an error handler, or Starlette itself."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pysandbox.gateway.headers import Headers


class Backstop:
    """Adds to each response of ``app`` those of ``headers`` that it does not set itself."""

    def __init__(self, app: ASGIApp, headers: Headers) -> None:
        self._app = app
        self._lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                present = {name.lower() for name, _ in given}
                message["headers"] = given + [line for line in self._lines if line[0] not in present]
            await send(message)

        await self._app(scope, receive, send_with_headers)
