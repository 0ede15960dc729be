"""The proxy from a host worker's request to a real upstream and back: everything that stands between."""

import asyncio
import gzip
import json
import re
import socket
from collections.abc import Mapping

import aiohttp
import pytest
from aiohttp import web
from starlette.types import Receive

from pysandbox.core import proxy_nonce
from pysandbox.core.errors import Code
from pysandbox.gateway.auth.principal import GatewaySession
from pysandbox.gateway.proxy import endpoint, forward, policy
from pysandbox.gateway.proxy.endpoint import Proxied, Rates
from pysandbox.gateway.proxy.incoming import read_body
from pysandbox.gateway.proxy.nonces import MemoryNonces
from tests.integration.gateway.lenient import lenient
from tests.integration.gateway.proxies import (
    PATH,
    PLUGIN,
    REF,
    RISK,
    TOKEN,
    Answer,
    Backing,
    Host,
    run,
    secret,
)
from tests.integration.gateway.upstreams import Upstream, json_answer

OTHER = GatewaySession(
    "0ther000" * 4, "acme", "user-2", frozenset({"integration:proxy:invoke"}), "cd" * 32, 4_000_000_000_000)


def test_a_request_goes_out_as_the_route_says_and_the_answer_comes_back_masked() -> None:
    async def scenario(host: Host, _backing: Backing, server: Upstream, client) -> None:
        answer = await host.send(client, query="q=1", own={"Accept-Language": "de", "Cookie": "a=b", "X-Evil": "1"})
        assert (answer.status, answer.outcome) == (200, "upstream")
        assert json.loads(answer.body) == {"score": 7, "customer": {"ssn": "***", "creditCard": "***", "name": "Ada"}}
        method, path, headers, body = server.requests[0]
        assert (method, path, body) == ("POST", "/v2/evaluate?q=1", b'{"tier":"gold"}')
        assert headers["Accept-Language"] == "de"
        assert not {"Cookie", "X-Evil", "Authorization", "Pysandbox-Nonce", "Pysandbox-Plugin"} & headers.keys()
        assert headers["X-Correlation-Id"] == answer.headers["Pysandbox-Correlation-Id"]
        assert headers["Traceparent"] == answer.headers["Traceparent"]

    run(scenario, responseTransform={"maskFields": ["ssn", "credit_card"]})


def test_an_answer_carries_the_strict_headers_and_none_of_the_upstreams_own_kind() -> None:
    hostile = {
        "Set-Cookie": "a=b", "Clear-Site-Data": '"*"', "Link": "</x>; rel=preload", "X-Internal": "1", "ETag": '"1"'}

    async def scenario(host: Host, _backing: Backing, _server: Upstream, client) -> None:
        headers = (await host.send(client)).headers
        assert not {"Set-Cookie", "Clear-Site-Data", "Link", "X-Internal", "Server"} & headers.keys()
        assert headers["ETag"] == '"1"'
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert set(headers["Pysandbox-Shown"].split(",")) == {"content-type", "date", "etag"}
        assert re.fullmatch(r'"(session|route)";r=\d+;t=\d+', headers["RateLimit"])

    run(scenario, json_answer(RISK, headers=hostile))


def test_correlation_and_trace_of_the_caller_go_on() -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    async def scenario(host: Host, _backing: Backing, server: Upstream, client) -> None:
        answer = await host.send(client, headers={
            "Pysandbox-Correlation-Id": "load-7", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        assert answer.headers["Pysandbox-Correlation-Id"] == server.requests[0][2]["X-Correlation-Id"] == "load-7"
        assert trace in server.requests[0][2]["Traceparent"]
        refused = await host.send(client, path="/proxy/none", headers={"Pysandbox-Correlation-Id": "load-8"})
        assert json.loads(refused.body)["error"]["correlationId"] == "load-8"

    run(scenario)


def test_what_its_limits_let_in_is_traced_and_nothing_else() -> None:
    traced: list[Proxied] = []

    async def scenario(host: Host, _backing: Backing, _server: Upstream, client) -> None:
        parent = "00f067aa0ba902b7"
        sent = {"traceparent": f"00-4bf92f3577b34da6a3ce929d0e0e4736-{parent}-01"}
        answers = [
            await host.send(client, headers=sent), await host.send(client, method="DELETE"), await host.send(client),
            await host.send(client, path="/proxy/none")]
        assert [answer.status for answer in answers] == [200, 405, 429, 404]
        good, refused = traced
        assert (good.route, good.method, good.outcome, good.status) == ("Risk", "POST", "upstream", 200)
        assert (good.caller.tenant, good.caller.plugin, good.trace.parent) == ("acme", PLUGIN, parent)
        assert good.trace.traceparent == answers[0].headers["Traceparent"]
        assert 0 < good.upstream_ms <= good.took_ms
        assert (refused.status, refused.code, refused.upstream_ms) == (405, Code.METHOD_NOT_ALLOWED, 0.0)

    run(scenario, settings={"traced": traced.append}, methods=["POST"],
        rateLimit={"requestsPerMinute": 1, "burstSize": 2})


async def spend_nothing(*_: object) -> None:
    """In the place of a nonce store that remembers."""


def test_attack_66_a_nonce_is_good_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def replayed(host: Host, client) -> list[int]:
        signed = host.headers("POST", PATH, "", b'{"tier":"gold"}')
        return [(await host.send(client, headers=signed)).status for _ in range(2)]

    async def scenario(host: Host, _backing: Backing, _server: Upstream, client) -> None:
        assert await replayed(host, client) == [200, 403]

    async def control(host: Host, _backing: Backing, _server: Upstream, client) -> None:
        monkeypatch.setattr(MemoryNonces, "spend", spend_nothing)
        assert await replayed(host, client) == [200, 200]

    run(scenario)
    run(control)


def test_attack_67_a_nonce_is_good_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def misused(host: Host) -> dict[str, dict[str, object]]:
        signed = host.headers("POST", PATH, "a=1", b'{"tier":"gold"}')["Pysandbox-Nonce"]
        other = {"query": "a=1", "headers": {"Pysandbox-Nonce": signed}}
        return {
            "method": {**other, "method": "PUT"}, "path": {**other, "path": f"{PATH}/more"},
            "query": {**other, "query": "a=2"}, "body": {**other, "body": b'{"tier":"iron"}'},
            "plugin": {**other, "plugin": "com.vendor.risk-scoring@2.1.1"}, "own": {**other, "own": {"Accept": "x/y"}},
            "type": {**other, "headers": {"Pysandbox-Nonce": signed, "Content-Type": "application/json;charset=utf-8"}},
            "coding": {**other, "headers": {"Pysandbox-Nonce": signed, "Content-Encoding": "identity"}}}

    async def outcomes(host: Host, client) -> dict[str, int]:
        return {what: (await host.send(client, **request)).status for what, request in misused(host).items()}

    async def scenario(host: Host, backing: Backing, _server: Upstream, client) -> None:
        assert set((await outcomes(host, client)).values()) == {403}
        backing.sessions["other"] = OTHER
        stolen = host.headers("POST", PATH, "", b"{}")
        answer = await host.send(client, body=b"{}", headers={**stolen, "Authorization": "Bearer other"})
        assert (answer.status, answer.code) == (403, "NONCE_REJECTED")

    async def control(host: Host, _backing: Backing, _server: Upstream, client) -> None:
        good = iter(range(10**9))
        monkeypatch.setattr(proxy_nonce, "check", lambda *_, **__: proxy_nonce.Nonce(next(good), 4_000_000_000_000))
        assert set((await outcomes(host, client)).values()) == {200}

    run(scenario)
    run(control)


def test_attack_68_an_old_nonce_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(host: Host, _backing: Backing, server: Upstream, client) -> None:
        assert (await host.send(client, life_ms=-6_000)).code == "NONCE_REJECTED"
        assert (await host.send(client, life_ms=600_000)).code == "NONCE_REJECTED"
        assert (await host.send(client, headers={"Pysandbox-Nonce": ""})).code == "NONCE_REJECTED"
        assert not server.requests
        assert (await host.send(client)).status == 200

    async def control(host: Host, _backing: Backing, _server: Upstream, client) -> None:
        check = proxy_nonce.check
        monkeypatch.setattr(
            proxy_nonce, "check", lambda *given, now_ms: check(*given, now_ms=now_ms, skew_ms=3_600_000))
        monkeypatch.setattr(MemoryNonces, "spend", spend_nothing)  # what has expired needs no memory, and has none
        assert (await host.send(client, life_ms=-6_000)).status == 200
        assert (await host.send(client, life_ms=600_000)).status == 200

    run(scenario)
    run(control)


@pytest.mark.parametrize(("what", "status", "code"), [
    ("token", 401, "SESSION_INVALID"), ("no token", 401, "SESSION_INVALID"), ("plugin", 403, "PLUGIN_BLOCKED"),
    ("no plugin", 400, "INPUT_INVALID"), ("ungranted", 403, "PERMISSION_DENIED"), ("path", 404, "ROUTE_NOT_FOUND"),
    ("climb", 400, "INPUT_INVALID"), ("body", 413, "MESSAGE_LIMIT"), ("method", 405, "METHOD_NOT_ALLOWED"),
    ("type", 400, "INPUT_INVALID"), ("permission", 403, "PERMISSION_DENIED"), ("timeout", 400, "INPUT_INVALID")])
def test_every_refusal_is_one_envelope_and_reaches_no_upstream(what: str, status: int, code: str) -> None:
    request: dict[str, dict[str, object]] = {
        "token": {"headers": {"Authorization": "Bearer none"}}, "no token": {"headers": {"Authorization": ""}},
        "no plugin": {"headers": {"Pysandbox-Plugin": ""}}, "ungranted": {"plugin": "com.other.plugin@1.0.0"},
        "path": {"path": "/proxy/other"}, "climb": {"path": f"{PATH}%2f..%2fx"}, "body": {"body": b"x" * 3000},
        "method": {"method": "DELETE"}, "type": {"content_type": "text/plain"},
        "timeout": {"headers": {"Pysandbox-Timeout-Ms": "soon"}}}

    async def scenario(host: Host, backing: Backing, server: Upstream, client) -> None:
        if what == "plugin":
            backing.blocked.add(PLUGIN)
        if what == "permission":
            backing.sessions[TOKEN] = GatewaySession(
                host.session.session_id, "acme", "user-1", frozenset(), host.session.nonce_seed, 4_000_000_000_000)
        answer = await host.send(client, **request.get(what, {}))
        assert (answer.status, answer.code, answer.outcome) == (status, code, "gateway")
        error = json.loads(answer.body)["error"]
        assert error.keys() == {"code", "message", "details", "retryable", "correlationId"}
        assert not server.requests

    run(scenario, methods=["GET", "POST"], requestBytes=2000)


def test_attack_72_a_body_without_end_is_cut_at_the_routes_limit() -> None:
    async def scenario(host: Host, _backing: Backing, server: Upstream, client) -> None:
        sent = 0

        async def endless():
            nonlocal sent
            while sent < 50_000_000:
                sent += 65_536
                yield b"x" * 65_536

        signed = host.headers("POST", PATH, "", b"{}")
        try:
            async with client.post(host.origin + PATH, data=endless(), headers=signed) as answer:
                assert answer.status == 413
        except aiohttp.ClientError:  # cut off before the answer could be read, which is as good
            assert sent < 50_000_000
        assert sent < 20_000_000  # what lay in buffers; not what was offered
        assert not server.requests

    run(scenario, requestBytes=2000)


def test_control_attack_72_without_the_limit_all_that_is_offered_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    async def unlimited(receive: Receive, fields: Mapping[str, str], **limits: float) -> bytes:
        body = await read_body(receive, fields, max_bytes=10**12, within_s=limits["within_s"])
        taken.append(len(body))
        return body

    async def control(host: Host, _backing: Backing, server: Upstream, client) -> None:
        monkeypatch.setattr(endpoint, "read_body", unlimited)
        assert (await host.send(client, body=b"x" * 900_000)).code == "MESSAGE_LIMIT"  # the policy's, much too late
        assert taken == [900_000]
        assert not server.requests

    run(control, requestBytes=2000)


def test_attack_73_a_body_that_comes_slowly_is_given_up() -> None:
    async def said(host: Host, within_s: float) -> bytes:
        signed = host.headers("POST", PATH, "", b"{}" * 50)
        head = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        reader, writer = await asyncio.open_connection("127.0.0.1", int(host.origin.rpartition(":")[2]))
        writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: 100\r\n\r\n{{".encode())
        try:
            async with asyncio.timeout(within_s):
                return await reader.readline()
        finally:
            writer.close()

    async def scenario(host: Host, _backing: Backing, server: Upstream, _client) -> None:
        assert b" 408 " in await said(host, 20)
        assert not server.requests

    async def control(host: Host, _backing: Backing, _server: Upstream, _client) -> None:
        with pytest.raises(TimeoutError):  # without a deadline of ours it lasts as long as its sender likes
            await said(host, 0.5)

    run(scenario, settings={"body_s": 0.2})
    run(control, settings={"body_s": 3600.0})


@pytest.mark.parametrize("lines", [
    "Content-Length: 2\r\nTransfer-Encoding: chunked", "Content-Length: 2\r\nContent-Length: 3",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Content-Length: 2\r\nX: a\r\n b",
    "Content-Length : 2", "Transfer-Encoding: \x0bchunked"])
def test_attack_71_a_request_that_two_servers_would_frame_differently_reaches_no_upstream(lines: str) -> None:
    smuggled = f"{PATH}/smuggled"

    def speak(host: Host, port: int) -> bytes:
        signed = host.headers("POST", PATH, "", b"{}")
        head = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        with socket.create_connection(("127.0.0.1", port), 5) as wire:
            second = f"GET {smuggled} HTTP/1.1\r\nHost: x\r\n\r\n"
            wire.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{head}{lines}\r\n\r\n{{}}{second}".encode())
            wire.shutdown(socket.SHUT_WR)
            wire.settimeout(2)
            try:
                return b"".join(iter(lambda: wire.recv(65_536), b""))
            except TimeoutError:
                return b""

    async def scenario(host: Host, _backing: Backing, server: Upstream, _client) -> None:
        said = await asyncio.to_thread(speak, host, int(host.origin.rpartition(":")[2]))
        assert not any("smuggled" in path for _method, path, _headers, _body in server.requests)
        assert b" 200 " not in said or len(server.requests) == 1

    run(scenario)
    with lenient() as (port, seen):  # the control: a server that is easily pleased answers the second one
        assert speak(Host(""), port).count(b" 200 ") == 2
        assert seen == [PATH, smuggled]


@pytest.mark.parametrize("path", [
    "/proxy/vendor/risk/../admin", "/proxy/vendor/risk/%2e%2e/admin", "/proxy/vendor/risk/..%2fadmin",
    "/proxy/vendor/risk//admin", "/proxy/vendor/risk/..;/admin", "/proxy/vendor/risk/..%5cadmin"])
def test_attack_60_a_path_that_leaves_its_route_reaches_no_upstream(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(host: Host, _backing: Backing, server: Upstream, client) -> None:
        assert (await host.send(client, path=path)).code == "INPUT_INVALID"
        assert not server.requests

    async def control(host: Host, _backing: Backing, server: Upstream, client) -> None:
        monkeypatch.setattr(policy, "fault_of_path", lambda _path: None)
        assert (await host.send(client, path=path)).status == 200
        assert server.requests[0][1] == "/v2" + path.removeprefix("/proxy/vendor/risk")  # beyond what was granted

    run(scenario)
    run(control)


def test_attack_79_a_credential_that_hides_in_a_compressed_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        echo = gzip.compress(json.dumps(dict(request.headers)).encode())
        return web.Response(body=echo, content_type="application/json", headers={"Content-Encoding": "gzip"})

    async def asked(host: Host, backing: Backing, server: Upstream, client) -> Answer:
        backing.vault[REF] = secret(server.authority, token="t0ken-of-acme")
        return await host.send(client)

    async def scenario(host: Host, backing: Backing, server: Upstream, client) -> None:
        assert (await asked(host, backing, server, client)).code == "UPSTREAM_REFUSED"

    async def control(host: Host, backing: Backing, server: Upstream, client) -> None:
        monkeypatch.setattr(forward, "_check", lambda *_: None)
        answer = await asked(host, backing, server, client)
        assert b"t0ken-of-acme" in gzip.decompress(answer.body)

    for one in (scenario, control):
        run(one, handler, authMethod="bearer", credentials={"secretRef": str(REF)})


def test_rates_are_told_and_kept() -> None:
    async def scenario(host: Host, _backing: Backing, server: Upstream, client) -> None:
        answers = [await host.send(client) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["RateLimit-Policy"] == '"session";q=1;w=60'
        assert int(answers[3].headers["Retry-After"]) > 30
        assert len(server.requests) == 3

    run(scenario, settings={"rates": Rates(session_per_minute=1, session_burst=3)})


def test_a_callers_own_deadline_shortens_the_routes() -> None:
    async def slow(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    async def scenario(host: Host, _backing: Backing, _server: Upstream, client) -> None:
        answer = await host.send(client, headers={"Pysandbox-Timeout-Ms": "60"})
        assert (answer.status, answer.code) == (504, "UPSTREAM_TIMEOUT")
        assert json.loads(answer.body)["error"]["retryable"] is True

    run(scenario, slow)


def test_oauth2_end_to_end_and_the_credential_is_nowhere_in_what_comes_back() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            return web.json_response({"access_token": "acc3ss-t0ken", "token_type": "Bearer", "expires_in": 60})
        echoed = {"headers": dict(request.headers), "again": request.headers["Authorization"][::-1]}
        return web.json_response(echoed, headers={"ETag": f'"{request.headers["Authorization"]}"'})

    async def scenario(host: Host, backing: Backing, server: Upstream, client) -> None:
        backing.vault[REF] = secret(
            server.authority, clientId="id", clientSecret="cl1ent-s3cret", tokenUrl=f"{server.url}/token")
        answer = await host.send(client)
        assert answer.status == 200
        assert server.requests[1][2]["Authorization"] == "Bearer acc3ss-t0ken"
        received = answer.body + repr(dict(answer.headers)).encode()
        assert b"acc3ss-t0ken" not in received
        assert b"cl1ent-s3cret" not in received

    run(scenario, handler, authMethod="oauth2_client_credentials", credentials={"secretRef": str(REF)})


def test_a_route_of_another_tenant_is_not_there() -> None:
    async def scenario(host: Host, backing: Backing, server: Upstream, client) -> None:
        other = GatewaySession("0ther000" * 4, "other", "user-2", OTHER.grants, "cd" * 32, 4_000_000_000_000)
        backing.sessions["other"] = other
        answer = await host.as_another(session=other, token="other").send(client)
        assert answer.code == "ROUTE_NOT_FOUND"
        assert not server.requests

    run(scenario)


def test_a_large_answer_without_masks_is_streamed_whole() -> None:
    body = b'{"a":"' + b"x" * 900_000 + b'"}'

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    async def scenario(host: Host, _backing: Backing, _server: Upstream, client) -> None:
        assert (await host.send(client)).body == body

    run(scenario, handler)


