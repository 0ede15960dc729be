"""A route that is replaced under its name, while requests come."""

from aiohttp import web

from tests.integration.gateway.proxies import RISK, Backing, Host, run
from tests.integration.gateway.upstreams import Upstream


def test_a_route_that_was_replaced_begins_anew() -> None:
    """What failed was another upstream, and what it answered was masked by other rules."""
    moods = {"status": 200}

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.json_response(RISK, status=moods["status"])

    async def scenario(host: Host, backing: Backing, server: Upstream, client) -> None:
        assert (await host.send(client)).status == 200
        moods["status"] = 500
        answers = [await host.send(client) for _ in range(3)]
        assert [answer.outcome for answer in answers] == ["cached"] * 3
        assert len(server.requests) == 3  # the breaker has opened
        backing.bodies[0] = {**backing.bodies[0], "responseTransform": {"maskFields": ["ssn", "name"]}}
        answer = await host.send(client)
        assert (answer.status, answer.outcome) == (500, "upstream")
        assert b"Ada" not in answer.body
        moods["status"] = 200
        assert [(await host.send(client)).outcome for _ in range(2)] == ["upstream"] * 2

    run(scenario, handler, cache={"ttlSeconds": 60}, circuitBreaker={"failures": 2, "baseMs": 60_000},
        responseTransform={"maskFields": ["ssn"]})
