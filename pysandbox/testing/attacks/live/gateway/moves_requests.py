"""Who is answered at all: hosts, origins, tokens, paths of both origins, requests that are two."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Final

from pysandbox.testing.attacks.live.client import Answer, Client, Headers
from pysandbox.testing.attacks.live.gateway.field import Field, Move
from pysandbox.testing.attacks.live.play import Play
from pysandbox.testing.attacks.live.verdicts import Half, Seen

Make = Callable[[Field], Seen]
_EVIL: Final = "evil.example"
_BAD_STATUS: Final = 400


def _good(answer: Answer) -> bool:
    return answer.status < _BAD_STATUS


def _said(answer: Answer) -> str:
    return f"{answer.status} {(answer.error or {}).get('code', '')}".strip()


def _bearer(token: str) -> tuple[str, str]:
    return ("Authorization", f"Bearer {token}")


def _listing(field: Field, headers: Headers) -> Answer:
    """Something that only the token's owner may ask for."""
    if field.target.is_development:
        return field.target.api.ask("POST", "/api/v2/sessions", headers, b"")
    return field.target.api.ask("GET", "/api/v2/plugins", headers)


def _asks(headers: Callable[[Field], Headers]) -> Make:
    """It worked if it was answered; the control is the same with the token as it is."""

    def make(field: Field) -> Seen:
        honest = _listing(field, [_bearer(field.target.token)])
        answer = _listing(field, headers(field))
        return Seen(Half(_good(honest), f"with the token: {_said(honest)}"), Half(_good(answer), _said(answer)))

    return make


def _unsigned(token: str) -> str:
    """The token's own claims, under no signature at all."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    return f"{head}.{token.split('.')[1]}." if token.count(".") == 2 else "x"


def _resigned(token: str) -> str:
    return token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB")


def _widened(token: str) -> str:
    """Other claims under the same signature."""
    if token.count(".") != 2:
        return token + "x"
    head, claims, signature = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    told["tenant"] = "another"
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip('=')}.{signature}"


_TOKENS: Final[tuple[tuple[str, str, Callable[[Field], Headers]], ...]] = (
    ("none", "No token", lambda _field: []),
    ("empty", "An empty token", lambda _field: [("Authorization", "Bearer ")]),
    ("scheme", "The token under another scheme", lambda field: [("Authorization", f"Basic {field.target.token}")]),
    ("unsigned", "The token's claims without a signature", lambda field: [_bearer(_unsigned(field.target.token))]),
    ("resigned", "The token under another signature", lambda field: [_bearer(_resigned(field.target.token))]),
    ("widened", "Another tenant in the token", lambda field: [_bearer(_widened(field.target.token))]),
    ("cookie", "The token as a cookie", lambda field: [("Cookie", f"token={field.target.token}")]),
    ("made-up", "A token that was made up", lambda _field: [_bearer("0" * 43)]),
)
_HOSTS: Final = (
    ("host-evil", "A name that was rebound to this address", [("Host", _EVIL)]),
    ("host-suffix", "A host with more behind it", [("Host", "{host}.evil.example")]),
    ("host-twice", "Two hosts", [("Host", "{host}"), ("Host", _EVIL)]),
    ("host-userinfo", "A host behind a name", [("Host", "evil.example@{host}")]),
    ("origin-evil", "A page of another site", [("Origin", "https://evil.example")]),
    ("origin-null", "A page without an origin", [("Origin", "null")]),
    ("origin-suffix", "An origin with more behind it", [("Origin", "{origin}.evil.example")]),
    ("forwarded-host", "A proxy that nobody trusts", [("Host", _EVIL), ("X-Forwarded-Host", "{host}")]),
)


def _filled(field: Field, headers: Sequence[tuple[str, str]]) -> Headers:
    known = {"{host}": field.target.api.authority, "{origin}": field.target.api.origin}
    filled: list[tuple[str, str]] = [_bearer(field.target.token)]
    for name, value in headers:
        for place, put in known.items():
            value = value.replace(place, put)  # noqa: PLW2901  # one place after the other
        filled.append((name, value))
    return filled


def _as_session(field: Field) -> Seen:
    """What a page has, used for administration."""
    honest = _listing(field, [_bearer(field.target.token)])
    answer = _listing(field, [_bearer(str(field.session["token"]))])
    return Seen(Half(_good(honest), f"with the token: {_said(honest)}"), Half(_good(answer), _said(answer)))


def _preflight(field: Field) -> Seen:
    def allowed(origin: str) -> str:
        return field.target.api.ask("OPTIONS", "/api/v2/sessions", [
            ("Origin", origin), ("Access-Control-Request-Method", "POST")]).header("access-control-allow-origin")

    own, foreign = allowed(field.target.sandbox.origin), allowed("https://evil.example")
    return Seen(
        Half(own == field.target.sandbox.origin, f"the sandbox's origin is allowed: {own or 'no'}"),
        Half(foreign != "", f"another site's is allowed: {foreign or 'no'}"))


def _smuggled(field: Field) -> Seen:
    """Two requests in what two readers take for one: by length, and by chunks."""
    host = field.target.api.authority.encode()
    prefix = field.target.api.prefix.encode()
    plain = b"GET " + prefix + b"/healthz HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
    both = (
        b"POST " + prefix + b"/api/v2/sessions HTTP/1.1\r\nHost: " + host + b"\r\nContent-Length: " +
        str(5 + len(plain)).encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + plain)
    control = field.target.api.raw(plain + plain).count(b"HTTP/1.1 ")
    answers = field.target.api.raw(both).count(b"HTTP/1.1 ")
    return Seen(
        Half(control == 2, f"two requests one after the other get {control} answers"),
        Half(answers > 1, f"one with both lengths gets {answers}"))


_STRANGE: Final = {
    "folded": b"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-A: a\r\n b: c\r\n\r\n",
    "bare-line-ends": b"GET {path} HTTP/1.1\nHost: {host}\nX-A: a\r\rX-B: b\n\n",
    "space-before-colon": b"GET {path} HTTP/1.1\r\nHost : evil.example\r\nHost: {host}\r\n\r\n",
    "two-lengths": b"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\nabcd",
    "absolute": b"GET http://evil.example{path} HTTP/1.1\r\nHost: evil.example\r\n\r\n",
}


def _strange(data: bytes) -> Make:
    """A request that two readers read differently. It worked if it was answered well."""

    def make(field: Field) -> Seen:
        path = field.target.api.prefix.encode() + (b"/openapi.json" if not field.target.is_development else b"/healthz")
        host = field.target.api.authority.encode()

        def sent(text: bytes) -> bytes:
            return field.target.api.raw(text.replace(b"{path}", path).replace(b"{host}", host))[:12]

        honest = sent(b"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
        answer = sent(data)
        return Seen(
            Half(honest == b"HTTP/1.1 200", f"a plain request: {honest.decode(errors='replace')}"),
            Half(answer.endswith(b" 200"), f"{answer.decode(errors='replace') or 'no answer'}"))

    return make


_FILES: Final = (
    "/integrity.json", "/assets/{build}/../../integrity.json", "/assets/{build}/%2e%2e/integrity.json",
    "/assets/{build}/..%2fintegrity.json", "/assets/{build}/integrity.json", "/assets/{build}/host.html",
    "/assets/{build}/cell.html", "//etc/passwd", "/assets/{build}//etc/passwd",
    "/assets/0000000000000000/host_worker.js", "/cell.html?stolen", "/api/v2/plugins", "/pages/demo.html")


def _file(path: str) -> Make:
    def make(field: Field) -> Seen:
        def got(where: str) -> Answer:
            return field.target.sandbox.ask("GET", where.replace("{build}", field.target.build))

        fine, answer = got("/assets/{build}/host_worker.js"), got(path)
        return Seen(
            Half(fine.status == 200, f"a file of the bundle: {fine.status}"),
            Half(_good(answer), f"{answer.status}, {len(answer.body)} bytes"))

    return make


def _bracketed(field: Field) -> Seen:
    """A body that ends readers. The gateway has to refuse it, and to live."""
    text = "[" * 4000
    try:
        json.loads(text)
        control = Half(False, "Python's own reader took it")
    except RecursionError as error:
        control = Half(True, f"Python's own reader: {type(error).__name__}")
    answer = field.target.api.ask(
        "POST", "/api/v2/sessions", [_bearer(field.target.token), ("Content-Type", "application/json")], text.encode())
    alive = Client(field.target.api.origin, field.target.api.prefix).ask("GET", "/healthz").status == 200
    said = f"{_said(answer)}, then {'alive' if alive else 'dead'}"
    return Seen(control, Half(answer.status >= 500 or not alive, said))


def _move(slug: str, title: str, tries: str, wall: str, control: str, number: int, make: Make) -> Move:
    return Move(Play(
        slug=f"requests-{slug}", group="requests", title=title, tries=tries, wall=wall, control=control, kind="move",
        seen_by="answer", place="gateway", numbers=(number,)), make)


MOVES: Final = (
    *(_move(f"token-{slug}", title, "asks for what only the token's owner may see", "tokens are checked whole",
            "with the token as it is, the same request is answered", 57, _asks(headers))
      for slug, title, headers in _TOKENS),
    _move("session-as-admin", "A session's token for administration", "administers with what every page has",
          "two kinds of token, each for its own", "with an administrator's token it is answered", 57, _as_session),
    *(_move(slug, title, "asks with a good token, from where nobody should", "hosts and origins are compared whole",
            "the same request without it is answered", 100,
            _asks(lambda field, headers=headers: _filled(field, headers))) for slug, title, headers in _HOSTS),
    _move("preflight", "CORS for another site", "asks whether its script may call the API",
          "CORS is for the sandbox's origin alone", "the sandbox's own origin is allowed", 100, _preflight),
    _move("smuggled", "Two requests in one", "gives a request two ends, for a second to hide behind the first",
          "a request with two ends is refused", "two requests one after the other get two answers", 71, _smuggled),
    *(_move(f"strange-{slug}", f"A strange request: {slug.replace('-', ' ')}",
            "sends what two readers read differently", "what is no plain HTTP is refused",
            "a plain request is answered", 71, _strange(data)) for slug, data in _STRANGE.items()),
    _move("brackets", "A body of 4,000 brackets", "ends the gateway's reader by nesting",
          "nesting is counted by a scan before anybody parses", "Python's own reader dies of it", 85, _bracketed),
    *(_move(f"file-{number}", f"A file that is none of the bundle's: {path}", f"asks the sandbox's origin for {path}",
            "names are looked up in a table; a cell has no query", "a file of the bundle is answered", 6, _file(path))
      for number, path in enumerate(_FILES, 1)),
)
