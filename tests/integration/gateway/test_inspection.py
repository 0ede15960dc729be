"""Inspection end to end: what is odd is counted, and goes no further where the route says so."""

import asyncio
import json

import aiohttp

from pysandbox.gateway.proxy.inspection import Finding, Kind
from tests.integration.gateway.proxies import Backing, Host, gateway, route_body
from tests.integration.gateway.upstreams import json_answer, upstream

CARD = b'{"note":"4111 1111 1111 1111"}'


def exchanged(body: bytes, **changed: object) -> tuple[int, int, list[tuple[str, Finding]], bytes]:
    """Status, requests that reached the upstream, findings, and the answer's body."""
    told: list[tuple[str, Finding]] = []

    async def run() -> tuple[int, int, bytes]:
        async with upstream(json_answer({"score": 7})) as server:
            backing = Backing([route_body(server.url, **changed)])
            with gateway(backing, found=lambda route, finding: told.append((route, finding))) as origin:
                async with aiohttp.ClientSession() as client:
                    answer = await Host(origin).send(client, body=body)
            return answer.status, len(server.requests), answer.body

    status, reached, answer = asyncio.run(run())
    return status, reached, told, answer


def test_a_card_number_in_a_request_is_counted_where_the_route_observes() -> None:
    status, reached, told, _ = exchanged(CARD)
    assert (status, reached, told) == (200, 1, [("Risk", Finding(Kind.PERSONAL_DATA, "body"))])


def test_a_card_number_in_a_request_goes_nowhere_where_the_route_blocks() -> None:
    status, reached, told, answer = exchanged(CARD, inspection="block")
    assert (status, reached, told) == (400, 0, [("Risk", Finding(Kind.PERSONAL_DATA, "body"))])
    assert json.loads(answer)["error"]["code"] == "INPUT_INVALID"
    assert b"4111" not in answer


def test_nothing_is_looked_at_where_inspection_is_off() -> None:
    assert exchanged(CARD, inspection="off")[:3] == (200, 1, [])
