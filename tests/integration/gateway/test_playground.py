"""`pysandbox dev` writes files: who is not its own page gets nothing, each wall shown by what happens without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from pysandbox.gateway.origins import HostGuard
from pysandbox.gateway.playground.files import version
from pysandbox.gateway.playground.routes import Playground
from pysandbox.gateway.serve import DevServer
from tests.integration.test_server import Answer, ask
from tests.unit.gateway.fake_dist import write_dist
from tests.unit.gateway.fake_plugin import SOURCE, write_plugin

EVIL = "http://evil.example"
FILE = "/playground/files/plugin.py"


def sent(origin: str, path: str, method: str, body: bytes | None, fields: dict[str, str]) -> Answer:
    """One request; fields that are empty are not sent."""
    return ask(origin, path, method, body, **{name: value for name, value in fields.items() if value})  # pyright: ignore[reportArgumentType]


class Dev:
    def __init__(self, root: Path) -> None:
        self.folder = write_plugin(root / "plugin")
        self.playground = Playground(self.folder)
        self.server = DevServer(
            self.playground.plugins, dist=write_dist(root / "dist"), routes=self.playground.routes())
        self.origin = self.server.api_origin

    def write(self, text: str, path: str = FILE, *, token: str | None = None, **fields: str) -> Answer:
        body = json.dumps({"text": text, "before": version(SOURCE)}).encode()
        token = self.playground.token if token is None else token
        told = {"Origin": self.origin, **({"Authorization": f"Bearer {token}"} if token else {}), **fields}
        return sent(self.origin, path, "PUT", body, told)

    def get(self, path: str, **fields: str) -> Answer:
        return ask(self.origin, path, Authorization=f"Bearer {self.playground.token}", **fields)

    @property
    def source(self) -> str:
        return (self.folder / "plugin.py").read_text()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    dev = Dev(tmp_path_factory.mktemp("dev"))
    with dev.server:
        yield dev


@pytest.fixture
def dev(running: Dev) -> Dev:
    """The one server, its folder as it was."""
    write_plugin(running.folder)
    return running


def test_its_own_page_reads_and_saves(dev: Dev) -> None:
    assert dev.get(FILE).json == {"text": SOURCE, "version": version(SOURCE)}
    assert dev.write("x = 1\n").status == 200
    assert dev.source == "x = 1\n"
    assert dev.write("y = 1\n").code == "INPUT_INVALID", "it was changed meanwhile"


def any_page(_self: Playground, _request: Request) -> None:
    """The wall removed."""


async def everyone(self: HostGuard, scope: Scope, receive: Receive, send: Send) -> None:
    await self._app(scope, receive, send)  # pyright: ignore[reportPrivateUsage]


REBOUND = {"Host": "evil.example:8900", "Origin": "http://evil.example:8900"}


def test_attack_a_rebound_name_reaches_no_file_even_with_the_token(dev: Dev) -> None:
    assert dev.write("pwned", **REBOUND).status == 421
    assert dev.get(FILE, **REBOUND).status == 421
    assert dev.source == SOURCE


def test_control_without_the_host_guard_a_rebound_name_would_write(dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HostGuard, "__call__", everyone)
    assert dev.write("pwned", **REBOUND).status == 200
    assert dev.source == "pwned"


@pytest.mark.parametrize("origin", [EVIL, "null", "", "sandbox"])
def test_attack_no_other_origin_writes_even_with_the_token(dev: Dev, origin: str) -> None:
    origin = dev.server.sandbox_origin if origin == "sandbox" else origin
    assert dev.write("pwned", Origin=origin).status == 403
    assert dev.source == SOURCE


def test_attack_the_sandboxs_own_origin_reads_nothing(dev: Dev) -> None:
    for path in (FILE, "/playground/state"):
        assert dev.get(path, Origin=dev.server.sandbox_origin).status == 403


def test_control_without_the_look_at_the_origin_the_sandboxs_would_write(
    dev: Dev, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Playground, "_from_own_page", any_page)
    assert dev.write("pwned", Origin=dev.server.sandbox_origin).status == 200
    assert dev.source == "pwned"


@pytest.mark.parametrize("token", ["", "wrong", "session"])
def test_attack_without_its_own_token_nothing_is_told_or_written(dev: Dev, token: str) -> None:
    token = dev.server.token if token == "session" else token
    assert dev.write("pwned", token=token).status == 401
    assert sent(dev.origin, FILE, "GET", None, {"Authorization": token and f"Bearer {token}"}).status == 401
    assert ask(dev.origin, "/playground/state").status == 401
    assert dev.source == SOURCE


@pytest.mark.parametrize(
    "name", ["../secret.py", "%2e%2e/secret.py", "..%2fsecret.py", "sub%2f..%2f..%2fsecret.py", "/etc/hosts.txt",
             "%2fetc%2fhosts.txt", ".git/config.txt"])
def test_attack_no_address_leads_out_of_the_folder(dev: Dev, name: str) -> None:
    secret = dev.folder.parent / "secret.py"
    secret.write_text(SOURCE)
    assert dev.write("pwned", f"/playground/files/{name}").status == 404
    assert dev.get(f"/playground/files/{name}").status == 404
    assert secret.read_text() == SOURCE


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"text": 1}', b'{"text": "x", "before": 1}', b"\xff"])
def test_what_is_no_order_to_write_is_refused(dev: Dev, body: bytes) -> None:
    fields = {"Origin": dev.origin, "Authorization": f"Bearer {dev.playground.token}"}
    assert ask(dev.origin, FILE, "PUT", body, **fields).code == "INPUT_INVALID"
    assert dev.source == SOURCE


def test_a_change_is_told_to_who_waits_for_it(dev: Dev) -> None:
    first = dev.get("/playground/state").json
    (dev.folder / "manifest.json").write_text("{")
    told = dev.get(f"/playground/state?since={first['revision']}").json
    assert told["plugin"] is None
    assert told["problems"]
    assert told["revision"] != first["revision"]


def test_a_denial_is_explained_over_http(dev: Dev) -> None:
    body = json.dumps({"message": "the permission was revoked", "permission": "a:b:c"}).encode()
    fields = {"Origin": dev.origin, "Authorization": f"Bearer {dev.playground.token}"}
    assert ask(dev.origin, "/playground/explain", "POST", body, **fields).json["permission"] == "a:b:c"
