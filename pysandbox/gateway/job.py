"""One invocation on order: a page fetches the job, runs it in a browser, and posts what came of it.

The secret stands in the page's URL fragment, which no server sees, and is good for one fetch and one answer. Must
not know: HTTP, browsers.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from concurrent.futures import Future
from threading import Lock
from typing import Final, cast

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, SandboxError, Status

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
_MAX_DEPTH: Final = 40  # an outcome's value may nest 32 deep, and stands a little below the top
_ANSWER_KEYS: Final = frozenset({"outcome", "logs", "alerts", "elapsedMs"})


class Job:
    """``order`` is what the page gets; ``answer`` resolves to its outcome, logs, alerts and elapsedMs, as JSON values.

    The order may be filled until a page is sent to fetch it: some of it is known only once a server listens.
    """

    def __init__(self, order: Mapping[str, object], *, token: str | None = None) -> None:
        self.token = token or secrets.token_urlsafe(32)
        self.answer: Future[dict[str, object]] = Future()
        self.order: dict[str, object] = dict(order)
        self._lock = Lock()
        self._fetched = False

    def fetch(self, token: str) -> dict[str, object]:
        """The order, once. Raises `SandboxError` ``SESSION_INVALID`` for a wrong token or a second fetch."""
        self._check(token)
        with self._lock:
            if self._fetched:
                raise SandboxError(Code.SESSION_INVALID, "this job was fetched before; run the command again")
            self._fetched = True
        return self.order

    def settle(self, token: str, body: bytes) -> None:
        """Take the page's answer, once. Raises ``SESSION_INVALID``, or ``INPUT_INVALID`` if it is no answer."""
        self._check(token)
        answer = _parse(body)
        with self._lock:
            if not self._fetched or self.answer.done():
                raise SandboxError(Code.SESSION_INVALID, "this job does not wait for an answer")
            self.answer.set_result(answer)

    def _check(self, token: str) -> None:
        if not hmac.compare_digest(token.encode(errors="surrogatepass"), self.token.encode()):
            raise SandboxError(Code.SESSION_INVALID, "the job's token is wrong")


def _parse(body: bytes) -> dict[str, object]:
    try:
        value = strict_json.loads(body.decode(), max_chars=MAX_ANSWER_BYTES, max_depth=_MAX_DEPTH)
    except (UnicodeDecodeError, SandboxError) as error:
        raise SandboxError(Code.INPUT_INVALID, "the answer is not the JSON it should be") from error
    if not isinstance(value, dict) or value.keys() != _ANSWER_KEYS:
        raise SandboxError(Code.INPUT_INVALID, f"the answer must have exactly the keys {sorted(_ANSWER_KEYS)}")
    answer = cast(dict[str, object], value)
    outcome = answer["outcome"]
    statuses = [status.value for status in Status]
    if not isinstance(outcome, dict) or cast(dict[str, object], outcome).get("status") not in statuses:
        raise SandboxError(Code.INPUT_INVALID, "the answer holds no outcome")
    if not isinstance(answer["logs"], list) or not isinstance(answer["alerts"], list):
        raise SandboxError(Code.INPUT_INVALID, "logs and alerts must be arrays")
    if not isinstance(answer["elapsedMs"], int | float | None):
        raise SandboxError(Code.INPUT_INVALID, "elapsedMs must be a number, or null where nothing was called")
    return answer
