"""HTTP as it is written: paths, headers and hosts that a careful client would mend or refuse are sent as they are.

No proxy of the environment's, no redirect: what is sent goes to the address that was named, a token above all.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from pysandbox.core.errors import Code, Problem, SandboxError

_TIMEOUT_S: Final = 20.0
_RAW_S: Final = 1.5
"""For what more a server may have to say on a connection that it keeps."""
_MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024

Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers``: as they came, names in lower case, one pair for each line."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """All of that name, with commas between; empty if there is none."""
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def error(self) -> dict[str, Any] | None:
        """The error of the gateway's envelope, None if the body is none."""
        try:
            told: Any = json.loads(self.body)["error"]
            return cast(dict[str, Any], told) if isinstance(told["code"], str) else None
        except (ValueError, KeyError, TypeError):
            return None

    def text(self) -> str:
        """Status line, headers and body, to be searched."""
        return "\n".join([str(self.status), *(f"{key}: {value}" for key, value in self.headers), *self.body.decode(
            errors="replace").splitlines()])


class Client:
    """One connection for each request to ``origin``, below ``prefix``."""

    def __init__(self, origin: str, prefix: str = "") -> None:
        parts = urlsplit(origin)
        self.origin, self.prefix = origin, prefix
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self.authority = parts.netloc

    def ask(self, method: str, path: str, headers: Headers = (), body: bytes | None = None) -> Answer:
        """One request, whose path travels as it stands. Without a ``Host`` among the headers it has the right one.

        Raises `OSError` or `http.client.HTTPException` where there is no answer.
        """
        connection = (http.client.HTTPSConnection if self._tls else http.client.HTTPConnection)(
            self._host, self._port, timeout=_TIMEOUT_S)
        given = list(headers)
        names = {name.lower() for name, _ in given}
        try:
            connection.putrequest(method, self.prefix + path, skip_host=True, skip_accept_encoding=True)
            if "host" not in names:
                connection.putheader("Host", self.authority)
            for name, value in given:
                connection.putheader(name, value)
            if body is not None and "content-length" not in names:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            got = connection.getresponse()
            return Answer(
                got.status, tuple((name.lower(), value) for name, value in got.getheaders()),
                got.read(_MAX_ANSWER_BYTES))
        finally:
            connection.close()

    def json(self, method: str, path: str, token: str, body: object = None) -> Any:
        """What an administrator asks; the answer's JSON, None if there is none. Raises `SandboxError`."""
        headers = [("Authorization", f"Bearer {token}")]
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers.append(("Content-Type", "application/json"))
        try:
            answer = self.ask(method, path, headers, data)
        except (OSError, http.client.HTTPException) as error:
            raise SandboxError(
                Code.INPUT_INVALID, f"{self.origin} does not answer ({error}); is the deployment running?") from error
        if 200 <= answer.status < 300:
            return json.loads(answer.body) if answer.body else None
        raise as_error(answer, f"{method} {path}")

    def raw(self, data: bytes) -> bytes:
        """All that comes back for bytes that need be no HTTP."""
        with socket.create_connection((self._host, self._port), _TIMEOUT_S) as plain:
            tls = ssl.create_default_context()
            connection = tls.wrap_socket(plain, server_hostname=self._host) if self._tls else plain
            connection.settimeout(_RAW_S)
            connection.sendall(data)
            return _read_all(connection)


def as_error(answer: Answer, what: str) -> SandboxError:
    """The gateway's refusal as the error it was."""
    told = answer.error
    try:
        assert told is not None
        details = [Problem(one["path"], one["rule"], one["cure"]) for one in told["details"]]
        return SandboxError(Code(told["code"]), f"{what}: {told['message']}", details=details)
    except (AssertionError, ValueError, KeyError, TypeError):
        return SandboxError(Code.INTERNAL_ERROR, f"{what}: the address answered {answer.status}, not as a gateway does")


def _read_all(connection: socket.socket) -> bytes:
    got = b""
    try:
        while len(got) < _MAX_ANSWER_BYTES and (part := connection.recv(65536)):
            got += part
    except (TimeoutError, ConnectionError):
        return got
    return got
