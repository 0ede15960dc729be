"""The real server over real sockets: whom it answers, sessions from exchange to end, what operators see, its end."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.types import Receive, Scope, Send

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.origins import HostGuard
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from tests.unit.gateway.fake_dist import write_dist

TIMEOUT_S = 20
SESSIONS = "/api/v2/sessions"
OPEN, MANAGE = "webchat:session:read", "webchat:session:manage"


@contextmanager
def serving(folder: Path, **changed: Any) -> Iterator[GatewayServer]:
    settings = Settings(**{
        "port": 0, "sandbox_port": 0, "data_dir": folder / "data", "dist": write_dist(folder / "dist"), **changed})
    with GatewayServer(settings) as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayServer]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


def ask(
    server: GatewayServer, method: str, path: str, token: str = "", *, at: str = "", data: bytes | None = None,
    **headers: str,
) -> requests.Response:
    """``headers``: names with ``_`` for ``-``."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        fields["Authorization"] = f"Bearer {token}"
    return requests.request(
        method, (at or server.api_origin) + path, headers=fields, data=data, timeout=TIMEOUT_S)


def code(answer: requests.Response) -> str:
    """The code in the envelope, which is whole, under the strict headers."""
    error = answer.json()["error"]
    assert error.keys() == {"code", "message", "details", "retryable", "correlationId"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    return error["code"]


# --- whom it answers ---
async def let_everybody_in(guard: HostGuard, scope: Scope, receive: Receive, send: Send) -> None:
    """In the place of the look at ``Host`` and ``Origin``."""
    await guard._app(scope, receive, send)


def test_attack_100_a_name_that_was_rebound_to_us_gets_nothing(
    server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = ask(server, "POST", SESSIONS, server.token(OPEN), Host="evil.example")
    assert (refused.status_code, code(refused)) == (421, "HOST_NOT_ALLOWED")
    assert ask(server, "POST", SESSIONS, server.token(OPEN)).status_code == 200, "the same request by our own name"
    monkeypatch.setattr(HostGuard, "__call__", let_everybody_in)
    assert ask(server, "POST", SESSIONS, server.token(OPEN), Host="evil.example").status_code == 200, "the control"


def test_attack_100_a_page_of_another_origin_gets_nothing(
    server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = ask(server, "POST", SESSIONS, server.token(OPEN), Origin="https://evil.example")
    assert (refused.status_code, code(refused)) == (403, "ORIGIN_NOT_ALLOWED")
    allowed = ask(server, "POST", SESSIONS, server.token(OPEN), Origin=server.sandbox_origin)
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (200, server.sandbox_origin)
    monkeypatch.setattr(HostGuard, "__call__", let_everybody_in)
    control = ask(server, "POST", SESSIONS, server.token(OPEN), Origin="https://evil.example")
    assert control.status_code == 200, "the control: a form or a script of that page would have had its way"


def test_probes_know_a_replica_by_its_address(server: GatewayServer) -> None:
    assert ask(server, "GET", "/healthz", Host="10.0.0.7:8900").json() == {"status": "ok"}
    assert ask(server, "GET", "/readyz", Host="10.0.0.7").json() == {
        "status": "ready", "parts": {"database": True, "keys": True}}


@pytest.mark.parametrize(("method", "path", "data", "status", "expected"), [
    ("GET", "/nowhere", None, 404, "NOT_FOUND"), ("PATCH", SESSIONS, None, 405, "METHOD_NOT_ALLOWED"),
    ("POST", SESSIONS, b'{"a":1,"a":2}', 400, "INPUT_INVALID"), ("POST", SESSIONS, b"\xff", 400, "INPUT_INVALID"),
    ("POST", SESSIONS, b" " * 5000, 413, "MESSAGE_LIMIT"), ("POST", SESSIONS, b'{"x":1}', 400, "INPUT_INVALID"),
])  # fmt: skip
def test_every_failure_has_the_one_envelope(
    server: GatewayServer, method: str, path: str, data: bytes | None, status: int, expected: str
) -> None:
    answer = ask(server, method, path, server.token(OPEN), data=data)
    assert (answer.status_code, code(answer)) == (status, expected)


def test_the_sandbox_origin_has_no_api_and_the_api_no_bundle(server: GatewayServer) -> None:
    assert ask(server, "POST", SESSIONS, server.token(OPEN), at=server.sandbox_origin).status_code in (404, 405)
    assert ask(server, "GET", "/host.html").status_code == 404
    assert ask(server, "GET", "/host.html", at=server.sandbox_origin).status_code == 200


# --- sessions ---
def opened(server: GatewayServer, **who: str) -> dict[str, Any]:
    answer = ask(server, "POST", SESSIONS, server.token(OPEN, **who))
    assert answer.status_code == 200, answer.text
    return answer.json()


def lives(server: GatewayServer, token: str) -> bool:
    return ask(server, "GET", "/api/v2/plugins/changes", token).status_code == 200


def test_a_session_from_exchange_to_end(server: GatewayServer) -> None:
    first = opened(server, subject="ann")
    assert (first["tenant"], first["gatewayOrigin"], first["grants"]) == ("development", server.api_origin, [])
    second = ask(server, "POST", f"{SESSIONS}/rotate", first["token"]).json()
    assert second["sessionId"] == first["sessionId"]
    assert not {second["token"], second["nonceSeed"]} & {first["token"], first["nonceSeed"]}
    assert lives(server, first["token"]), "requests on their way carry the old token"
    again = ask(server, "POST", f"{SESSIONS}/rotate", first["token"]).json()
    assert again["expiresAt"] - again["now"] <= 30_000, "nobody lives on by an old token"
    assert second["expiresAt"] == first["expiresAt"]
    assert ask(server, "DELETE", f"{SESSIONS}/current", second["token"]).status_code == 204
    assert not lives(server, first["token"])
    assert not lives(server, second["token"])


def test_a_scrapers_own_token_opens_the_figures_and_nothing_else(tmp_path: Path) -> None:
    file, first, second = tmp_path / "scraper", "a" * 64, "b" * 64
    file.write_text(f"{first}\n")
    with serving(tmp_path, metrics_token_file=file) as server:
        assert "pysandbox_requests_total" in ask(server, "GET", "/metrics", first).text
        assert ask(server, "GET", "/metrics", server.token("telemetry:metrics:read")).status_code == 200
        for path, method in (("/api/v2/audit", "GET"), (SESSIONS, "POST"), ("/api/v2/plugins", "GET")):
            assert code(ask(server, method, path, first)) == "SESSION_INVALID"
        for wrong in ("", second, first[:-1], f"{first}a"):
            assert code(ask(server, "GET", "/metrics", wrong)) == "SESSION_INVALID"
        file.write_text(second)  # exchanged while it runs
        assert code(ask(server, "GET", "/metrics", first)) == "SESSION_INVALID"
        assert ask(server, "GET", "/metrics", second).status_code == 200
        file.unlink()
        assert code(ask(server, "GET", "/metrics", second)) == "SESSION_INVALID"


@pytest.mark.parametrize("text", [None, "", "short", "\u00e9" * 40])
def test_a_scrapers_token_that_is_none_stops_the_start(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "scraper"
    if text is not None:
        file.write_text(text, "utf-8")
    with pytest.raises(SandboxError, match="no token for scrapers") as caught, serving(
        tmp_path, metrics_token_file=file):
        pass
    assert caught.value.code == Code.INPUT_INVALID
    assert text is None or len(text) < 5 or text not in str(caught.value)


def test_a_page_that_goes_away_ends_its_session_without_a_header(server: GatewayServer) -> None:
    session = opened(server, subject="lea")
    leave = {"data": json.dumps({"token": session["token"]}).encode()}
    refused = ask(server, "POST", f"{SESSIONS}/leave", Origin="https://evil.example", **leave)
    assert code(refused) == "ORIGIN_NOT_ALLOWED"
    for wrong in (b"{}", b'{"token":1}', b'{"token":"x","more":1}'):
        assert code(ask(server, "POST", f"{SESSIONS}/leave", data=wrong)) == "INPUT_INVALID"
    assert lives(server, session["token"])
    assert ask(server, "POST", f"{SESSIONS}/leave", Origin=server.sandbox_origin, **leave).status_code == 204
    assert not lives(server, session["token"])
    assert code(ask(server, "POST", f"{SESSIONS}/leave", **leave)) == "SESSION_INVALID"


def test_an_administrator_ends_the_sessions_of_a_user_of_their_own_tenant(server: GatewayServer) -> None:
    mine, others = opened(server, subject="bob"), opened(server, subject="bob", tenant="other")
    ended = ask(server, "DELETE", f"{SESSIONS}?subject=bob", server.token(MANAGE))
    assert ended.json() == {"ended": 1}
    assert (lives(server, mine["token"]), lives(server, others["token"])) == (False, True)


def test_each_token_opens_its_own_doors_alone(server: GatewayServer) -> None:
    session = opened(server)["token"]
    assert code(ask(server, "POST", SESSIONS, server.token(MANAGE))) == "PERMISSION_DENIED"
    assert code(ask(server, "DELETE", f"{SESSIONS}?subject=x", server.token(OPEN))) == "PERMISSION_DENIED"
    assert code(ask(server, "POST", SESSIONS, session)) == "SESSION_INVALID"
    assert code(ask(server, "POST", f"{SESSIONS}/rotate", server.token(OPEN))) == "SESSION_INVALID"


def test_the_platforms_tokens_are_checked_by_its_keys(tmp_path: Path) -> None:
    key, stranger = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps({"keys": [{**key.as_dict(private=False), "kid": "k1", "use": "sig"}]}))
    now = int(time.time())
    claims = {"iss": "https://id.example", "aud": "pysandbox", "sub": "ann", "tenant": "acme", "scope": OPEN,
              "exp": now + 600}  # fmt: skip

    def signed(by: RSAKey, **changed: object) -> str:
        return jwt.encode({"alg": "RS256", "kid": "k1"}, {**claims, **changed}, by, algorithms=["RS256"])

    with serving(
        tmp_path, jwt_jwks=str(keys), jwt_issuer="https://id.example", jwt_audience="pysandbox"
    ) as server:
        assert ask(server, "POST", SESSIONS, signed(key)).json()["tenant"] == "acme"
        for bad in (signed(stranger), signed(key, aud="x"), signed(key, iss="x"), signed(key, exp=now - 600)):
            assert code(ask(server, "POST", SESSIONS, bad)) == "SESSION_INVALID"


# --- behind another ---
def test_behind_a_proxy_that_is_trusted_its_word_for_the_host_counts(tmp_path: Path) -> None:
    public = {"api_origin": "https://api.example", "sandbox_origin": "https://sandbox.example",
              "path_prefix": "/pysandbox"}  # fmt: skip
    with serving(tmp_path / "a", trusted_proxies=("127.0.0.1",), **public) as server:
        at = f"http://127.0.0.1:{server.ports[0]}"
        told = ask(server, "POST", f"/pysandbox{SESSIONS}", server.token(OPEN), at=at, X_Forwarded_Host="api.example")
        assert told.json()["gatewayOrigin"] == "https://api.example/pysandbox"
    with serving(tmp_path / "b", **public) as server:
        at = f"http://127.0.0.1:{server.ports[0]}"
        asked = (f"/pysandbox{SESSIONS}", server.token(OPEN))
        assert code(ask(server, "POST", *asked, at=at, X_Forwarded_Host="api.example")) == "HOST_NOT_ALLOWED"
        assert ask(server, "POST", *asked, at=at, Host="api.example").status_code == 200


# --- what operators see ---
def test_figures_and_log_lines_hold_neither_paths_nor_users(
    server: GatewayServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "pysandbox.access"):
        opened(server, subject="carol")
        ask(server, "GET", "/secret-path?customer=4711")
        figures = ask(server, "GET", "/metrics", server.token("telemetry:metrics:read")).text
    assert 'pysandbox_requests_total{method="POST",route="/api/v2/sessions",status="200"}' in figures
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "pysandbox.access"]
    assert [(line["method"], line["route"], line["status"]) for line in lines[:2]] == [
        ("POST", SESSIONS, 200), ("GET", "other", 404)]
    for told in (figures, caplog.text):
        assert not [word for word in ("carol", "secret-path", "4711", "127.0.0.1") if word in told]
    assert code(ask(server, "GET", "/metrics", server.token(OPEN))) == "PERMISSION_DENIED"


# --- how it stops ---
def test_a_request_in_progress_is_answered_and_load_balancers_hear_of_the_end_first(tmp_path: Path) -> None:
    with serving(tmp_path, stop_delay_s=2) as server:
        token = opened(server)["token"]
        revision = ask(server, "GET", "/api/v2/plugins/changes?since=0", token).json()["revision"]
        answers: list[requests.Response] = []
        waiting = threading.Thread(target=lambda: answers.append(
            ask(server, "GET", f"/api/v2/plugins/changes?since={revision}", token)))
        waiting.start()
        until_in_progress(server, 2)
        closing = threading.Thread(target=server.close)
        closing.start()
        told = ask(server, "GET", "/readyz")
        while told.status_code == 200:
            told = ask(server, "GET", "/readyz")
        assert (told.status_code, told.json()["status"]) == (503, "stopping")
        waiting.join(TIMEOUT_S)
        closing.join(TIMEOUT_S)
        assert [answer.status_code for answer in answers] == [200]
        with pytest.raises(requests.ConnectionError):
            ask(server, "GET", "/healthz")


def until_in_progress(server: GatewayServer, count: int) -> None:
    """Until so many requests are in progress, the one that asks among them."""
    figures = server.token("telemetry:metrics:read")
    until = time.monotonic() + TIMEOUT_S
    while f"pysandbox_requests_in_progress {count}.0" not in ask(server, "GET", "/metrics", figures).text:
        assert time.monotonic() < until
        time.sleep(0.02)
