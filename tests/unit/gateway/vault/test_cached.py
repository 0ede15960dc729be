"""Secrets off the hot path: one fetch for all, rotation without a restart, an end to what is too old."""

import asyncio

import pytest

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.vault.cached import CachedVault
from pysandbox.gateway.vault.secret import Secret, SecretRef, parse_secret
from pysandbox.gateway.vault.vaults import Vaults

REF = SecretRef.parse("vault://prod/risk")


class Store:
    """A vault whose secret changes, and which can be away; it answers when ``gate`` is open."""

    def __init__(self) -> None:
        self.reads = 0
        self.token = "first"
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, _ref: SecretRef) -> Secret:
        self.reads += 1
        token = self.token
        await self.gate.wait()
        if self.away:
            raise SandboxError(Code.CREDENTIALS_UNAVAILABLE, "away")
        return Secret({"token": token})


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def run(scenario) -> None:
    async def started() -> None:
        store, clock = Store(), Clock()
        await scenario(store, clock, CachedVault(store, clock=clock, fresh_s=30, stale_s=300))

    asyncio.run(started())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_many_that_ask_at_once_make_one_fetch() -> None:
    async def scenario(store: Store, _clock: Clock, vault: CachedVault) -> None:
        store.gate.clear()
        asked = [asyncio.create_task(vault.read(REF)) for _ in range(50)]
        await settle()
        asked[0].cancel()  # one that gives up ends it for nobody else
        store.gate.set()
        assert {secret.values["token"] for secret in await asyncio.gather(*asked[1:])} == {"first"}
        assert store.reads == 1

    run(scenario)


def test_a_rotated_secret_comes_into_use_and_nobody_waits_for_it() -> None:
    async def scenario(store: Store, clock: Clock, vault: CachedVault) -> None:
        await vault.read(REF)
        store.token = "second"
        clock.now += 29
        assert (await vault.read(REF)).values["token"] == "first"
        assert store.reads == 1
        clock.now += 2
        store.gate.clear()
        assert (await vault.read(REF)).values["token"] == "first"
        store.gate.set()
        await settle()
        assert (await vault.read(REF)).values["token"] == "second"

    run(scenario)


def test_a_vault_that_is_away_is_bridged_for_a_while_and_no_longer() -> None:
    async def scenario(store: Store, clock: Clock, vault: CachedVault) -> None:
        await vault.read(REF)
        store.away = True
        clock.now += 299
        assert (await vault.read(REF)).values["token"] == "first"
        await settle()
        clock.now += 1
        with pytest.raises(SandboxError) as error:
            await vault.read(REF)
        assert error.value.code == Code.CREDENTIALS_UNAVAILABLE
        store.away = False
        assert (await vault.read(REF)).values["token"] == "first"

    run(scenario)


def test_what_is_forgotten_is_not_brought_back_by_a_fetch_that_was_under_way() -> None:
    async def scenario(store: Store, _clock: Clock, vault: CachedVault) -> None:
        store.gate.clear()
        late = asyncio.create_task(vault.read(REF))
        await settle()
        store.token = "second"
        vault.forget(REF)
        store.gate.set()
        await late
        assert (await vault.read(REF)).values["token"] == "second"

    run(scenario)


def test_a_reference_whose_vault_is_not_set_up_is_told() -> None:
    with pytest.raises(SandboxError) as error:
        asyncio.run(Vaults({}).read(REF))
    assert error.value.code == Code.CREDENTIALS_UNAVAILABLE
    assert "vault://" in error.value.message


def test_a_broken_document_of_a_vault_is_the_operators_to_mend() -> None:
    class Broken:
        async def read(self, _ref: SecretRef) -> Secret:
            return parse_secret({"token": "hunter2"})

    with pytest.raises(SandboxError) as error:
        asyncio.run(Vaults({"vault": Broken()}).read(REF))
    assert error.value.code == Code.CREDENTIALS_UNAVAILABLE
    assert "$.hosts" in error.value.message
    assert "hunter2" not in error.value.message
