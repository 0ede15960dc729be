"""The real server over sockets: what it refuses, what it does without its keys or Redis, and the command itself."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.auth.principal import OPEN_SESSIONS, SCOPES
from pysandbox.gateway.server import GatewayServer
from pysandbox.gateway.settings import Settings
from tests.integration.gateway.asking import Answer, ask
from tests.integration.gateway.lenient import lenient
from tests.unit.gateway.fake_dist import write_dist

SESSIONS = "/api/v2/sessions"
APP = "https://app.example"


def settings(folder: Path, **more: object) -> Settings:
    dist = folder / "dist"
    return Settings(**{  # pyright: ignore[reportArgumentType]
        "port": 0, "sandbox_port": 0, "data_dir": folder / "data", "allowed_origins": (APP,),
        "dist": dist if dist.exists() else write_dist(dist), **more})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayServer]:
    with GatewayServer(settings(tmp_path_factory.mktemp("gateway"))) as running:
        yield running


def test_a_user_cannot_open_sessions_without_end(server: GatewayServer) -> None:
    token = server.token(OPEN_SESSIONS, subject="greedy")
    answers = [ask(server.api_origin, SESSIONS, "POST", token=token) for _ in range(40)]
    assert answers[0].status == 200
    limited = next(answer for answer in answers if answer.status == 429)
    assert limited.code == "RATE_LIMIT"
    assert int(limited.headers["retry-after"]) >= 1
    assert ask(server.api_origin, SESSIONS, "POST", token=server.token(OPEN_SESSIONS, subject="modest")).status == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"[" * 4000, b'{"a": 1}'])
def test_a_bad_body_is_refused_in_the_envelope(server: GatewayServer, body: bytes) -> None:
    answer = ask(server.api_origin, SESSIONS, "POST", token=server.token(*SCOPES), body=body)
    assert (answer.status, answer.code) == (400, "INPUT_INVALID")
    assert answer.json["error"]["details"]


def test_a_body_without_end_is_cut_off(server: GatewayServer) -> None:
    answer = ask(server.api_origin, SESSIONS, "POST", token=server.token(*SCOPES), body=b" " * 100_000)
    assert (answer.status, answer.code) == (413, "MESSAGE_LIMIT")


def test_the_sandbox_origin_may_call_the_proxy_and_administer_nothing(server: GatewayServer) -> None:
    def preflight(path: str, method: str) -> Answer:
        return ask(
            server.api_origin, path, "OPTIONS", Origin=server.sandbox_origin, Access_Control_Request_Method=method,
            Access_Control_Request_Headers="authorization,pysandbox-nonce,traceparent")

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert preflight("/proxy/vendor/risk", method).status == 200
    assert preflight(f"{SESSIONS}/current", "DELETE").status == 200
    assert preflight("/api/v2/plugins/a.b/versions/1.0.0", "PATCH").status == 400
    assert preflight("/api/v2/integrations/proxy/routes/x", "PUT").status == 400
    read = ask(server.api_origin, "/proxy/vendor/risk", Origin=server.sandbox_origin)
    assert read.headers["access-control-allow-origin"] == server.sandbox_origin
    assert read.headers["access-control-expose-headers"] == "*"
    assert "access-control-allow-credentials" not in read.headers


def raw(port: int, text: str, patience_s: float) -> bytes:
    """What comes back for bytes on the wire, until the server hangs up or has no more to say."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(text.replace("\n", "\r\n").encode())
        got = wire.recv(65_536)
        wire.settimeout(patience_s)
        with contextlib.suppress(TimeoutError):
            while more := wire.recv(65_536):
                got += more
    return got


def port_of(server: GatewayServer) -> int:
    return int(server.api_origin.rpartition(":")[2])


SMUGGLED = "GET /openapi.json HTTP/1.1\nHost: HOST\nConnection: close\n\n"


def test_control_two_requests_on_one_connection_get_two_answers(server: GatewayServer) -> None:
    host = server.api_origin.removeprefix("http://")
    sent = f"POST {SESSIONS} HTTP/1.1\nHost: HOST\nContent-Length: 0\n\n" + SMUGGLED
    assert b'"openapi"' in raw(port_of(server), sent.replace("HOST", host), 10.0)


@pytest.mark.parametrize("framing", [
    "Content-Length: 0\nContent-Length: 44", "Transfer-Encoding: chunked\nContent-Length: 5",
    "Content-Length: 5\nTransfer-Encoding: chunked", "Transfer-Encoding: xchunked", "Content-Length: +0",
    "Content-Length: 0x0", "Content-Length : 0", "X-A: b\n Content-Length: 0",
    "Transfer-Encoding: chunked, identity"])
def test_a_request_with_two_ends_smuggles_no_other(server: GatewayServer, framing: str) -> None:
    host = server.api_origin.removeprefix("http://")
    sent = f"POST {SESSIONS} HTTP/1.1\nHost: HOST\n{framing}\n\n0\n\n{SMUGGLED}"
    got = raw(port_of(server), sent.replace("HOST", host), 0.3)
    assert b'"openapi"' not in got
    with lenient() as (port, seen):  # the control: the same bytes, at a server that is easily pleased
        raw(port, sent.replace("HOST", host), 0.3)
        assert seen == [SESSIONS, "/openapi.json"]


def test_without_redis_it_is_degraded_and_lives(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{closed.getsockname()[1]}"
        with GatewayServer(settings(tmp_path, redis_url=url)) as running:
            answer = ask(running.api_origin, "/readyz")
            assert (answer.status, answer.json["status"]) == (200, "degraded")
            assert ask(running.api_origin, SESSIONS, "POST", token=running.token(*SCOPES)).status == 200


# --- a platform's keys, and what stands in front ---
class Platform(ThreadingHTTPServer):
    """Serves a JWKS."""

    def __init__(self) -> None:
        self.key = OKPKey.generate_key("Ed25519", {"kid": "one"})
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"keys": [platform.key.as_dict(private=False)]}).encode()
                if self.path == "/moved":
                    self.send_response(302)
                    self.send_header("Location", "/jwks")
                    body = b""
                else:
                    self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """What matters is asserted."""

        super().__init__(("127.0.0.1", 0), Handler)

    def token(self) -> str:
        now = int(time.time())
        return jwt.encode({"alg": "Ed25519", "kid": "one"}, {
            "iss": "https://id.example", "aud": "pysandbox", "sub": "ann", "org": "acme", "scp": [OPEN_SESSIONS],
            "iat": now, "exp": now + 60}, self.key, algorithms=["Ed25519"])


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with Platform() as running:
        threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
        yield running
        running.shutdown()


def with_keys(folder: Path, jwks: str, **more: object) -> Settings:
    return settings(
        folder, jwt_jwks=jwks, jwt_issuer="https://id.example", jwt_audience="pysandbox", tenant_claim="org",
        scope_claim="scp", **more)


def test_a_platforms_token_is_checked_by_keys_from_its_address_or_a_file(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [platform.key.as_dict(private=False)]}))
    for jwks in (f"http://127.0.0.1:{platform.server_port}/jwks", str(file)):
        with GatewayServer(with_keys(tmp_path, jwks)) as running:
            answer = ask(running.api_origin, SESSIONS, "POST", token=platform.token())
            assert (answer.status, answer.json["tenant"]) == (200, "acme")
            with pytest.raises(SandboxError, match="platform's tokens"):
                running.token(*SCOPES)


def test_without_keys_nobody_is_let_in_and_it_is_not_ready(platform: Platform, tmp_path: Path) -> None:
    for jwks in (f"http://127.0.0.1:{platform.server_port}/moved", str(tmp_path / "none.json")):
        with GatewayServer(with_keys(tmp_path, jwks)) as running:
            answer = ask(running.api_origin, SESSIONS, "POST", token=platform.token())
            assert (answer.status, answer.code) == (503, "STATE_UNAVAILABLE")
            ready = ask(running.api_origin, "/readyz")
            assert (ready.status, ready.json["parts"]["keys"]) == (503, False)
            assert ask(running.api_origin, "/healthz").status == 200


# --- its end ---
def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SandboxError, match="choose another") as caught:
            GatewayServer(settings(tmp_path, port=taken.getsockname()[1]))
    assert caught.value.code == Code.INPUT_INVALID


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    environment = {
        **os.environ, "PYSANDBOX_PORT": "0", "PYSANDBOX_SANDBOX_PORT": "0",
        "PYSANDBOX_DATA_DIR": str(tmp_path / "data"), "PYSANDBOX_DIST": str(write_dist(tmp_path / "dist"))}
    command = Path(sys.executable).parent / "pysandbox"
    with subprocess.Popen([command, "serve"], stderr=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stderr is not None
        told = ""
        while "tokens" not in told:
            line = running.stderr.readline()
            assert line, told
            told += line
        [origin] = re.findall(r"API +(http://\S+)", told)
        made = subprocess.run([command, "token"], capture_output=True, text=True, env=environment, check=True)
        assert ask(origin, SESSIONS, "POST", token=made.stdout.strip()).status == 200
        running.send_signal(signal.SIGTERM)
        rest = running.stderr.read()
        assert running.wait(20) == 0
    assert json.loads(rest.splitlines()[0])["route"] == SESSIONS
    assert rest.splitlines()[-1] == "stopped"
    assert made.stdout.strip() not in told + rest
