"""Exchanges with real upstreams: where credentials go (95), what stands in for a failure (74), tries and breakers."""

import asyncio
import base64
import json
from dataclasses import replace

import pytest
from aiohttp import web

from pysandbox.core.errors import Code
from pysandbox.gateway.proxy.credentials import Auth
from pysandbox.gateway.vault.secret import Secret
from tests.integration.gateway.exchanges import JSON, SECRET, Told, World, plan, secret, world
from tests.integration.gateway.upstreams import Upstream, json_answer, raw, upstream


def run(scenario) -> None:
    async def started() -> None:
        async with world() as made:
            await scenario(made)

    asyncio.run(started())


@pytest.mark.parametrize(("auth", "values", "want"), [
    (Auth(), {"token": "unused"}, None),
    (Auth("api_key", SECRET, "header", "X-Api-Key"), {"apiKey": "k3y-value"}, ("X-Api-Key", "k3y-value")),
    (Auth("basic", SECRET), {"username": "u", "password": "p:w"},
     ("Authorization", "Basic " + base64.b64encode(b"u:p:w").decode())),
    (Auth("bearer", SECRET), {"token": "t0k-value"}, ("Authorization", "Bearer t0k-value"))])
def test_each_method_puts_its_credential_in_its_place(auth: Auth, values: dict[str, str], want) -> None:
    async def scenario(made: World) -> None:
        async with upstream(json_answer({})) as server:
            made.vault[SECRET] = secret(server, **values)
            assert (await made.run(plan(server, auth=auth))).status == 200
            headers = server.requests[0][2]
            assert headers.get("Authorization") == (want[1] if want and want[0] == "Authorization" else None)
            if want:
                assert headers[want[0]] == want[1]

    run(scenario)


@pytest.mark.parametrize(("auth", "path", "body", "kind", "want"), [
    (Auth("api_key", SECRET, "query", "key"), "/risk", b"", "application/json", ("/risk?key=k%2F%26y", b"")),
    (Auth("api_key", SECRET, "query", "key"), "/risk?a=1", b"", "application/json", ("/risk?a=1&key=k%2F%26y", b"")),
    (Auth("api_key", SECRET, "body", "key"), "/risk", b' {"n": 1.0}', "application/json; charset=utf-8",
     ("/risk", b'{"key":"k/&y","n": 1.0}')),
    (Auth("api_key", SECRET, "body", "key"), "/risk", b"{ }", "application/json", ("/risk", b'{"key":"k/&y"}')),
    (Auth("api_key", SECRET, "body", "key"), "/risk", b"a=1", "application/x-www-form-urlencoded",
     ("/risk", b"a=1&key=k%2F%26y"))])
def test_a_key_in_query_or_body_leaves_the_rest_as_it_was(auth: Auth, path: str, body: bytes, kind: str, want) -> None:
    async def scenario(made: World) -> None:
        async with upstream(json_answer({})) as server:
            made.vault[SECRET] = secret(server, apiKey="k/&y")
            asked = plan(server, path=path, method="POST", body=body, headers=[("Content-Type", kind)], auth=auth)
            assert (await made.run(asked)).status == 200
            assert (server.requests[0][1], server.requests[0][3]) == want

    run(scenario)


@pytest.mark.parametrize("body", [b"[1]", b"", b"text"])
def test_a_key_that_finds_no_place_in_the_body_is_not_sent(body: bytes) -> None:
    async def scenario(made: World) -> None:
        async with upstream(json_answer({})) as server:
            made.vault[SECRET] = secret(server, apiKey="key-value")
            asked = plan(server, method="POST", body=body, auth=Auth("api_key", SECRET, "body", "key"))
            assert (await made.run(asked)).code == Code.INPUT_INVALID
            assert not server.requests

    run(scenario)


def test_attack_95_a_secret_is_not_sent_to_a_host_or_for_a_tenant_that_it_does_not_list(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(made: World) -> None:
        async with upstream(json_answer({})) as meant, upstream(json_answer({})) as evil:
            made.vault[SECRET] = secret(meant, token="t0k-value")
            auth = Auth("bearer", SECRET)
            assert (await made.run(plan(meant, auth=auth))).status == 200
            assert (await made.run(plan(evil, auth=auth))).code == Code.CREDENTIALS_NOT_ALLOWED
            other = plan(meant, auth=auth)
            other = replace(other, destination=replace(other.destination, tenant="other"))
            assert (await made.run(other)).code == Code.CREDENTIALS_NOT_ALLOWED
            assert (len(meant.requests), len(evil.requests)) == (1, 0)
            # The control: without the list, whoever edits a route has the secret.
            monkeypatch.setattr(Secret, "check", lambda *_, **__: None)
            assert (await made.run(plan(evil, auth=auth))).status == 200
            assert evil.requests[0][2]["Authorization"] == "Bearer t0k-value"

    run(scenario)


def test_attack_95_client_credentials_are_not_sent_to_a_token_url_of_a_foreign_host(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(made: World) -> None:
        async with upstream(json_answer({})) as meant, upstream(json_answer({})) as evil:
            made.vault[SECRET] = secret(meant, clientId="id", clientSecret="s3cr3t", tokenUrl=f"{evil.url}/token")
            asks = plan(meant, auth=Auth("oauth2_client_credentials", SECRET))
            assert (await made.run(asks)).code == Code.CREDENTIALS_NOT_ALLOWED
            assert not evil.requests
            monkeypatch.setattr(Secret, "check", lambda *_, **__: None)  # the control
            await made.run(asks)
            _method, _path, headers, body = evil.requests[0]
            assert b"s3cr3t" in body + base64.b64decode(headers["Authorization"].partition(" ")[2])

    run(scenario)


class Login:
    """An OAuth2 server and the API behind it in one: only the newest token is good."""

    def __init__(self) -> None:
        self.issued = 0
        self.revoked = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            self.issued += 1
            return web.json_response({
                "access_token": f"access-{self.issued}", "token_type": "bearer", "expires_in": 3600})
        good = request.headers.get("Authorization") == f"Bearer access-{self.issued}" and self.issued > self.revoked
        return web.json_response({"ok": good}, status=200 if good else 401)


def login_secret(server: Upstream) -> Secret:
    return secret(server, clientId="id", clientSecret="s3cr3t", tokenUrl=f"{server.url}/token")


def test_a_token_is_fetched_once_and_a_revoked_one_renewed_once() -> None:
    async def scenario(made: World) -> None:
        login = Login()
        async with upstream(login) as server:
            made.vault[SECRET] = login_secret(server)
            asked = plan(server, auth=Auth("oauth2_client_credentials", SECRET))
            told = await asyncio.gather(*(made.run(asked) for _ in range(20)))
            assert [one.status for one in told] == [200] * 20
            assert login.issued == 1
            login.revoked = 1
            assert (await made.run(asked)).status == 200  # refused, renewed, tried again
            assert login.issued == 2
            login.revoked = 2
            assert (await made.run(asked)).status == 401  # not twice in one interval
            assert login.issued == 2
            made.clock.now_s += 300
            await made.run(asked)
            assert login.issued == 3

    run(scenario)


def test_a_post_is_not_sent_twice_but_the_next_one_has_a_new_token() -> None:
    async def scenario(made: World) -> None:
        login = Login()
        async with upstream(login) as server:
            made.vault[SECRET] = login_secret(server)
            asked = plan(server, method="POST", body=b"{}", auth=Auth("oauth2_client_credentials", SECRET))
            assert (await made.run(asked)).status == 200
            login.revoked = 1
            assert [(await made.run(asked)).status for _ in range(2)] == [401, 200]

    run(scenario)


class Flaky:
    """Fails so often, then answers."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)

    async def __call__(self, _request: web.Request) -> web.StreamResponse:
        status = self.statuses.pop(0) if self.statuses else 200
        return web.json_response({"status": status}, status=status)


@pytest.mark.parametrize(("method", "want", "sent"), [
    ("GET", 200, 2), ("PUT", 200, 2), ("POST", 503, 1), ("PATCH", 503, 1)])
def test_only_what_may_be_repeated_is_tried_again(method: str, want: int, sent: int) -> None:
    async def scenario(made: World) -> None:
        flaky = Flaky()
        async with upstream(flaky) as server:
            asked = plan(server, method=method, body=b"" if method == "GET" else b"{}")
            for _ in range(5):  # saves one second try
                await made.run(asked)
            flaky.statuses = [503]
            before = len(server.requests)
            assert (await made.run(asked)).status == want
            assert len(server.requests) - before == sent

    run(scenario)


def test_second_tries_stay_within_a_fifth() -> None:
    async def scenario(made: World) -> None:
        async with upstream(json_answer({}, status=503)) as server:
            asked = plan(server)
            asked = replace(asked, breaker=replace(asked.breaker, failures=1000))
            for _ in range(50):
                await made.run(asked)
            assert len(server.requests) == 60

    run(scenario)


def test_a_breaker_opens_rests_probes_and_closes() -> None:
    async def scenario(made: World) -> None:
        flaky = Flaky(500, 500, 500)
        async with upstream(flaky) as server:
            asked = plan(server, method="POST")
            assert [(await made.run(asked)).status for _ in range(3)] == [500] * 3
            told = await made.run(asked)
            assert told.code == Code.UPSTREAM_UNAVAILABLE
            assert told.error.headers == {"Retry-After": "1"}
            assert len(server.requests) == 3
            made.clock.now_s += 1
            assert (await made.run(asked)).status == 200
            assert (await made.run(asked)).status == 200

    run(scenario)


def test_a_caller_without_patience_does_not_open_the_breaker_for_others() -> None:
    async def silent(reader, _writer) -> None:
        await reader.read()

    async def scenario(made: World) -> None:
        async with raw(silent) as server:
            hasty = plan(server, timeout_ms=10, shortened=True)
            assert [(await made.run(hasty)).code for _ in range(5)] == [Code.UPSTREAM_TIMEOUT] * 5
            slow = replace(hasty, shortened=False)
            told = [(await made.run(slow)).code for _ in range(4)]
            assert told == [Code.UPSTREAM_TIMEOUT] * 3 + [Code.UPSTREAM_UNAVAILABLE]

    run(scenario)


def test_an_earlier_answer_stands_in_for_a_failure_and_says_so() -> None:
    async def scenario(made: World) -> None:
        flaky = Flaky()
        async with upstream(flaky) as server:
            asked = plan(server, method="POST", cache_ttl_s=60)
            assert (await made.run(asked)).outcome == "upstream"
            flaky.statuses = [500] * 10
            told = [await made.run(asked) for _ in range(5)]  # three that fail, two that the breaker keeps
            assert {(one.outcome, one.status, one.body) for one in told} == {("cached", 200, b'{"status": 200}')}
            assert len(server.requests) == 4
            other = replace(asked, scope=replace(asked.scope, tenant="other"))  # attack 74
            assert (await made.run(other)).outcome == "upstream"

    run(scenario)


@pytest.mark.parametrize("status", [401, 403])
def test_no_earlier_answer_follows_a_refusal(status: int) -> None:
    async def scenario(made: World) -> None:
        flaky = Flaky(200, status, 500)
        async with upstream(flaky) as server:
            asked = plan(server, method="POST", cache_ttl_s=60)
            assert [(await made.run(asked)).status for _ in range(3)] == [200, status, 500]

    run(scenario)


def test_the_credential_is_cut_out_of_an_answer_that_echoes_it_streamed_or_whole() -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        text = json.dumps(dict(request.headers)).encode()
        for at in range(0, len(text), 5):
            await response.write(text[at:at + 5])
        return response

    async def scenario(made: World) -> None:
        async with upstream(echo) as server:
            made.vault[SECRET] = secret(server, token="t0k-value")
            for ttl_s in (None, 60):
                told = await made.run(plan(server, auth=Auth("bearer", SECRET), cache_ttl_s=ttl_s))
                assert told.ended
                assert b"t0k-value" not in told.body
                assert json.loads(told.body)["Authorization"] == "Bearer [redacted]"

    run(scenario)


def test_a_streamed_answer_that_grows_too_long_is_left_without_an_end() -> None:
    async def long(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=_chunks())

    async def _chunks():
        for _ in range(50):
            yield b"x" * 1000

    async def scenario(made: World) -> None:
        async with upstream(long) as server:
            told = await made.run(plan(server))
            assert (told.status, told.ended, told.error) == (200, False, None)
            assert len(told.body) <= 10_000

    run(scenario)


def test_requests_past_the_cap_are_refused_and_slots_come_back() -> None:
    async def scenario(made: World) -> None:
        gate = asyncio.Event()

        async def wait(_request: web.Request) -> web.StreamResponse:
            await gate.wait()
            return web.json_response({})

        async with upstream(wait) as server:
            asked = plan(server, concurrency=2)
            running = [asyncio.create_task(made.run(asked)) for _ in range(3)]
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            assert [one.result().code for one in done] == [Code.RATE_LIMIT]
            gate.set()
            assert sorted(told.status for told in await asyncio.gather(*running)) == [0, 200, 200]
            assert (await made.run(asked)).status == 200

    run(scenario)


def test_what_an_answer_shows_goes_through_policy() -> None:
    async def scenario(made: World) -> None:
        async with upstream(json_answer({"ssn": "1"}, headers={"Set-Cookie": "a=b"})) as server:
            told: Told = await made.run(plan(
                server, mask=lambda kind, body, echoes: f"{kind} {len(body)} {len(echoes)}".encode(),
                shown=lambda _status, headers: [pair for pair in headers if pair[0] != "Set-Cookie"]))
            assert told.body == b"application/json; charset=utf-8 12 0"
            assert "set-cookie" not in told.headers
            assert JSON[0].lower() in told.headers

    run(scenario)
