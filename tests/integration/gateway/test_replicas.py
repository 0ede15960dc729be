"""Two real servers on one PostgreSQL and one Redis: what one does the other knows; what is left when a part dies."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest

from tests.integration.gateway.proxies import PATH, Answer
from tests.integration.gateway.replicas import ROUTES, START_S, VERSION, Replicas, two_replicas
from tests.integration.services import Service
from tests.unit.gateway.registered import NAME, sent

pytestmark = pytest.mark.alone  # two servers, a database, a Redis and two hundred requests at once

RACE = 200


@pytest.fixture(scope="module")
def both(
    postgres: Service, redis: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    with two_replicas(postgres, redis, tmp_path_factory.mktemp("replicas")) as replicas:
        yield replicas


@pytest.fixture
def replicas(both: Replicas) -> Replicas:
    both.start_far()
    both.vendor.bodies.clear()
    both.vendor.arrived.clear()
    both.vendor.release.clear()
    return both


def raced(replicas: Replicas, count: int, *, same_nonce: bool) -> Counter[str]:
    """How ``count`` requests end that come to both replicas at once: outcome or code, and how often."""
    hosts = replicas.hosts()
    fixed = hosts[0].headers("POST", PATH, "", b"{}") if same_nonce else None

    async def run() -> list[Answer]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
            return await asyncio.gather(*(
                hosts[n % 2].send(client, body=b"{}", headers=fixed) for n in range(count)))

    return Counter(
        answer.code if answer.outcome == "gateway" else answer.outcome for answer in asyncio.run(run()))


def test_what_is_registered_at_one_is_served_blocked_and_written_down_at_the_other(replicas: Replicas) -> None:
    replicas.new_tenant()
    near, far = replicas.hosts()
    assert replicas.ask(1, "GET", ROUTES) == replicas.ask(0, "GET", ROUTES)
    assert replicas.ask(1, "GET", VERSION, token=far.token)[1]["version"] == "2.1.0"
    assert far.ask().outcome == near.ask().outcome == "upstream"
    told: list[object] = []
    waiting = threading.Thread(target=lambda: told.append(
        replicas.ask(1, "GET", "/api/v2/plugins/changes?since=1", token=far.token)))
    waiting.start()
    replicas.ask(0, "PATCH", VERSION, {"state": "blocked"})
    waiting.join(START_S)
    assert told == [(200, {"revision": 2, "blocked": [f"{NAME}@2.1.0"]})]
    assert until_code(replicas, "PLUGIN_BLOCKED") == "PLUGIN_BLOCKED"
    actions = [one["action"] for one in replicas.ask(1, "GET", "/api/v2/audit")[1]["entries"]]
    assert actions == ["plugin.blocked", "route.add", "plugin.enabled", "plugin.grant", "plugin.add"]


def test_a_nonce_spends_once_across_both_under_a_race_of_two_hundred(replicas: Replicas) -> None:
    replicas.new_tenant(rateLimit={"requestsPerMinute": 6000, "burstSize": 500, "concurrency": RACE})
    assert raced(replicas, RACE, same_nonce=False) == {"upstream": RACE}  # the control: nothing else refuses any
    replicas.vendor.bodies.clear()
    assert raced(replicas, RACE, same_nonce=True) == {"upstream": 1, "NONCE_REJECTED": RACE - 1}
    assert len(replicas.vendor.bodies) == 1


def test_a_routes_limit_holds_across_both(replicas: Replicas) -> None:
    replicas.new_tenant(rateLimit={"requestsPerMinute": 1, "burstSize": 20, "concurrency": 60})
    assert raced(replicas, 60, same_nonce=False) == {"upstream": 20, "RATE_LIMIT": 40}


def test_a_replica_killed_in_mid_flight_loses_its_open_sockets_and_nothing_else(replicas: Replicas) -> None:
    replicas.new_tenant()
    near, far = replicas.hosts()
    spent = far.headers("POST", PATH, "", b"{}")
    assert far.ask(body=b"{}", headers=spent).outcome == "upstream"
    lost: list[BaseException] = []

    def slow() -> None:
        try:
            far.ask(path="/proxy/vendor/risk/slow")
        except aiohttp.ClientError as error:
            lost.append(error)

    in_flight = threading.Thread(target=slow)
    in_flight.start()
    assert replicas.vendor.arrived.wait(START_S)
    replicas.kill_far()
    in_flight.join(START_S)
    assert len(lost) == 1
    assert near.ask().outcome == "upstream"
    assert near.ask(body=b"{}", headers=spent).code == "NONCE_REJECTED"
    assert replicas.ask(0, "GET", VERSION)[1]["state"] == "enabled"
    replicas.start_far()
    assert far.ask().outcome == "upstream"
    assert far.ask(body=b"{}", headers=spent).code == "NONCE_REJECTED"


@pytest.mark.parametrize("path", [
    "/api/v2/plugins/%00/versions/1.0.0", f"{ROUTES}/%00", "/api/v2/audit?target=%00", "/api/v2/audit?actor=a%00b"])
def test_text_that_postgresql_cannot_hold_is_bad_input(replicas: Replicas, path: str) -> None:
    status, refused = replicas.ask(0, "GET", path)
    assert (status, refused["error"]["code"]) == (400, "INPUT_INVALID")


def test_one_version_sent_to_both_at_once_is_registered_once(replicas: Replicas) -> None:
    replicas.tenant = "raced"
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(
            lambda n: replicas.ask(n % 2, "POST", "/api/v2/plugins", sent())[0], range(8)))
    assert sorted(statuses) == [200] * 7 + [201]


def test_without_redis_nonces_fail_closed_and_all_comes_back(replicas: Replicas, redis: Service) -> None:
    replicas.new_tenant()
    hosts = replicas.hosts()
    redis.stop()
    try:
        for host in hosts:
            refused = host.ask()
            assert (refused.status, refused.code) == (503, "STATE_UNAVAILABLE")
        assert replicas.ask(1, "POST", "/api/v2/sessions")[0] == 200  # counted here alone meanwhile
        assert replicas.vendor.bodies == []
    finally:
        redis.start()
    assert until_code(replicas, "upstream") == "upstream"


def test_without_postgresql_what_nobody_can_know_is_refused_and_all_comes_back(
    replicas: Replicas, postgres: Service
) -> None:
    replicas.new_tenant()
    postgres.stop()
    try:
        for replica in (0, 1):
            status, refused = replicas.ask(replica, "GET", VERSION)
            assert (status, refused["error"]["code"]) == (503, "STATE_UNAVAILABLE")
            assert "pysandbox@" not in str(refused)
    finally:
        postgres.start()
    assert [replicas.ask(replica, "GET", VERSION)[1]["state"] for replica in (0, 1)] == ["enabled", "enabled"]


def until_code(replicas: Replicas, wanted: str) -> str:
    """What a call ends in at both replicas, once it is ``wanted``, or at last."""
    hosts, until = replicas.hosts(), time.monotonic() + START_S
    while True:
        ends = {answer.code if answer.outcome == "gateway" else answer.outcome for answer in (h.ask() for h in hosts)}
        if ends == {wanted} or time.monotonic() > until:
            return ", ".join(sorted(ends))
        time.sleep(0.1)
