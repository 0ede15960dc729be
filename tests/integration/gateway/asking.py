"""One HTTP request to a server of the tests, and its answer."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error, which has the one shape that errors have."""
        error = self.json["error"]
        assert set(error) == {"code", "message", "details", "retryable", "correlationId"}
        return error["code"]


def ask(
    origin: str, path: str, method: str = "GET", *, token: str = "", body: object = None, **headers: str
) -> Answer:
    """``headers``: names with ``_`` for ``-``. ``body``: bytes, or a JSON value."""
    sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        named["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=20)
    try:
        connection.request(method, path, sent, named)
        response = connection.getresponse()
        return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, response.read())
    finally:
        connection.close()
