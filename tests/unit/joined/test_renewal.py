"""A session is renewed while its page is open, and the next request goes out under the new one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.joined.lab import Lab
from tests.unit.joined.stand_in import proxy_session
from tests.unit.joined.virtual_time import in_virtual_time

LIFE_MS = 100_000
ROTATE = "/api/v2/sessions/rotate"


def lab_with_short_sessions(folder: Path, **more: Any) -> Lab:
    lab = Lab(folder)
    lab.gateway.session.update(proxy_session(expiresAt=3_600_000 + LIFE_MS, **more))
    return lab


def answer_rotate(lab: Lab, status: int, body: dict[str, Any]) -> None:
    lab.gateway.answers[ROTATE] = (status, json.dumps(body).encode())


@in_virtual_time
async def test_a_session_is_renewed_before_it_ends(tmp_path: Path) -> None:
    async with lab_with_short_sessions(tmp_path) as lab:
        answer_rotate(lab, 200, {**lab.gateway.session, "token": "second", "expiresAt": 3_600_000 + 10 * LIFE_MS})
        await lab.start()
        await asyncio.sleep(LIFE_MS / 1000 * 0.5)
        assert "second" not in lab.gateway.tokens
        await asyncio.sleep(LIFE_MS / 1000 * 0.2)
        assert lab.session._open_session().token == "second"
        await lab.load()
        assert "second" in lab.gateway.tokens


@in_virtual_time
async def test_a_gateway_that_is_away_is_asked_again(tmp_path: Path) -> None:
    async with lab_with_short_sessions(tmp_path) as lab:
        lab.gateway.answers[ROTATE] = ConnectionError("away")
        await lab.start()
        await asyncio.sleep(LIFE_MS / 1000 * 0.7)
        answer_rotate(lab, 200, {**lab.gateway.session, "token": "second", "expiresAt": 3_600_000 + 10 * LIFE_MS})
        await asyncio.sleep(11)
        assert lab.session._open_session().token == "second"


@pytest.mark.parametrize("ends", ["revoked", "closed", "development"])
@in_virtual_time
async def test_what_is_over_is_not_renewed(tmp_path: Path, ends: str) -> None:
    async with lab_with_short_sessions(tmp_path) as lab:
        asked = 0
        fetch = lab.gateway.fetch

        async def counted(method: str, path: str, token: str) -> tuple[int, bytes]:
            nonlocal asked
            asked += path == ROTATE
            return await fetch(method, path, token)

        lab.gateway.fetch = counted  # type: ignore[method-assign]
        answer_rotate(lab, 401, {"error": {"code": "SESSION_INVALID", "message": "revoked"}})
        if ends == "development":
            del lab.gateway.session["token"]
        await lab.start()
        if ends == "closed":
            await lab.request("close")
        await asyncio.sleep(LIFE_MS / 1000 * 5)
        assert asked == (1 if ends == "revoked" else 0)


@in_virtual_time
async def test_a_closed_session_ends_at_the_gateway_before_the_page_is_told(tmp_path: Path) -> None:
    async with lab_with_short_sessions(tmp_path, token="first") as lab:
        await lab.start()
        assert lab.left_behind == "first"
        await lab.request("close")
        assert lab.gateway.ended == ["first"]
        assert lab.left_behind == ""


@in_virtual_time
async def test_a_session_that_is_renewed_while_it_closes_ends_under_its_new_token(tmp_path: Path) -> None:
    async with lab_with_short_sessions(tmp_path, token="first") as lab:
        fetch = lab.gateway.fetch

        async def slow(method: str, path: str, token: str) -> tuple[int, bytes]:
            if path == ROTATE:
                await asyncio.sleep(5)
            return await fetch(method, path, token)

        lab.gateway.fetch = slow  # type: ignore[method-assign]
        answer_rotate(lab, 200, {**lab.gateway.session, "token": "second", "expiresAt": 3_600_000 + 10 * LIFE_MS})
        await lab.start()
        await asyncio.sleep(LIFE_MS / 1000 * 0.6 + 1)
        await lab.request("close")
        await asyncio.sleep(6)
        assert lab.gateway.ended == ["first", "second"]
        assert lab.left_behind == ""


@in_virtual_time
async def test_a_gateway_that_is_away_keeps_no_page_from_closing(tmp_path: Path) -> None:
    async with lab_with_short_sessions(tmp_path) as lab:
        await lab.start()

        async def away(*_: str) -> tuple[int, bytes]:
            raise ConnectionError("away")

        lab.gateway.fetch = away  # type: ignore[method-assign]
        assert await lab.request("close") == {}


@in_virtual_time
async def test_a_development_session_has_no_end(tmp_path: Path) -> None:
    async with Lab(tmp_path) as lab:
        await lab.start()
        assert lab.left_behind == ""
        await lab.request("close")
        assert not lab.gateway.ended


@pytest.mark.parametrize("change", [{"nonceSeed": "xyz"}, {"nonceSeed": "A" * 64}, {"sessionId": "5"}, {"now": "soon"}])
@in_virtual_time
async def test_a_session_of_another_shape_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    async with lab_with_short_sessions(tmp_path, **change) as lab:
        assert (await lab.open())["code"] == "SESSION_INVALID"
