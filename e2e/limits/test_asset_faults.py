"""Every part of the sandbox missing, cut off, of another type, altered or late: a coded error, no hang, and once the
server is well again the same page opens.

Altered bytes are e2e/attacks/test_isolation.py's. `make test` takes each part and each fault once, in one engine; with
PYSANDBOX_FULL=1 each part has each fault in every engine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from e2e.conftest import FULL, PAGES, PLUGINS
from e2e.kit.lab import BOOT_MS, Lab, LabError
from e2e.kit.server import LabServer
from pysandbox.testing.browsers import Browser

PATIENCE_MS = 2500  # what the page grants a start that cannot succeed
CODES = {"BOOT_FAILED", "BOOT_TIMEOUT", "ASSET_TAMPERED", "ORIGIN_NOT_ALLOWED", "ISOLATION_FAILED"}
PLUGIN = "test.spine@1.0.0"

pytestmark = pytest.mark.one_engine


def answers(status: int, media_type: str, body: bytes, *, promised: int | None = None) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", media_type.encode()), (b"content-length", str(promised or len(body)).encode()),
                   (b"cache-control", b"no-store"), (b"access-control-allow-origin", b"*"),
                   (b"cross-origin-resource-policy", b"cross-origin")]  # fmt: skip
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": promised is not None})
        if promised is not None:
            raise ConnectionAbortedError("cut off, as the test wants it")

    return app


async def hangs(_scope: Scope, receive: Receive, _send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


FAULTS: dict[str, ASGIApp] = {
    "missing": answers(404, "text/plain", b"not found"),
    "another type": answers(200, "text/html; charset=utf-8", b"<!doctype html><title>Sign in</title>"),
    "empty": answers(200, "application/octet-stream", b""),
    "failing": answers(503, "text/plain", b"busy"),
    "cut off": answers(200, "application/octet-stream", b"\0" * 1000, promised=100_000),
    "late": hangs,
}
PARTS = ["host.html", "cell.html", "host_worker.js", "plugin_worker.js", "watchdog.js", "pyodide.asm.wasm",
         "snapshot.bin"]  # fmt: skip


@pytest.fixture(scope="module")
def server(dist: Path) -> Iterator[LabServer]:
    with LabServer(PLUGINS, dist=dist, pages=PAGES) as running:
        yield running


def path_of(dist: Path, part: str) -> str:
    build = json.loads((dist / "integrity.json").read_text())["build"]
    return f"/{part}" if part.endswith(".html") else f"/assets/{build}/{part}"


def opened(lab: Lab, server: LabServer, patience_ms: int) -> Lab:
    lab.open(server, bootTimeoutMs=patience_ms).load(PLUGIN)
    return lab


Case = tuple[str, str]
CASES = {
    "each part missing": [(part, "missing") for part in PARTS],
    "the host in each way": [("host_worker.js", fault) for fault in FAULTS if fault != "missing"],
} if not FULL else {f"{part} {fault}": [(part, fault)] for part in PARTS for fault in FAULTS}  # fmt: skip


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES.keys())
def test_a_fault_has_a_code_and_ends_when_the_server_is_well_again(
    browser: Browser, server: LabServer, dist: Path, cases: list[Case]
) -> None:
    for number, (part, fault) in enumerate(cases, 1):
        page = browser.new_page()  # one that has nothing of the bundle in its cache
        try:
            lab = Lab(page, f"{server.api_origin}/pages/lab.html")
            server.faults = {path_of(dist, part): FAULTS[fault]}
            try:
                with pytest.raises(LabError) as caught:
                    opened(lab, server, PATIENCE_MS)
            finally:
                server.faults = {}
            assert caught.value.code in CODES, (part, fault, caught.value)
            assert caught.value.message, (part, fault)
            lab.ask("() => lab.close()")
            if number == len(cases):
                assert opened(lab, server, BOOT_MS).load(PLUGIN).value("echo", 1) == 1
        finally:
            page.close()
