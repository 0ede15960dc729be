"""Sessions are opened, found, rotated and ended; and what lies in the database opens nothing."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.auth.principal import OPEN_SESSIONS, Principal
from pysandbox.gateway.auth.sessions import FRESH_MS, ROTATED_MS, GatewaySessions, capped
from pysandbox.gateway.store.database import Database
from pysandbox.gateway.store.tables import sessions as table

ANN = Principal("ann", "acme", frozenset({OPEN_SESSIONS}), 0)
IDLE_MS, LIFE_MS = 3_600_000, 10_000_000


class World:
    """One database, and as many replicas as are asked for; one clock."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now_ms = 1_000_000

    def replica(self) -> GatewaySessions:
        return GatewaySessions(
            self.database, idle_ms=IDLE_MS, lifetime_ms=LIFE_MS, allowed_origins=["https://app.example"],
            now_ms=lambda: self.now_ms, random_hex=secrets.token_hex)

    async def rows(self) -> list[sa.Row[tuple[object, ...]]]:
        async with self.database.begin() as connection:
            return list((await connection.execute(sa.select(table))).all())


@asynccontextmanager
async def world(folder: Path) -> AsyncGenerator[World]:
    database = Database.open(f"sqlite:///{folder}/gateway.db")
    await database.migrate()
    try:
        yield World(database)
    finally:
        await database.close()


def within(test: Callable[[World], Awaitable[None]], folder: Path) -> None:
    async def run() -> None:
        async with world(folder) as made:
            await test(made)

    asyncio.run(run())


async def is_refused(asked: Awaitable[object]) -> bool:
    with pytest.raises(SandboxError) as caught:
        await asked
    return caught.value.code == Code.SESSION_INVALID


def test_a_scope_that_the_user_lacks_caps_a_permission_and_others_pass() -> None:
    asked = ["webchat:session:read", "integration:edit", "integration:proxy:invoke"]
    assert capped(asked, frozenset({"webchat:session:read"})) == {"webchat:session:read", "integration:proxy:invoke"}


def test_a_session_is_found_by_its_token_at_any_replica(tmp_path: Path) -> None:
    async def test(at: World) -> None:
        opened = await at.replica().open(ANN, ["integration:proxy:invoke", "integration:edit"])
        found = await at.replica().find(opened.token)
        assert found == opened.session
        assert found.grants == {"integration:proxy:invoke"}
        assert (found.tenant, found.subject, found.expires_at_ms) == ("acme", "ann", at.now_ms + LIFE_MS)
        assert len(bytes.fromhex(found.session_id)) == 16
        assert len(bytes.fromhex(found.nonce_seed)) == 32
        assert await is_refused(at.replica().find(opened.token[:-1]))
        assert await is_refused(at.replica().find("\udc80"))

    within(test, tmp_path)


def test_what_the_database_holds_is_neither_token_nor_seed(tmp_path: Path) -> None:
    async def test(at: World) -> None:
        opened = await at.replica().open(ANN, [])
        rows = str(await at.rows())
        assert opened.session.session_id in rows
        assert opened.token not in rows
        assert opened.session.nonce_seed not in rows
        assert opened.token not in repr(opened)
        assert opened.session.nonce_seed not in repr(opened)

    within(test, tmp_path)


def test_a_session_ends_when_it_is_not_used(tmp_path: Path) -> None:
    async def test(at: World) -> None:
        replica = at.replica()
        opened = await replica.open(ANN, [])
        for _ in range(2):  # used, it lives on
            at.now_ms += IDLE_MS - 1
            await replica.find(opened.token)
        at.now_ms += IDLE_MS
        assert await is_refused(replica.find(opened.token))

    within(test, tmp_path)


def test_a_session_ends_however_much_it_is_used(tmp_path: Path) -> None:
    async def test(at: World) -> None:
        replica = at.replica()
        opened = await replica.open(ANN, [])
        end = at.now_ms + LIFE_MS
        while at.now_ms < end - FRESH_MS:
            await replica.find(opened.token)
            at.now_ms = min(at.now_ms + IDLE_MS // 2, end - 1)
        await replica.find(opened.token)
        at.now_ms = end
        assert await is_refused(replica.find(opened.token))

    within(test, tmp_path)


def test_a_use_is_written_down_now_and_then_and_not_each_time(tmp_path: Path) -> None:
    async def test(at: World) -> None:
        replica = at.replica()
        opened = await replica.open(ANN, [])
        began = at.now_ms
        at.now_ms += IDLE_MS // 20 - 1
        await replica.find(opened.token)
        assert (await at.rows())[0].used_at_ms == began
        at.now_ms += FRESH_MS
        await replica.find(opened.token)
        assert (await at.rows())[0].used_at_ms == at.now_ms

    within(test, tmp_path)


def test_rotation_gives_a_new_token_and_seed_and_the_old_ones_end_soon(tmp_path: Path) -> None:
    async def test(at: World) -> None:
        replica = at.replica()
        old = await replica.open(ANN, ["x:y:z"])
        new = await replica.rotate(old.token)
        assert (new.session.session_id, new.session.grants) == (old.session.session_id, {"x:y:z"})
        assert new.token != old.token
        assert new.session.nonce_seed != old.session.nonce_seed
        assert new.session.expires_at_ms == old.session.expires_at_ms
        at.now_ms += ROTATED_MS - 1
        assert (await replica.find(old.token)).nonce_seed == old.session.nonce_seed
        at.now_ms += 1
        assert await is_refused(replica.find(old.token))
        assert (await replica.find(new.token)).nonce_seed == new.session.nonce_seed

    within(test, tmp_path)


def test_what_is_made_of_an_old_token_ends_with_it(tmp_path: Path) -> None:
    async def test(at: World) -> None:
        replica = at.replica()
        old = await replica.open(ANN, [])
        await replica.rotate(old.token)
        again = await replica.rotate(old.token)
        at.now_ms += ROTATED_MS
        assert await is_refused(replica.find(again.token))

    within(test, tmp_path)


def test_of_two_rotations_at_once_one_wins(tmp_path: Path) -> None:
    async def test(at: World) -> None:
        old = await at.replica().open(ANN, [])
        one, other = at.replica(), at.replica()
        await one.find(old.token)
        await other.find(old.token)
        await one.rotate(old.token)
        assert await is_refused(other.rotate(old.token))

    within(test, tmp_path)


def test_a_revoked_session_is_over_under_all_its_tokens(tmp_path: Path) -> None:
    async def test(at: World) -> None:
        replica, other = at.replica(), at.replica()
        old = await replica.open(ANN, [])
        new = await replica.rotate(old.token)
        await other.find(new.token)
        await replica.revoke(new.token)
        for token in (old.token, new.token):
            assert await is_refused(replica.find(token))
        at.now_ms += FRESH_MS
        assert await is_refused(other.find(new.token))

    within(test, tmp_path)


def test_a_users_sessions_end_in_their_own_tenant_alone(tmp_path: Path) -> None:
    async def test(at: World) -> None:
        replica = at.replica()
        mine = [await replica.open(ANN, []) for _ in range(2)]
        namesake = await replica.open(Principal("ann", "globex", frozenset(), 0), [])
        assert await replica.revoke_subject("acme", "ann") == 2
        assert await is_refused(replica.find(mine[0].token))
        assert (await replica.find(namesake.token)).tenant == "globex"

    within(test, tmp_path)


def test_rows_of_ended_sessions_are_swept_and_no_others(tmp_path: Path) -> None:
    async def test(at: World) -> None:
        replica = at.replica()
        await replica.open(ANN, [])
        at.now_ms += IDLE_MS // 2
        lives = await replica.open(ANN, [])
        at.now_ms += IDLE_MS // 2
        assert await replica.sweep() == 1
        assert (await replica.find(lives.token)).session_id == lives.session.session_id

    within(test, tmp_path)


def test_without_its_database_no_session_is_known(tmp_path: Path) -> None:
    async def run() -> None:
        database = Database.open(f"sqlite:///{tmp_path}/gateway.db")
        with pytest.raises(SandboxError) as caught:
            await World(database).replica().find("x")
        assert caught.value.code == Code.STATE_UNAVAILABLE
        await database.close()

    asyncio.run(run())
