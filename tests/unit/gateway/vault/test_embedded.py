"""The embedded vault: one encrypted file, and its key."""

import asyncio
import json
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import NoKeyringError

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.vault.embedded import EmbeddedVault
from pysandbox.gateway.vault.keys import VARIABLE, new_key, vault_key
from pysandbox.gateway.vault.secret import SecretRef

RISK = SecretRef.parse("embedded://vendor/risk")
DOCUMENT = {"token": "s3cr3t-value", "hosts": ["api.vendor.example"], "tenants": ["acme"]}


def vault(file: Path, key: str) -> EmbeddedVault:
    return EmbeddedVault(file, lambda: vault_key(file, {VARIABLE: key}))


def test_a_secret_comes_back_and_is_nowhere_in_the_file(tmp_path: Path) -> None:
    file, key = tmp_path / "sub" / "vault.bin", new_key()

    async def scenario() -> None:
        await vault(file, key).put("vendor/risk", DOCUMENT)
        found = await vault(file, key).read(RISK)  # another process
        assert (dict(found.values), found.hosts, found.tenants) == (
            {"token": "s3cr3t-value"}, ("api.vendor.example",), ("acme",))

    asyncio.run(scenario())
    sealed = file.read_bytes()
    assert b"s3cr3t" not in sealed
    assert b"vendor" not in sealed  # nor any name
    assert file.stat().st_mode & 0o077 == 0


def test_a_secret_is_replaced_listed_and_deleted_while_it_is_in_use(tmp_path: Path) -> None:
    async def scenario() -> None:
        reader = writer = vault(tmp_path / "vault.bin", new_key())
        await writer.put("vendor/risk", DOCUMENT)
        assert (await reader.read(RISK)).values["token"] == "s3cr3t-value"
        await writer.put("vendor/risk", {**DOCUMENT, "token": "rotated"})
        assert (await reader.read(RISK)).values["token"] == "rotated"
        assert list(await reader.list()) == ["vendor/risk"]
        await writer.delete("vendor/risk")
        with pytest.raises(SandboxError) as error:
            await reader.read(RISK)
        assert error.value.code == Code.CREDENTIALS_UNAVAILABLE

    asyncio.run(scenario())


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        key = new_key()
        names = [f"n{number}" for number in range(12)]
        await asyncio.gather(*(vault(tmp_path / "vault.bin", key).put(name, DOCUMENT) for name in names))
        assert sorted(await vault(tmp_path / "vault.bin", key).list()) == sorted(names)

    asyncio.run(scenario())


@pytest.mark.parametrize("damage", ["key", "byte"])
def test_a_changed_file_or_another_key_is_told_and_shows_nothing(tmp_path: Path, damage: str) -> None:
    file, key = tmp_path / "vault.bin", new_key()
    asyncio.run(vault(file, key).put("vendor/risk", DOCUMENT))
    if damage == "byte":
        sealed = bytearray(file.read_bytes())
        sealed[40] ^= 1
        file.write_bytes(sealed)
    with pytest.raises(SandboxError) as error:
        asyncio.run(vault(file, new_key() if damage == "key" else key).read(RISK))
    assert error.value.code == Code.CREDENTIALS_UNAVAILABLE
    assert "s3cr3t" not in str(error.value)


def test_a_key_is_replaced_by_naming_the_new_one_first(tmp_path: Path) -> None:
    file, old, new = tmp_path / "vault.bin", new_key(), new_key()

    async def scenario() -> None:
        await vault(file, old).put("vendor/risk", DOCUMENT)
        await vault(file, f"{new}, {old}").put("other", DOCUMENT)
        assert sorted(await vault(file, new).list()) == ["other", "vendor/risk"]

    asyncio.run(scenario())


def test_what_is_no_secret_is_never_stored(tmp_path: Path) -> None:
    kept = vault(tmp_path / "vault.bin", new_key())
    for name, document in [("a", {"token": "x"}), ("../a", DOCUMENT), ("a b", DOCUMENT)]:
        with pytest.raises(SandboxError) as error:
            asyncio.run(kept.put(name, document))
        assert error.value.code == Code.INPUT_INVALID
    assert not (tmp_path / "vault.bin").exists()


def test_a_key_that_is_none_is_told_without_a_word_of_it(tmp_path: Path) -> None:
    with pytest.raises(SandboxError) as error:
        vault_key(tmp_path / "vault.bin", {VARIABLE: "hunter2"})
    assert "hunter2" not in str(error.value)
    assert "pysandbox vault key" in error.value.message


class MemoryKeyring(KeyringBackend):
    """A system's keyring."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def system_keyring() -> MemoryKeyring:
    before = keyring.get_keyring()
    ours = MemoryKeyring()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


def test_without_a_variable_the_keyring_holds_one_key_for_each_vault(
    tmp_path: Path, system_keyring: MemoryKeyring
) -> None:
    one = vault_key(tmp_path / "a", {}).encrypt(b"x")
    vault_key(tmp_path / "b", {})
    assert vault_key(tmp_path / "a", {}).decrypt(one) == b"x"
    assert len(system_keyring.kept) == 2


def test_a_vault_whose_key_is_gone_gets_no_new_one(tmp_path: Path, system_keyring: MemoryKeyring) -> None:
    (tmp_path / "vault.bin").write_bytes(b"sealed by a key that is lost")
    with pytest.raises(SandboxError):
        vault_key(tmp_path / "vault.bin", {})
    assert system_keyring.kept == {}


def test_a_machine_without_a_keyring_is_told_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise NoKeyringError

    monkeypatch.setattr(keyring, "get_password", none)
    with pytest.raises(SandboxError) as error:
        vault_key(tmp_path / "vault.bin", {})
    assert VARIABLE in error.value.message


def test_the_document_is_kept_as_it_was_given(tmp_path: Path) -> None:
    file, key = tmp_path / "vault.bin", new_key()
    asyncio.run(vault(file, key).put("vendor/risk", DOCUMENT))
    plain = vault_key(file, {VARIABLE: key}).decrypt(file.read_bytes())
    assert json.loads(plain) == {"vendor/risk": DOCUMENT}
