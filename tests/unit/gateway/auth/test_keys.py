"""Keys are fetched when they are due, or when one is missing, never more often; and only public ones are used."""

from __future__ import annotations

import asyncio
import json

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.auth.keys import KeySource, parse_keys

ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
WEAK = {"kty": "RSA", "kid": "weak", "e": "AQAB", "n": "x" * 171}  # 1024 bits


class Platform:
    """Gives ``keys``, or fails; counts how often it was asked."""

    def __init__(self, *keys: OKPKey | ECKey) -> None:
        self.keys = keys
        self.asked = 0
        self.away = False
        self.now_s = 0.0

    async def read(self) -> bytes:
        self.asked += 1
        if self.away:
            raise SandboxError(Code.UPSTREAM_FAILED)
        return jwks(*(key.as_dict(private=False) for key in self.keys))

    def source(self) -> KeySource:
        return KeySource(self.read, lambda: self.now_s, refresh_s=300)


def jwks(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_keys_are_read_once_for_many_and_again_when_due() -> None:
    async def run() -> None:
        platform = Platform(ED)
        source = platform.source()
        await asyncio.gather(*(source.find("ed") for _ in range(20)))
        assert platform.asked == 1
        platform.now_s = 299
        assert await source.find("ed") is not None
        platform.now_s = 300
        assert await source.find("ed") is not None
        assert platform.asked == 2

    asyncio.run(run())


def test_a_new_key_is_found_at_once_and_an_unknown_one_costs_little() -> None:
    async def run() -> None:
        platform = Platform(ED)
        source = platform.source()
        await source.find("ed")
        platform.now_s, platform.keys = 31, (ED, EC)
        assert await source.find("ec") is not None
        for _ in range(50):
            assert await source.find("made-up") is None
        assert platform.asked == 2

    asyncio.run(run())


def test_a_key_that_was_withdrawn_is_forgotten() -> None:
    async def run() -> None:
        platform = Platform(ED, EC)
        source = platform.source()
        assert await source.find("ed") is not None
        platform.now_s, platform.keys = 300, (EC,)
        assert await source.find("ed") is None

    asyncio.run(run())


def test_keys_outlive_a_short_absence_of_the_platform_but_not_a_long_one() -> None:
    async def run() -> None:
        platform = Platform(ED)
        source = platform.source()
        await source.find("ed")
        platform.away, platform.now_s = True, 3500
        assert await source.find("ed") is not None
        platform.now_s = 3700
        with pytest.raises(SandboxError) as caught:
            await source.find("ed")
        assert caught.value.code == Code.STATE_UNAVAILABLE
        assert not await source.ready()
        platform.away, platform.now_s = False, 3800
        assert await source.find("ed") is not None
        assert await source.ready()

    asyncio.run(run())


def test_a_token_that_names_no_key_gets_the_only_one() -> None:
    async def run() -> None:
        assert await Platform(ED).source().find(None) is not None
        assert await Platform(ED, EC).source().find(None) is None

    asyncio.run(run())


@pytest.mark.parametrize("data", [
    b"", b"[]", b"{}", b"\xff", b'{"keys": 1}', b'{"keys": []}', b'{"keys": [1, null, {}, {"kty": "RSA"}]}',
    b"[" * 5000, jwks(OctKey.generate_key(256).as_dict(private=True)), jwks(ED.as_dict(private=True)),
    jwks({**ED.as_dict(private=False), "use": "enc"}), jwks(WEAK),
], ids=range(12))
def test_what_holds_no_public_key_for_signatures_is_refused(data: bytes) -> None:
    with pytest.raises(SandboxError):
        parse_keys(data)


def test_a_key_of_an_unknown_kind_does_not_spoil_the_others() -> None:
    assert set(parse_keys(jwks({"kty": "AKP", "alg": "ML-DSA-44"}, ED.as_dict(private=False)))) == {"ed"}
