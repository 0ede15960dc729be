"""What answers carry, of both origins, errors included: strict headers, no cookie, no secret, one shape of error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from pysandbox.testing.attacks.live.client import Answer, Client
from pysandbox.testing.attacks.live.gateway.field import Field, Move
from pysandbox.testing.attacks.live.gateway.upstream import BASE
from pysandbox.testing.attacks.live.play import Play
from pysandbox.testing.attacks.live.verdicts import Half, Seen

_INSIDE: Final = re.compile(
    r"Traceback|File \"|site-packages|\.py\b|/home/|/usr/|/root/|/tmp/|sqlalchemy|sqlite|psycopg|asyncio\.",
    re.IGNORECASE)
_STACK: Final = 'Traceback (most recent call last):\n  File "/usr/lib/python3/x.py", line 1'

Find = Callable[[Answer], str]
"""What is wrong with an answer, empty for nothing."""


def _lacks_headers(answer: Answer) -> str:
    wanted = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
    lacking = [name for name, value in wanted.items() if answer.header(name) != value]
    present = ("content-security-policy", "permissions-policy", "cross-origin-resource-policy")
    lacking += [name for name in present if not answer.header(name)]
    return " ".join(lacking)


def _sets_cookie(answer: Answer) -> str:
    return answer.header("set-cookie")


def _tells_inside(answer: Answer) -> str:
    found = _INSIDE.search(answer.body.decode(errors="replace")) if answer.status >= 400 else None
    return found[0] if found else ""


def _has_no_envelope(answer: Answer) -> str:
    if answer.status < 400:
        return ""
    error = answer.error
    keys = {"code", "message", "details", "retryable", "correlationId"}
    return "" if error is not None and keys <= error.keys() else f"{answer.status} without an envelope"


def _cell_policy(answer: Answer) -> str:
    policy = answer.header("content-security-policy")
    told = {one.split()[0]: one.split()[1:] for one in policy.split(";") if one.strip()}
    scripts = told.get("script-src", ["missing"])
    wrong = [] if told.get("sandbox") == ["allow-scripts"] else ["sandbox"]
    wrong += [] if told.get("default-src") == ["'none'"] else ["default-src"]
    wrong += [one for one in scripts if not re.fullmatch(r"'sha256-[A-Za-z0-9+/=]+'|'wasm-unsafe-eval'", one)]
    wrong += [name for name in ("connect-src", "report-uri", "report-to", "img-src", "frame-src") if name in told]
    wrong += [] if told.get("worker-src") == ["blob:"] else ["worker-src"]
    wrong += [] if "*" not in told.get("frame-ancestors", ["*"]) else ["frame-ancestors"]
    return " ".join(wrong)


def _host_policy(answer: Answer) -> str:
    policy = answer.header("content-security-policy")
    told = {one.split()[0]: one.split()[1:] for one in policy.split(";") if one.strip()}
    frames, ancestors = told.get("frame-src", []), told.get("frame-ancestors", ["*"])
    wrong = [] if len(frames) == 1 and frames[0].endswith("/cell.html") else ["frame-src"]
    wrong += ["frame-ancestors"] if any("*" in one for one in ancestors) else []
    wrong += [] if "'unsafe-eval'" not in policy and "'unsafe-inline'" not in policy else ["script-src"]
    return " ".join(wrong)


def _api(field: Field) -> Iterator[Answer]:
    """Good answers and every kind of refusal."""
    ask, bearer = field.target.api.ask, ("Authorization", f"Bearer {field.target.token}")
    wrong = ("Authorization", "Bearer wrong")
    yield ask("GET", "/healthz")
    yield ask("GET", "/nowhere")
    yield ask("GET", f"/nowhere/{field.target.token}")
    yield ask("POST", "/api/v2/sessions", [wrong], b"{}")
    yield ask("POST", "/api/v2/sessions", [bearer, ("Content-Type", "application/json")], b'{"a":')
    yield ask("GET", "/api/v2/plugins/x/versions/y", [bearer])
    yield ask("GET", "/api/v2/plugins/com.nobody.here/versions/1.0.0", [bearer])
    yield ask("GET", "/api/v2/plugins/changes?since=x", [bearer])
    yield ask("PUT", "/healthz", [bearer], b"")
    yield ask("GET", "/healthz/..", [bearer])
    yield ask("GET", "/api/v2/plugins/%00/versions/%ff", [bearer])
    if not field.target.is_development:
        yield ask("POST", "/api/v2/plugins", [bearer, ("Content-Type", "application/json")], b'{"manifest":1}')
        yield ask("GET", "/api/v2/audit?limit=x", [bearer])
        yield ask("GET", "/proxy/nobody/here", [bearer])
        yield ask("GET", "/openapi.json")


def _sandbox(field: Field) -> Iterator[Answer]:
    ask, build = field.target.sandbox.ask, field.target.build
    for path in ("/host.html", "/cell.html", "/cell.html?x", "/pysandbox.js", "/nowhere", "/", "/assets/%00",
                 f"/assets/{build}/host_worker.js", f"/assets/{build}/nothing"):
        yield ask("GET", path)
    yield ask("POST", "/host.html", body=b"")
    yield ask("GET", "/host.html", [("Host", "evil.example")])


def _searched(find: Find, answers: Callable[[Field], Iterator[Answer]], planted: Callable[[Field], Answer]) -> Callable[
        [Field], Seen]:
    """It worked where any answer has something wrong; the control is one in which it is planted."""

    def make(field: Field) -> Seen:
        control = find(planted(field))
        found = [(answer.status, wrong) for answer in answers(field) if (wrong := find(answer))]
        count = sum(1 for _ in answers(field)) if not found else len(found)
        said = "; ".join(f"{status}: {wrong}" for status, wrong in found[:5]) or f"nothing in {count} answers"
        return Seen(Half(control != "", f"planted, it is found: {control[:80]}"), Half(bool(found), said))

    return make


def _bare(field: Field) -> Answer:
    """An answer as a server gives it that takes no care."""
    return Client(field.upstream.origin).ask("GET", f"{BASE}/header/set-cookie")


def _broken(_field: Field) -> Answer:
    return Answer(500, (), _STACK.encode())


def _both(field: Field) -> Iterator[Answer]:
    yield from _api(field)
    yield from _sandbox(field)


def _one(path: str) -> Callable[[Field], Iterator[Answer]]:
    def answers(field: Field) -> Iterator[Answer]:
        yield field.target.sandbox.ask("GET", path)

    return answers


def _token_told(field: Field) -> Seen:
    """The token, sent in every place, must come back in none."""
    token = field.target.token
    planted = Answer(200, (("x-echo", token),), b"")
    told = [answer for answer in _both(field) if token in answer.text()]
    return Seen(
        Half(token in planted.text(), "planted, it is found"),
        Half(bool(told), f"it is in {len(told)} answers"))


def _move(
    slug: str, title: str, tries: str, wall: str, control: str, number: int, make: Callable[[Field], Seen]
) -> Move:
    return Move(Play(
        slug=f"answers-{slug}", group="answers", title=title, tries=tries, wall=wall, control=control, kind="move",
        seen_by="answer", place="gateway", numbers=(number,)), make)


_PLANTED: Final = "in an answer in which it is planted, it is found"
_BARE: Final = "an answer of a server that takes no care is found out"

MOVES: Final = (
    _move("headers-api", "An answer of the API without its strict headers", "looks for one, errors included",
          "every answer carries them", _BARE, 92, _searched(_lacks_headers, _api, _bare)),
    _move("headers-sandbox", "An answer of the sandbox's origin without its strict headers",
          "looks for one, errors included", "every answer carries them", _BARE, 92,
          _searched(_lacks_headers, _sandbox, _bare)),
    _move("cookie", "A cookie", "looks for an answer of either origin that sets one", "there is no cookie, ever", _BARE,
          82, _searched(_sets_cookie, _both, _bare)),
    _move("inside", "What is inside, in an error", "looks for stacks, paths and names of parts in refusals",
          "an error says its code, what is wrong and the cure", _PLANTED, 52, _searched(_tells_inside, _both, _broken)),
    _move("envelope", "An error without its envelope", "looks for a refusal of the API of another shape",
          "one shape for every failure", _PLANTED, 52, _searched(_has_no_envelope, _api, _broken)),
    _move("token", "The token in an answer", "sends the token and looks for it in what comes back",
          "no answer repeats what it was asked with", _PLANTED, 12, _token_told),
    _move("cell-policy", "A cell whose policy lets something out", "reads the policy of the cell's document",
          "the cell's policy, by header and by meta", _BARE, 92, _searched(_cell_policy, _one("/cell.html"), _bare)),
    _move("host-policy", "A host frame whose policy is too wide", "reads the policy of the host frame's document",
          "one frame's address, one list of pages", _BARE, 6, _searched(_host_policy, _one("/host.html"), _bare)),
)
