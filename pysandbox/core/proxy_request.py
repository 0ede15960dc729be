"""What a plugin asks of the API proxy, judged before anything leaves the browser.

Must not know: who sends it, or where it goes. The address has to be in the one spelling that no URL parser changes: the
proxy's nonce binds it as it stands.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.core.weburl import path_fault

PREFIX: Final = "/proxy/"
VERBS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
MAX_PATH_CHARS: Final = 4096
MAX_HEADERS: Final = 32
MAX_HEADERS_CHARS: Final = 4096  # of all, as they travel; servers stop at 8 KiB or more for all there are
JSON_TYPE: Final = "application/json"

_QUERY: Final = re.compile(r"([A-Za-z0-9._~!$&()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_HEADER_VALUE: Final = re.compile(r"([!-~]([ -~]{0,1022}[!-~])?)?")
_KEYS: Final = frozenset({"verb", "path", "json", "headers", "timeoutMs"})


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """``path`` and ``query`` are as they are sent; ``body`` is empty where there is none.

    ``headers`` is the JSON of the plugin's own headers in base64url, "" where there are none.
    """

    verb: str
    path: str
    query: str
    body: bytes
    headers: str
    timeout_ms: int | None

    @property
    def address(self) -> str:
        """Path and query, as a request names them."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def content_type(self) -> str:
        return JSON_TYPE if self.body else ""


def parse_request(asked: object) -> ProxyRequest:
    """The request of ``{"verb", "path", "json", "headers", "timeoutMs"}``.

    Raises `SandboxError` ``INPUT_INVALID`` that names all that is wrong with it.
    """
    told = cast(dict[str, object], asked) if isinstance(asked, dict) else {}
    problems: list[Problem] = []
    if told.keys() != _KEYS or told["verb"] not in VERBS:
        problems.append(Problem("$", "this is no request", "use ctx.proxy.get, post, put, patch or delete"))
    verb, content = str(told.get("verb")), told.get("json")
    path, query = _address(told.get("path"), problems)
    if content is not None and verb == "GET":
        problems.append(Problem("json", "a GET has no body", "put what it asks for into the query, or use post"))
    headers = _headers(told.get("headers"), problems)
    timeout_ms = told.get("timeoutMs")
    if timeout_ms is not None and (type(timeout_ms) is not int or timeout_ms < 1):
        problems.append(Problem("timeout_ms", "is a whole number of milliseconds above 0", "leave it out, or mend it"))
    if problems:
        raise _refusal(problems)
    body = b"" if content is None else strict_json.dumps(content).encode()
    return ProxyRequest(verb, path, query, body, headers, cast("int | None", timeout_ms))


def _address(told: object, problems: list[Problem]) -> tuple[str, str]:
    path, mark, query = told.partition("?") if isinstance(told, str) else ("", "", "")
    fault = ""
    if not path.startswith(PREFIX):
        fault = f"an address at the proxy starts with {PREFIX}"
    elif len(path) + len(query) > MAX_PATH_CHARS:
        fault = f"an address has at most {MAX_PATH_CHARS} characters"
    elif path_fault(path) is not None or "//" in path:
        fault = path_fault(path) or "a path has no empty segment"
    elif _QUERY.fullmatch(query) is None or (mark and not query):
        fault = "a query is not empty and holds only what a URL may hold, with % before two hex digits"
    if fault:
        problems.append(Problem("path", fault, "write /proxy/vendor/thing, each part by urllib.parse.quote(part, '')"))
    return path, query


def _headers(told: object, problems: list[Problem]) -> str:
    headers = cast(Mapping[object, object], told) if isinstance(told, dict) else None
    if headers is None or not all(_is_header(name, value) for name, value in headers.items()):
        problems.append(Problem(
            "headers", "are names with texts of printable ASCII, no space at either end",
            "pass a dict such as {'Accept-Language': 'en'}"))
        return ""
    if len({str(name).lower() for name in headers}) < len(headers):
        problems.append(Problem("headers", "one name is there twice", "names that differ by case alone are one"))
    text = urlsafe_b64encode(strict_json.dumps(headers).encode()).decode().rstrip("=") if headers else ""
    if len(headers) > MAX_HEADERS or len(text) > MAX_HEADERS_CHARS:
        problems.append(Problem(
            "headers", f"are at most {MAX_HEADERS}, of {MAX_HEADERS_CHARS} characters as they travel", "send fewer"))
    return text


def _is_header(name: object, value: object) -> bool:
    return isinstance(name, str) and _HEADER_NAME.fullmatch(name) is not None and (
        isinstance(value, str) and _HEADER_VALUE.fullmatch(value) is not None)


def _refusal(problems: Sequence[Problem]) -> SandboxError:
    said = "; ".join(f"{problem.path}: {problem.rule} ({problem.cure})" for problem in problems)
    return SandboxError(Code.INPUT_INVALID, f"this cannot be asked of the proxy: {said}", details=problems)
