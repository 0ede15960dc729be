"""CloudEvents 1.0 over HTTP, as a function is called and answers: one event, in binary or in structured mode.

Binary: the attributes are headers (``ce-id: 1``), the body is the data. Structured: one JSON object holds all of it.
The data is JSON text, and stays text. A batch of events is refused: each call has one outcome.

Specifications: CloudEvents 1.0.2, its HTTP protocol binding and its JSON format. Must not know: plugins, servers.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import quote, unquote

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, Problem, SandboxError

STRUCTURED: Final = "application/cloudevents+json"
JSON: Final = "application/json"
REQUIRED: Final = ("id", "source", "type")
MAX_ATTRIBUTE_CHARS: Final = 1024
MAX_ATTRIBUTES: Final = 64
_VERSION: Final = "1.0"
_PREFIX: Final = "ce-"
_NAME: Final = re.compile(r"[a-z0-9]{1,40}")
_DATA: Final = frozenset({"data", "data_base64"})
_IN_HEADERS: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


@dataclass(frozen=True, slots=True)
class Event:
    """``attributes`` are strings by their names, ``specversion`` left out; ``data`` is JSON text."""

    attributes: Mapping[str, str]
    data: str = "null"
    structured: bool = False

    def get(self, name: str) -> str:
        """An attribute, "" where there is none."""
        return self.attributes.get(name, "")


def read(headers: Mapping[str, str], body: bytes) -> Event:
    """The event of a message; header names are lower-case.

    Raises `SandboxError` with every fault: ``INPUT_INVALID``, or ``MESSAGE_LIMIT`` for data that is too large or deep.
    """
    media, _, parameters = headers.get("content-type", "").lower().partition(";")
    if "charset=" in parameters and "utf-8" not in parameters:
        raise _invalid([Problem("content-type", "names a charset other than UTF-8", "send UTF-8")])
    media = media.strip()
    if media == STRUCTURED:
        return _structured(body)
    if media.startswith("application/cloudevents"):
        raise _invalid([Problem("content-type", f"{media[:60]} is not taken", f"send one event, as {STRUCTURED}")])
    return _binary(headers, media, body)


def write(event: Event) -> tuple[dict[str, str], bytes]:
    """The headers and body of a message, in the event's mode."""
    if event.structured:
        head = strict_json.dumps({"specversion": _VERSION, "datacontenttype": JSON, **event.attributes})
        return {"content-type": f"{STRUCTURED}; charset=utf-8"}, f'{head[:-1]},"data":{event.data}}}'.encode()
    told = {_PREFIX + name: quote(value, safe=_IN_HEADERS) for name, value in event.attributes.items()}
    return {"content-type": JSON, f"{_PREFIX}specversion": _VERSION, **told}, event.data.encode()


def _binary(headers: Mapping[str, str], media: str, body: bytes) -> Event:
    named = {name.removeprefix(_PREFIX): value for name, value in headers.items() if name.startswith(_PREFIX)}
    attributes, faults = _attributes({name: unquote(value) for name, value in named.items()}, _PREFIX)
    if body and media != JSON and not media.endswith("+json"):
        faults.append(Problem("content-type", "is not that of JSON", f"send {JSON}, or {STRUCTURED}"))
    data = "null"
    if body:
        data = _checked(_text(body, "body", faults), "body", faults)
    if faults:
        raise _invalid(faults)
    return Event(attributes, data)


def _structured(body: bytes) -> Event:
    faults: list[Problem] = []
    text = _text(body, "$", faults)
    value = _loads(text, "$", faults, deeper=1)
    if not faults and not isinstance(value, dict):
        faults.append(Problem("$", "is no object", "send the event as one JSON object"))
    if faults:
        raise _invalid(faults)
    members = cast(dict[str, object], value)
    attributes, faults = _attributes({name: each for name, each in members.items() if name not in _DATA}, "$.")
    kind = attributes.pop("datacontenttype", JSON).partition(";")[0].strip().lower()
    if kind != JSON and not kind.endswith("+json"):
        faults.append(Problem("$.datacontenttype", "is not that of JSON", f"send {JSON}"))
    data = _data(members, faults)
    if faults:
        raise _invalid(faults)
    return Event(attributes, data, structured=True)


def _data(members: Mapping[str, object], faults: list[Problem]) -> str:
    if members.keys() >= _DATA:
        faults.append(Problem("$.data_base64", "stands beside data", "send one of them"))
    elif "data_base64" in members:
        try:
            raw = base64.b64decode(cast(str, members["data_base64"]), validate=True)
        except (TypeError, ValueError, binascii.Error):
            faults.append(Problem("$.data_base64", "is no base64", "encode it as RFC 4648 says"))
        else:
            return _checked(_text(raw, "$.data_base64", faults), "$.data_base64", faults)
    return strict_json.dumps(members.get("data"))


def _attributes(given: Mapping[str, object], at: str) -> tuple[dict[str, str], list[Problem]]:
    """Those that are there (``None`` is not), and what is wrong with them."""
    faults: list[Problem] = []
    found: dict[str, str] = {}
    if len(given) > MAX_ATTRIBUTES:
        return found, [Problem(at, f"has more than {MAX_ATTRIBUTES} attributes", "send fewer")]
    for name, value in given.items():
        where = at + ascii(name)[1:-1][:40]
        text = str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else value
        if text is None:
            continue
        if not _NAME.fullmatch(name):
            faults.append(Problem(where, "is no attribute's name", "use up to 40 small letters and digits"))
        elif not isinstance(text, str):
            faults.append(Problem(where, "is neither string, integer nor boolean", "send a string"))
        elif not 0 < len(text) <= MAX_ATTRIBUTE_CHARS or not text.isprintable():
            faults.append(Problem(where, f"is not 1–{MAX_ATTRIBUTE_CHARS} printable characters", "mend it"))
        else:
            found[name] = text
    faults += [
        Problem(f"{at}{name}", "is missing", "CloudEvents asks for it") for name in REQUIRED if name not in given]
    if found.pop("specversion", "") != _VERSION:
        faults.append(Problem(f"{at}specversion", f"is not {_VERSION}", f"send CloudEvents {_VERSION}"))
    return found, faults


def _text(raw: bytes, where: str, faults: list[Problem]) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        faults.append(Problem(where, "is not UTF-8", "send UTF-8"))
        return "null"


def _checked(text: str, where: str, faults: list[Problem]) -> str:
    """``text`` as it is, once it was seen to be JSON."""
    _loads(text, where, faults)
    return text


def _loads(text: str, where: str, faults: list[Problem], *, deeper: int = 0) -> object:
    try:
        return strict_json.loads(text, max_depth=strict_json.MAX_DEPTH + deeper)
    except SandboxError as error:
        if error.code is Code.MESSAGE_LIMIT:
            raise
        faults.append(Problem(where, error.message, "send JSON"))
        return None


def _invalid(faults: list[Problem]) -> SandboxError:
    first = faults[0]
    return SandboxError(
        Code.INPUT_INVALID, f"this is no event that a function takes: {first.path} {first.rule}", details=faults)
