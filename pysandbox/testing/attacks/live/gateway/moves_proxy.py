"""The proxy: nonces that are not for this request, ways out of the route, headers, what an API may answer."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from pysandbox.core import proxy_nonce
from pysandbox.testing.attacks.live.client import Client
from pysandbox.testing.attacks.live.gateway.field import Field, Move, Shot, altered
from pysandbox.testing.attacks.live.gateway.upstream import BASE, CARD, HUGE_BYTES, header_of, headers_tried, spellings
from pysandbox.testing.attacks.live.play import Play
from pysandbox.testing.attacks.live.verdicts import Half, Seen

_HONEST: Final = "the same request as it should be reaches the API behind"
_ALLOWED: Final = "a header that plugins may send arrives"
_DIRECT: Final = "asked without the gateway between, the API answers so"
_MARK: Final = "stolen-by-a-plugin"
Make = Callable[[Field], Seen]


def _refused(shot: Callable[[Field], Shot]) -> Make:
    """It worked if the API behind heard anything."""

    def make(field: Field) -> Seen:
        control = field.control()
        answer, arrived = field.shoot(shot(field))
        code = (answer.error or {}).get("code", "")
        return Seen(control, Half(bool(arrived), f"{answer.status} {code}, {len(arrived)} arrived"))

    return make


def _replayed(field: Field) -> Seen:
    control = field.control()
    shot = replace(field.honest, nonce=field.nonce(field.honest))
    first, _ = field.shoot(shot)
    answer, arrived = field.shoot(shot)
    return Seen(control, Half(bool(arrived), f"first {first.status}, again {answer.status}, {len(arrived)} arrived"))


def _other_session(field: Field) -> Seen:
    control = field.control()
    answer, arrived = field.shoot(replace(field.honest, nonce=field.nonce(field.honest)), field.other_session)
    return Seen(control, Half(bool(arrived), f"{answer.status}, {len(arrived)} arrived"))


def _guessed(field: Field) -> Shot:
    expires = time.time_ns() // 1_000_000 + 10_000
    bound = proxy_nonce.Bound("0" * 32, field.honest.plugin, "POST", field.honest.path)
    return replace(field.honest, nonce=proxy_nonce.make("0" * 64, bound, counter=9000, expires_at_ms=expires))


_NONCES: Final[tuple[tuple[str, str, Callable[[Field], Shot], int], ...]] = (
    ("body", "for another body", lambda field: altered(field, body=b'{"a":2}'), 67),
    ("path", "for another path", lambda field: altered(field, path=f"{field.under}/other"), 67),
    ("query", "for another query", lambda field: altered(field, query="x=1"), 97),
    ("method", "for another method", lambda field: altered(field, method="GET", body=b""), 67),
    ("type", "for another content type",
     lambda field: altered(field, content_type="application/json; charset=utf-8"), 67),
    ("headers", "for other headers", lambda field: altered(field, headers=_encoded({"Accept-Language": "de"})), 67),
    ("expired", "that has expired", lambda field: replace(field.honest, life_ms=-60_000), 68),
    ("long-lived", "that would be good for an hour", lambda field: replace(field.honest, life_ms=3_600_000), 68),
    ("guessed", "under a guessed seed", _guessed, 66),
    ("none", "that is missing", lambda field: replace(field.honest, nonce=""), 66),
    ("form", "of another form", lambda field: replace(field.honest, nonce="1.0.0." + "0" * 63), 86),
)


def _encoded(headers: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(headers).encode()).decode().rstrip("=")


_CLIMBS: Final = (
    "/../secret", "/ask/../../secret", "/%2e%2e/secret", "/%2E%2E%2Fsecret", "/..%2fsecret", "/..;/secret",
    "/ask//../../secret", "//secret", "/.%2e/secret", "/%252e%252e/secret", "/..%5csecret", "/..\\secret",
    "/%c0%ae%c0%ae/secret", "/ask%00/../secret", "/ask%0d%0aX-Evil:1", "/.", "/%2f%2fevil.example/")
_METHODS: Final = ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_HEADERS: Final = (
    "Authorization", "Cookie", "Host", "Connection", "Transfer-Encoding", "X-Forwarded-For", "X-Forwarded-Host",
    "Forwarded", "Proxy-Authorization", "X_Forwarded_For", "Origin", "Referer", "X-Api-Key")


def _climbing(climb: str) -> Make:
    return _refused(lambda field: replace(field.honest, path=field.under + climb))


def _with_method(method: str) -> Make:
    return _refused(lambda field: replace(field.honest, method=method))


def _with_header(name: str, *, told: bool) -> Make:
    """``told``: as the guarded API sends a plugin's headers; else as a header of the request itself."""

    def make(field: Field) -> Seen:
        fine = replace(field.honest, headers=_encoded({"Accept-Language": _MARK}))
        _, arrived = field.shoot(fine)
        heard = sum(_MARK in one.headers.get("accept-language", "") for one in arrived)
        control = Half(heard == 1, f"a header that plugins may send arrives {heard} time(s)")
        shot = replace(field.honest, headers=_encoded({name: _MARK})) if told else replace(
            field.honest, more=((name, _MARK),))
        answer, arrived = field.shoot(shot)
        through = [one for one in arrived if any(_MARK in value for value in one.headers.values())]
        return Seen(control, Half(bool(through), f"{answer.status}, {len(arrived)} arrived, {len(through)} with it"))

    return make


def _answered(path: str, is_bad: Callable[[Any], bool], what: str) -> Make:
    """An answer of the API behind, asked for directly and by the gateway."""

    def make(field: Field) -> Seen:
        direct = Client(field.upstream.origin).ask("GET", f"{BASE}/{path}")
        control = Half(is_bad(direct), f"asked directly, the API's answer has {what}")
        answer, _ = field.shoot(
            replace(field.honest, path=f"{field.under}/{path}", method="GET", body=b"", content_type=""))
        return Seen(control, Half(is_bad(answer), f"{answer.status}, {len(answer.body)} bytes"))

    return make


def _redirected(field: Field) -> Seen:
    control = Half(
        Client(field.upstream.origin).ask("GET", f"{BASE}/redirect").header("location") != "", "the API redirects")
    answer, arrived = field.shoot(
        replace(field.honest, path=f"{field.under}/redirect", method="GET", body=b"", content_type=""))
    followed = [one for one in arrived if urlsplit(one.path).path == "/elsewhere"]
    passed = answer.header("location") != ""
    return Seen(control, Half(bool(followed) or passed, f"{answer.status}, followed {len(followed)} time(s)"))


def _play(slug: str, title: str, tries: str, wall: str, number: int, control: str = _HONEST) -> Play:
    return Play(
        slug=f"proxy-{slug}", group="proxy", title=title, tries=tries, wall=wall, control=control, kind="move",
        seen_by="answer", place="gateway", needs=("proxy",), numbers=(number,))


_BOUND: Final = "a nonce binds session, plugin, method, path, query, type, headers and body, and is good once"
_SPELLING: Final = "paths are taken in the one spelling that every server reads alike, and within the route's pattern"
_LISTED: Final = "headers pass by a list, both ways"

def _made(slug: str, title: str, tries: str, wall: str, number: int, make: Make, control: str = _HONEST) -> Move:
    return Move(_play(slug, title, tries, wall, number, control), make)


def _told_header(name: str) -> Move:
    return _made(
        f"header-{name.lower().replace('_', '-under-')}", f"A plugin's header {name}",
        f"sets {name} for the API behind", _LISTED, 11, _with_header(name, told=True), _ALLOWED)


def _own_header(name: str) -> Move:
    return _made(
        f"own-header-{name.lower()}", f"The request's own header {name}", f"sends {name} beside the gateway's own",
        _LISTED, 11, _with_header(name, told=False), _ALLOWED)


def _answers_header(which: str) -> Move:
    def is_bad(answer: Any) -> bool:
        said = answer.header(header_of(which))
        return said == "*" if which == "cors" else bool(said)  # the gateway's own names the sandbox alone

    return _made(
        f"answer-{which}", f"An answer's {which}", f"the API answers with {which}", _LISTED, 96,
        _answered(f"header/{which}", is_bad, which), _DIRECT)


def _masked(which: str) -> Move:
    return _made(
        f"masked-{which}", f"A masked field: {which}", "the API hides a field that is to be masked",
        "fields are found whatever their case, spelling, depth and wrapping", 79,
        _answered(f"masked/{which}", lambda answer: CARD.encode() in answer.body, "the number"), _DIRECT)


NONCES: Final = (
    _made("nonce-replayed", "A nonce used again", "sends a request twice", _BOUND, 66, _replayed),
    _made("nonce-session", "A nonce of another session", "uses one session's nonce with another's token", _BOUND, 67,
          _other_session),
    *(_made(f"nonce-{slug}", f"A nonce {title}", f"sends a request with a nonce {title}", _BOUND, number,
            _refused(shot)) for slug, title, shot, number in _NONCES),
)
WAYS: Final = (
    *(_made(f"climb-{number}", f"Out of the path: {climb}", f"asks for the route's path and then {climb}",
            _SPELLING, 60, _climbing(climb)) for number, climb in enumerate(_CLIMBS, 1)),
    *(_made(f"method-{method.lower()}", f"The method {method}", f"sends {method}, which the route does not name",
            "a route names its methods", 60, _with_method(method)) for method in _METHODS),
    _made("other-plugin", "Another plugin's route", "asks in the name of a plugin that the route does not name",
          "a route names its plugins, an administrator grants the permission", 58,
          _refused(lambda field: replace(field.honest, plugin=field.keys["com.pysandbox.attacker"]))),
    _made("large-request", "A request that is too large", "sends 300 KiB where 256 are allowed",
          "sizes are bounded both ways", 72,
          _refused(lambda field: replace(field.honest, body=b'{"a":"' + b"x" * 300_000 + b'"}'))),
    *(_told_header(name) for name in _HEADERS),
    *(_own_header(name) for name in ("Cookie", "X-Forwarded-For", "Proxy-Authorization")),
)
ANSWERS: Final = (
    _made("redirect", "A redirect by the API behind", "the API sends the gateway elsewhere",
          "redirects are not followed, and not passed", 70, _redirected, _DIRECT),
    _made("large-answer", "An answer that is too large", "the API answers three MiB where one is allowed",
          "sizes are bounded both ways", 72,
          _answered("huge", lambda answer: len(answer.body) > HUGE_BYTES, "three MiB"), _DIRECT),
    _made("deep-answer", "An answer of 100,000 brackets", "the API ends readers by nesting",
          "nesting is counted by a scan before anybody parses", 85,
          _answered("deep", lambda answer: answer.body.count(b"[") > 32, "100,000 brackets"), _DIRECT),
    *map(_answers_header, headers_tried()),
    *map(_masked, spellings()),
)
MOVES: Final = (*NONCES, *WAYS, *ANSWERS)
