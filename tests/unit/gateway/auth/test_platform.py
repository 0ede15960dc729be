"""A platform token opens what it says, if it is one; each way to forge one is refused."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.auth.keys import KeySource, static_reader
from pysandbox.gateway.auth.platform import Expected, PlatformTokens
from pysandbox.gateway.auth.principal import Principal

NOW = 1_800_000_000
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
PINNED = RSAKey.generate_key(2048, {"kid": "pinned", "alg": "PS256"})
STRANGER = OKPKey.generate_key("Ed25519", {"kid": "ed"})
ALL = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
GOOD: dict[str, Any] = {
    "iss": "https://id.example", "aud": "pysandbox", "sub": "ann", "tenant": "acme", "scope": "a:b c:d",
    "iat": NOW - 10, "exp": NOW + 300}


def check(token: str, *, algorithms: tuple[str, ...] = ALL, **expected: Any) -> Principal:
    source = KeySource(
        static_reader([key.as_dict(private=False) for key in (RSA, EC, ED, PINNED)]), lambda: 0.0, refresh_s=300)
    tokens = PlatformTokens(source, Expected(
        "https://id.example", "pysandbox", algorithms, **expected), lambda: NOW)
    return asyncio.run(tokens.check(token))


def sign(claims: dict[str, Any] | None = None, key: Any = ED, alg: str = "Ed25519", **header: Any) -> str:
    return jwt.encode({"alg": alg, "kid": key.kid, **header}, claims or GOOD, key, algorithms=[alg])


def raw(header: object, claims: object = GOOD, signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def is_refused(token: str, **expected: Any) -> bool:
    with pytest.raises(SandboxError) as caught:
        check(token, **expected)
    told = caught.value.message
    return caught.value.code == Code.SESSION_INVALID and (len(token) < 5 or token not in told)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # by RFC 9864; platforms still send it
@pytest.mark.parametrize(
    ("key", "alg"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")])
def test_a_good_token_opens_what_it_says(key: Any, alg: str) -> None:
    found = check(sign(key=key, alg=alg))
    assert found == Principal("ann", "acme", frozenset({"a:b", "c:d"}), (NOW + 300) * 1000)


def test_claims_may_have_other_names_and_scopes_may_be_a_list() -> None:
    claims = {**GOOD, "org": "globex", "permissions": ["x:y"], "aud": ["other", "pysandbox"]}
    found = check(sign(claims), tenant_claim="org", scope_claim="permissions")
    assert (found.tenant, found.scopes) == ("globex", frozenset({"x:y"}))


@pytest.mark.parametrize("change", [
    {"iss": "https://evil.example"}, {"iss": None}, {"iss": ["https://id.example"]}, {"aud": "other"}, {"aud": None},
    {"aud": []}, {"aud": {"pysandbox": 1}}, {"exp": NOW - 31}, {"exp": None}, {"exp": "9999999999"}, {"exp": True},
    {"nbf": NOW + 31}, {"iat": NOW + 31}, {"sub": None}, {"sub": ""}, {"sub": "a\nb"}, {"sub": 7}, {"tenant": None},
    {"tenant": ""}, {"tenant": "../acme"}, {"tenant": "a b"}, {"tenant": ["acme"]}, {"scope": 7}, {"scope": {"a": 1}},
    {"scope": [1]}, {"scope": ["x"] * 201}])
def test_each_wrong_claim_is_refused(change: dict[str, Any]) -> None:
    assert is_refused(sign({**GOOD, **change}))


def test_the_platforms_clock_may_be_off_a_little() -> None:
    assert check(sign({**GOOD, "exp": NOW - 29, "iat": NOW + 29})).subject == "ann"
    assert is_refused(sign({**GOOD, "exp": NOW - 1}), leeway_s=0)


def test_without_a_signature_nothing_passes() -> None:
    for alg in ("none", "None", "NONE", ""):
        assert is_refused(raw({"alg": alg, "kid": "ed"}))
        assert is_refused(raw({"alg": alg, "kid": "ed"}), algorithms=(*ALL, alg))


def test_a_public_key_is_no_secret_to_sign_with() -> None:
    pem = RSA.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secret = OctKey.import_key(base64.b64encode(pem).decode())
    forged = jwt.encode({"alg": "HS256", "kid": "rsa"}, GOOD, secret, algorithms=["HS256"])
    assert is_refused(forged)
    assert is_refused(forged, algorithms=(*ALL, "HS256"))  # even where an operator could allow it


def test_an_algorithm_that_is_not_on_the_list_is_refused() -> None:
    assert is_refused(sign(key=RSA, alg="RS256"), algorithms=("ES256",))


def test_a_key_is_used_for_its_own_algorithm_alone() -> None:
    assert check(sign(key=PINNED, alg="PS256")).subject == "ann"
    unpinned = RSAKey.import_key({k: v for k, v in PINNED.as_dict(private=True).items() if k != "alg"})
    assert is_refused(sign(key=unpinned, alg="RS256"))


def test_a_strangers_key_under_a_known_name_is_refused() -> None:
    assert is_refused(sign(key=STRANGER))
    assert is_refused(sign(key=ED, kid="unknown"))


def test_keys_that_a_token_brings_along_are_not_used() -> None:
    assert is_refused(sign(key=STRANGER, jwk=STRANGER.as_dict(private=False), jku="https://evil.example/jwks"))


@pytest.mark.parametrize("position", [-1, 0, 1, 2])
def test_a_changed_token_is_refused(position: int) -> None:
    parts = sign().split(".")
    if position < 0:
        assert is_refused(".".join(parts[:2]))
        return
    parts[position] = parts[position][:-2] + ("AA" if parts[position][-2:] != "AA" else "BB")
    assert is_refused(".".join(parts))


@pytest.mark.parametrize("token", [
    "", ".", "..", "a.b.c", "x" * 9000, "é.é.é", raw([]), raw({"alg": ["Ed25519"]}), raw({"alg": "Ed25519", "kid": 7}),
    raw({"alg": "Ed25519", "kid": "ed"}, []), raw({"alg": "dir", "enc": "A256GCM"}) + ".x.y"])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert is_refused(token)


def test_extensions_that_must_be_understood_are_not() -> None:
    assert is_refused(raw({"alg": "Ed25519", "kid": "ed", "crit": ["b64"], "b64": False}))
