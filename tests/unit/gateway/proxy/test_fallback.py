"""Fallback answers: whose they are (attack 74), what is kept, and what a refusal ends."""

from dataclasses import replace

import pytest

from pysandbox.gateway.proxy.fallback import Fallbacks, Kept, Scope

MINE = Scope("acme", "user-1", "com.vendor.risk@2.1.0", "Risk")
REQUEST = (b"POST", b"/proxy/vendor/risk/evaluate", b"a=1", b"application/json", b'{"tier":"gold"}')
ANSWER = Kept(200, (("content-type", "application/json"),), b'{"score":7}')


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


def kept(clock: Clock, answer: Kept = ANSWER, **more) -> Fallbacks:
    fallbacks = Fallbacks(clock, **more)
    told(fallbacks, answer)
    return fallbacks


def told(fallbacks: Fallbacks, answer: Kept, *controls: dict[str, str]) -> None:
    fallbacks.told(MINE, REQUEST, answer, ttl_s=60, controls=controls)


def test_the_same_request_of_the_same_user_gets_the_answer_again_until_its_time_is_up() -> None:
    clock = Clock()
    fallbacks = kept(clock)
    assert fallbacks.get(MINE, REQUEST) == ANSWER
    clock.now += 60
    assert fallbacks.get(MINE, REQUEST) is None


@pytest.mark.parametrize("other", [
    replace(MINE, tenant="other"), replace(MINE, subject="user-2"), replace(MINE, plugin="com.vendor.risk@2.1.1"),
    replace(MINE, route="Other"), Scope("acmeuser-1", "", MINE.plugin, MINE.route)])
def test_attack_74_nobody_is_shown_an_answer_of_another(other: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept(Clock()).get(other, REQUEST) is None
    # The control: a key of the request alone shows it.
    monkeypatch.setattr(Fallbacks, "_key", lambda _self, _scope, request: repr(request))
    assert kept(Clock()).get(other, REQUEST) == ANSWER


@pytest.mark.parametrize("index", range(len(REQUEST)))
def test_every_part_of_the_request_counts(index: int) -> None:
    other = [*REQUEST]
    other[index] += b" "
    assert kept(Clock()).get(MINE, other) is None


def test_parts_cannot_be_moved_into_each_other() -> None:
    assert kept(Clock()).get(MINE, (b"POST" + REQUEST[1], b"", *REQUEST[2:])) is None


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
def test_only_successes_are_kept(status: int) -> None:
    assert kept(Clock(), replace(ANSWER, status=status)).get(MINE, REQUEST) is None


@pytest.mark.parametrize("control", ["no-store", "max-age=5, No-Store", "private, no-store"])
@pytest.mark.parametrize("whose", [0, 1])
def test_no_store_of_request_or_answer_is_honoured(control: str, whose: int) -> None:
    fallbacks = Fallbacks(Clock())
    controls = [{}, {}]
    controls[whose]["cache-control"] = control
    told(fallbacks, ANSWER, *controls)
    assert fallbacks.get(MINE, REQUEST) is None


@pytest.mark.parametrize("status", [401, 403])
def test_after_a_refusal_nothing_from_before_is_shown_to_that_user(status: int) -> None:
    fallbacks = kept(Clock())
    fallbacks.told(replace(MINE, subject="user-2"), REQUEST, ANSWER, ttl_s=60, controls=())
    told(fallbacks, replace(ANSWER, status=status))
    assert fallbacks.get(MINE, REQUEST) is None
    assert fallbacks.get(replace(MINE, subject="user-2"), REQUEST) == ANSWER
    told(fallbacks, ANSWER)
    assert fallbacks.get(MINE, REQUEST) == ANSWER  # the right is back


def test_to_forget_who_was_refused_forgets_what_was_kept() -> None:
    fallbacks = kept(Clock(), max_scopes=1)
    told(fallbacks, replace(ANSWER, status=403))
    told(fallbacks, ANSWER)
    fallbacks.told(replace(MINE, subject="user-2"), REQUEST, replace(ANSWER, status=403), ttl_s=60, controls=())
    assert fallbacks.get(MINE, REQUEST) is None


def test_an_answer_larger_than_the_cache_is_not_kept() -> None:
    assert kept(Clock(), replace(ANSWER, body=b"x" * 2000), max_bytes=1000).get(MINE, REQUEST) is None


def test_an_answer_shows_nothing_of_its_body() -> None:
    assert "score" not in repr(ANSWER)
