"""Both origins over real sockets: headers, caching, encodings, sessions, and who is refused."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from pysandbox.core.bundle import read_bundle
from pysandbox.core.chaos import Chaos
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway import headers, long_poll
from pysandbox.gateway.job import Job
from pysandbox.gateway.serve import DevServer
from tests.unit.gateway.fake_dist import BUILD, CELL_SCRIPT, FILES, HOST_SCRIPT, write_dist
from tests.unit.gateway.fake_plugin import write_plugin

APP = "https://app.example"
PLUGIN = "/api/v2/plugins/com.vendor.risk-scoring/versions/2.1.0"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.body)

    @property
    def code(self) -> object:
        error = self.json["error"]
        assert isinstance(error, dict)
        assert set(error) == {"code", "message", "details", "retryable", "correlationId"}
        return error["code"]


def ask(origin: str, path: str, method: str = "GET", body: bytes | None = None, **fields: str) -> Answer:
    """One request; keyword names are header names, ``_`` for ``-``."""
    connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
        response = connection.getresponse()
        return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, response.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web") / "pages"
    (folder / "demo").mkdir(parents=True)
    (folder / "demo.html").write_text("<!doctype html>")
    (folder / "demo" / "chat.js").write_text("export {};")
    (folder / ".hidden.js").write_text("no")
    (folder / "notes.txt").write_text("no")
    (folder.parent / "outside.js").write_text("no")
    (folder / "link.js").symlink_to(folder.parent / "outside.js")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pages: Path) -> Iterator[DevServer]:
    root = tmp_path_factory.mktemp("server")
    with DevServer(
        [write_plugin(root / "plugin")], dist=write_dist(root / "dist"), pages=pages, allowed_origins=[APP]
    ) as running:
        yield running


def _bearer(server: DevServer) -> str:
    return f"Bearer {server.token}"


# The sandbox origin


def test_the_host_frame_carries_its_policy_and_its_configuration(server: DevServer) -> None:
    answer = ask(server.sandbox_origin, "/host.html")
    expected = headers.host_document(
        script_hash=HOST_SCRIPT, sandbox_origin=server.sandbox_origin, api_origin=server.api_origin,
        allowed=[server.api_origin, APP])
    assert answer.status == 200
    assert {name: answer.headers[name.lower()] for name in expected} == dict(expected)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f"&quot;{server.api_origin}&quot;" in answer.body.decode()
    assert APP in answer.body.decode()


def test_only_a_server_that_was_told_so_writes_chaos_into_the_host_frame(server: DevServer, tmp_path: Path) -> None:
    assert b"chaos" not in ask(server.sandbox_origin, "/host.html").body
    with DevServer(dist=write_dist(tmp_path), chaos=Chaos((0, 50), 0.5, seed=7)) as running:
        assert b"&quot;chaos&quot;:&quot;latency=0-50,drop=0.5,seed=7&quot;" in ask(
            running.sandbox_origin, "/host.html").body


def test_the_cell_carries_its_policy_and_is_never_stored(server: DevServer) -> None:
    answer = ask(server.sandbox_origin, "/cell.html")
    expected = headers.cell_document(
        script_hash=CELL_SCRIPT, sandbox_origin=server.sandbox_origin, allowed=[server.api_origin, APP])
    assert answer.status == 200
    assert {name: answer.headers[name.lower()] for name in expected} == dict(expected)
    assert answer.headers["cache-control"] == "no-store"


def test_a_page_that_is_isolated_asks_for_a_host_frame_and_a_cell_of_its_own(server: DevServer) -> None:
    host, cell = (ask(server.sandbox_origin, path) for path in ("/host.html?isolated", "/isolated/cell.html"))
    assert [page.headers["cross-origin-embedder-policy"] for page in (host, cell)] == ["require-corp"] * 2
    assert f"frame-src {server.sandbox_origin}/isolated/cell.html;" in host.headers["content-security-policy"]
    assert ask(server.sandbox_origin, "/isolated/cell.html?stolen").status == 404
    assert "cross-origin-embedder-policy" not in ask(server.sandbox_origin, "/host.html?other").headers


def test_the_cell_is_sent_whole_even_to_one_who_has_it(server: DevServer) -> None:
    etag = ask(server.sandbox_origin, "/cell.html").headers["etag"]
    assert ask(server.sandbox_origin, "/cell.html", If_None_Match=etag).status == 200


@pytest.mark.parametrize("query", ["?x", "?data=secret", "?a=1&b=2"])
def test_the_cell_answers_no_query(server: DevServer, query: str) -> None:
    answer = ask(server.sandbox_origin, f"/cell.html{query}")
    assert answer.status == 404
    assert b"secret" not in answer.body


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/", "GET", 404), ("/nothing", "GET", 404), ("/cell.html?x", "GET", 404), ("/host.html/", "GET", 404),
     ("/host.html", "POST", 405), ("/pysandbox.js", "DELETE", 405), ("/assets/x/y", "GET", 404),
     ("/integrity.json", "GET", 404), ("/cell.html", "TRACE", 405)])
def test_error_pages_are_strict_and_never_stored(server: DevServer, path: str, method: str, status: int) -> None:
    answer = ask(server.sandbox_origin, path, method)
    assert answer.status == status
    expected = headers.strict_error()
    assert {name: answer.headers[name.lower()] for name in expected} == dict(expected)
    assert answer.headers["content-type"].startswith("text/plain")


def test_the_client_may_be_imported_from_anywhere_and_revalidates(server: DevServer) -> None:
    answer = ask(server.sandbox_origin, "/pysandbox.js", Origin="https://anywhere.example")
    assert answer.body == FILES["pysandbox.js"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-cache"
    again = ask(server.sandbox_origin, "/pysandbox.js", If_None_Match=answer.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("name", ["host_worker.js", "pyodide.asm.wasm", "snapshot.bin"])
def test_assets_are_immutable_and_untouched(server: DevServer, name: str) -> None:
    answer = ask(server.sandbox_origin, f"/assets/{BUILD}/{name}")
    assert answer.body == FILES[name]
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "access-control-allow-origin" not in answer.headers
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("accept", "encoding", "body"),
    [("gzip, deflate, br", "br", b"br:snapshot.bin"), ("gzip", "gzip", gzip.compress(FILES["snapshot.bin"], mtime=0)),
     ("br;q=0.1, gzip", "gzip", gzip.compress(FILES["snapshot.bin"], mtime=0)),
     ("identity", None, FILES["snapshot.bin"]), ("zstd", None, FILES["snapshot.bin"])])
def test_assets_come_precompressed_as_asked(
    server: DevServer, accept: str, encoding: str | None, body: bytes
) -> None:
    answer = ask(server.sandbox_origin, f"/assets/{BUILD}/snapshot.bin", Accept_Encoding=accept)
    assert answer.headers.get("content-encoding") == encoding
    assert answer.body == body
    assert answer.headers["content-length"] == str(len(body))


def test_representations_have_etags_of_their_own(server: DevServer) -> None:
    path = f"/assets/{BUILD}/snapshot.bin"
    etags = {ask(server.sandbox_origin, path, Accept_Encoding=accept).headers["etag"] for accept in ("br", "gzip", "")}
    assert len(etags) == 3
    packed = ask(server.sandbox_origin, path, Accept_Encoding="br").headers["etag"]
    assert ask(server.sandbox_origin, path, If_None_Match=packed).status == 200
    assert ask(server.sandbox_origin, path, If_None_Match=packed, Accept_Encoding="br").status == 304


def test_head_tells_the_length_and_sends_nothing(server: DevServer) -> None:
    answer = ask(server.sandbox_origin, f"/assets/{BUILD}/snapshot.bin", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(FILES["snapshot.bin"]))


@pytest.mark.parametrize(
    "path", ["/assets/ffffffffffffffff/snapshot.bin", f"/assets/{BUILD}/secret.txt", f"/assets/{BUILD}/integrity.json",
             f"/assets/{BUILD}/cell.html", f"/assets/{BUILD}/host.html", f"/assets/{BUILD}/snapshot.bin.gz",
             f"/assets/{BUILD}/../secret.txt", f"/assets/{BUILD}/..%2fsecret.txt", f"/assets/{BUILD}/%2e%2e/x",
             f"/assets/{BUILD}/", "/assets/%00/x"])
def test_only_listed_names_of_this_build_are_assets(server: DevServer, path: str) -> None:
    assert ask(server.sandbox_origin, path).status == 404


def test_the_sandbox_origin_sets_no_cookie_and_knows_no_api(server: DevServer) -> None:
    for path in ("/host.html", "/cell.html", "/pysandbox.js", "/x"):
        assert "set-cookie" not in ask(server.sandbox_origin, path).headers
    assert ask(server.sandbox_origin, PLUGIN, Authorization=_bearer(server)).status == 404
    assert ask(server.sandbox_origin, "/pages/demo.html").status == 404


# Who may ask


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1", "", "[::1]:8900"])
@pytest.mark.parametrize("side", ["api_origin", "sandbox_origin"])
def test_a_rebound_host_name_is_misdirected(server: DevServer, side: str, host: str) -> None:
    answer = ask(getattr(server, side), "/pages/demo.html", Host=host, Authorization=_bearer(server))
    assert answer.status == 421
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_two_host_headers_are_refused(server: DevServer) -> None:
    address = server.api_origin.removeprefix("http://")
    with socket.create_connection(tuple(address.split(":")), timeout=10) as raw:  # pyright: ignore[reportArgumentType]
        raw.sendall(f"GET /healthz HTTP/1.1\r\nHost: {address}\r\nHost: evil.example\r\n\r\n".encode())
        assert int(raw.recv(1000).split()[1]) in (400, 421)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", APP, "http://127.0.0.1", "http://localhost:8900"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_scripts_of_other_origins_are_refused_by_the_api(server: DevServer, origin: str, method: str) -> None:
    answer = ask(server.api_origin, "/api/v2/sessions", method, Origin=origin, Authorization=_bearer(server))
    assert (answer.status, answer.code) == (403, "ORIGIN_NOT_ALLOWED")
    assert "access-control-allow-origin" not in answer.headers


def test_the_sandbox_origin_alone_gets_cors(server: DevServer) -> None:
    preflight = ask(
        server.api_origin, "/api/v2/sessions", "OPTIONS", Origin=server.sandbox_origin,
        Access_Control_Request_Method="POST", Access_Control_Request_Headers="authorization,content-type")
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == server.sandbox_origin
    assert "access-control-allow-credentials" not in preflight.headers
    own = ask(server.api_origin, "/healthz", Origin=server.api_origin)
    assert own.status == 200
    assert "access-control-allow-origin" not in own.headers


def test_an_error_can_be_read_by_the_host_worker(server: DevServer) -> None:
    answer = ask(server.api_origin, "/api/v2/nothing", Origin=server.sandbox_origin)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert answer.headers["access-control-allow-origin"] == server.sandbox_origin
    assert "Origin" in answer.headers["vary"]


# The API


def test_the_token_opens_a_session(server: DevServer) -> None:
    answer = ask(server.api_origin, "/api/v2/sessions", "POST", b"{}", Authorization=_bearer(server))
    session = answer.json
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert set(session) == {"sessionId", "nonceSeed", "grants", "expiresAt", "allowedOrigins"}
    assert len(bytes.fromhex(str(session["sessionId"]))) == 16
    assert len(bytes.fromhex(str(session["nonceSeed"]))) == 32
    assert session["grants"] == ["integration:proxy:invoke", "webchat:session:read"]
    assert session["allowedOrigins"] == [server.api_origin, APP]


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic dTpw", "bearer\tx"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/v2/sessions"), ("GET", PLUGIN), ("GET", f"{PLUGIN}/bundle"), ("PATCH", PLUGIN),
     ("GET", "/api/v2/plugins/changes")])
def test_without_the_token_everything_is_401(server: DevServer, method: str, path: str, token: str | None) -> None:
    fields = {} if token is None else {"Authorization": token}
    answer = ask(server.api_origin, path, method, **fields)
    assert (answer.status, answer.code) == (401, "SESSION_INVALID")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_token_counts_only_as_a_bearers(server: DevServer) -> None:
    for scheme in ("Basic", "", "Token"):
        answer = ask(server.api_origin, PLUGIN, Authorization=f"{scheme} {server.token}".strip())
        assert (answer.status, answer.code) == (401, "SESSION_INVALID")


@pytest.mark.parametrize("version", ["2.1.0", "latest"])
def test_a_plugin_and_its_bundle_agree(server: DevServer, version: str) -> None:
    path = PLUGIN.replace("2.1.0", version)
    about = ask(server.api_origin, path, Authorization=_bearer(server)).json
    bundle = ask(server.api_origin, f"{path}/bundle", Authorization=_bearer(server))
    assert (about["pluginId"], about["version"]) == ("com.vendor.risk-scoring", "2.1.0")
    assert about["bundleSha256"] == sha256(bundle.body).hexdigest()
    assert about["bundleBytes"] == len(bundle.body)
    assert about["manifest"] == json.loads(read_bundle(bundle.body)["manifest.json"])
    assert bundle.headers["content-type"] == "application/zip"


def test_a_bundle_is_revalidated_by_its_hash(server: DevServer) -> None:
    first = ask(server.api_origin, f"{PLUGIN}/bundle", Authorization=_bearer(server))
    again = ask(
        server.api_origin, f"{PLUGIN}/bundle", Authorization=_bearer(server), If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [("/", "GET", 404, "NOT_FOUND"), ("/api/v2/sessions", "GET", 405, "METHOD_NOT_ALLOWED"),
     (PLUGIN, "DELETE", 405, "METHOD_NOT_ALLOWED"), (f"{PLUGIN}9", "GET", 404, "PLUGIN_NOT_FOUND"),
     ("/api/v2/plugins/a/versions/b%2fc", "GET", 404, "NOT_FOUND"), (f"{PLUGIN}/", "GET", 404, "NOT_FOUND"),
     ("/pages/none.html", "GET", 404, "NOT_FOUND"), ("/run/job", "GET", 404, "NOT_FOUND")])
def test_every_failure_has_one_shape(server: DevServer, path: str, method: str, status: int, code: str) -> None:
    answer = ask(server.api_origin, path, method, Authorization=_bearer(server))
    assert (answer.status, answer.code) == (status, code)
    expected = headers.api()
    assert {name: answer.headers[name.lower()] for name in expected} == dict(expected)


def test_a_405_says_which_methods_there_are(server: DevServer) -> None:
    assert ask(server.api_origin, "/api/v2/sessions", "PUT").headers["allow"] == "POST"
    assert set(ask(server.api_origin, PLUGIN, "PUT").headers["allow"].split(", ")) == {"GET", "HEAD", "PATCH"}


def test_an_endless_body_is_cut_off(server: DevServer) -> None:
    answer = ask(server.api_origin, "/api/v2/sessions", "POST", b"x" * 10_000, Authorization=_bearer(server))
    assert (answer.status, answer.code) == (413, "MESSAGE_LIMIT")


def test_an_unforeseen_failure_has_the_same_shape_and_tells_nothing(tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path / "plugin")
    with DevServer([plugin], dist=write_dist(tmp_path / "dist"), reload=True) as running:
        (plugin / "manifest.json").unlink()
        mended = ask(running.api_origin, PLUGIN, Authorization=_bearer(running))
        assert (mended.status, mended.code) == (422, "MANIFEST_INVALID")
        (plugin / "plugin.py").unlink()
        plugin.rmdir()
        answer = ask(running.api_origin, PLUGIN, Authorization=_bearer(running), Origin=running.sandbox_origin)
        assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
        assert str(tmp_path).encode() not in answer.body
        assert answer.headers["access-control-allow-origin"] == running.sandbox_origin
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_tampered_asset_is_a_strict_500(tmp_path: Path) -> None:
    dist = write_dist(tmp_path / "dist")
    with DevServer(dist=dist) as running:
        (dist / "snapshot.bin").write_bytes(b"evil")
        answer = ask(running.sandbox_origin, f"/assets/{BUILD}/snapshot.bin")
    assert answer.status == 500
    assert b"evil" not in answer.body
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == headers.strict()["Content-Security-Policy"]


# Blocking a version

CHANGES = "/api/v2/plugins/changes"


@pytest.fixture
def blockable(tmp_path: Path) -> Iterator[DevServer]:
    folders = [write_plugin(tmp_path / version, version=version) for version in ("2.0.0", "2.1.0")]
    with DevServer(folders, dist=write_dist(tmp_path / "dist")) as running:
        yield running


def _set_state(server: DevServer, body: bytes, path: str = PLUGIN) -> Answer:
    return ask(server.api_origin, path, "PATCH", body, Authorization=_bearer(server))


def _changes(server: DevServer, query: str = "") -> Answer:
    return ask(server.api_origin, CHANGES + query, Authorization=_bearer(server))


def test_a_blocked_version_is_refused_and_latest_is_the_one_below(blockable: DevServer) -> None:
    answer = _set_state(blockable, b'{"state": "blocked"}')
    assert (answer.status, answer.json) == (
        200, {"pluginId": "com.vendor.risk-scoring", "version": "2.1.0", "state": "blocked"})
    for path in (PLUGIN, f"{PLUGIN}/bundle"):
        refused = ask(blockable.api_origin, path, Authorization=_bearer(blockable))
        assert (refused.status, refused.code) == (403, "PLUGIN_BLOCKED")
    latest = PLUGIN.replace("2.1.0", "latest")
    assert ask(blockable.api_origin, latest, Authorization=_bearer(blockable)).json["version"] == "2.0.0"
    assert _set_state(blockable, b'{"state": "enabled"}').status == 200
    assert ask(blockable.api_origin, PLUGIN, Authorization=_bearer(blockable)).status == 200


def test_who_waits_for_changes_hears_of_a_block_at_once(blockable: DevServer) -> None:
    first = _changes(blockable)
    assert (first.status, first.json) == (200, {"revision": 1, "blocked": []})
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(_changes, blockable, "?since=1")
        with pytest.raises(TimeoutError):
            waiting.result(0.2)
        blockable.block("com.vendor.risk-scoring", "2.1.0")
        assert waiting.result(2).json == {"revision": 2, "blocked": ["com.vendor.risk-scoring@2.1.0"]}
    blockable.unblock("com.vendor.risk-scoring", "2.1.0")
    assert _changes(blockable, "?since=2").json == {"revision": 3, "blocked": []}


def test_a_server_that_closes_does_not_wait_for_who_waits_for_changes(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as other:
        with DevServer(dist=write_dist(tmp_path)) as running:
            waiting = other.submit(_changes, running, "?since=1")
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
        assert waiting.result(0).json == {"revision": 1, "blocked": []}


def test_many_open_pages_wait_for_a_shorter_time_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_poll, "MAX_WAIT_S", 600.0)
    with DevServer(dist=write_dist(tmp_path)) as running, ThreadPoolExecutor(5) as others:
        waiting = [others.submit(_changes, running, "?since=1") for _ in range(4)]
        while running.plugins.blocks.waiting < 4:
            time.sleep(0.001)
        monkeypatch.setattr(long_poll, "_FEW_WAITING", -100_000)
        assert others.submit(_changes, running, "?since=1").result(5).json == {"revision": 1, "blocked": []}
        assert not any(answer.done() for answer in waiting)
        running.plugins.blocks.close()


@pytest.mark.parametrize("since", ["-1", "x", "1.0", "", "%C2%B2", "9" * 16])
def test_a_revision_is_a_whole_number(server: DevServer, since: str) -> None:
    answer = _changes(server, f"?since={since}")
    assert (answer.status, answer.code) == (400, "INPUT_INVALID")
    assert b"whole number" in answer.body


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'"blocked"', b'{"state": "draft"}', b'{"state": ["blocked"]}', b'{"state": null}',
             b'{"state": "blocked", "version": "1"}', b'{"state": "enabled", "state": "blocked"}', b"\xff",
             b"[" * 4000])
def test_a_state_is_blocked_or_enabled_and_nothing_else(server: DevServer, body: bytes) -> None:
    answer = _set_state(server, body)
    assert (answer.status, answer.code) == (400, "INPUT_INVALID")
    assert b'"$.state"' in answer.body
    assert _changes(server).json["blocked"] == []


def test_only_what_is_served_can_be_blocked(server: DevServer) -> None:
    for path in (f"{PLUGIN}9", PLUGIN.replace("2.1.0", "latest")):
        answer = _set_state(server, b'{"state": "blocked"}', path)
        assert (answer.status, answer.code) == (404, "PLUGIN_NOT_FOUND")


def test_a_states_body_is_bounded(server: DevServer) -> None:
    answer = _set_state(server, b" " * 5000 + b'{"state": "blocked"}')
    assert (answer.status, answer.code) == (413, "MESSAGE_LIMIT")


def test_the_sandbox_origin_may_hear_of_blocks_and_block_nothing(server: DevServer) -> None:
    def preflight(path: str, method: str) -> Answer:
        return ask(
            server.api_origin, path, "OPTIONS", Origin=server.sandbox_origin, Access_Control_Request_Method=method,
            Access_Control_Request_Headers="authorization")

    assert preflight(CHANGES, "GET").status == 200
    assert preflight(PLUGIN, "PATCH").status == 400
    told = ask(server.api_origin, CHANGES, Origin=server.sandbox_origin, Authorization=_bearer(server))
    assert told.headers["access-control-allow-origin"] == server.sandbox_origin


# Pages


def test_pages_are_served_with_a_policy_of_their_own(server: DevServer) -> None:
    answer = ask(server.api_origin, "/pages/demo.html")
    assert answer.status == 200
    assert answer.headers["content-security-policy"] == headers.page(
        sandbox_origin=server.sandbox_origin)["Content-Security-Policy"]
    script = ask(server.api_origin, "/pages/demo/chat.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "name", ["", ".hidden.js", "notes.txt", "link.js", "../outside.js", "..%2foutside.js", "demo/../../outside.js",
             "%2e%2e/outside.js", "demo", "demo//chat.js", "..%5coutside.js", "a%00.js", "/etc/passwd"])
def test_only_pages_of_the_folder_are_served(server: DevServer, name: str) -> None:
    assert ask(server.api_origin, f"/pages/{name}").status == 404


# The job of `pysandbox run`


def test_a_job_travels_to_the_page_and_its_answer_back(tmp_path: Path) -> None:
    job = Job({"handler": "evaluate"})
    answer = {"outcome": {"status": "ok", "value": {"score": 1}}, "logs": [], "alerts": [], "elapsedMs": 12}
    with DevServer(dist=write_dist(tmp_path / "dist"), job=job) as running:
        token, own = f"Bearer {job.token}", running.api_origin
        assert ask(own, "/run/job").code == "SESSION_INVALID"
        assert ask(own, "/run/job", Authorization=_bearer(running)).code == "SESSION_INVALID"
        assert ask(own, "/run/job", Authorization=token).json == {"handler": "evaluate"}
        assert ask(own, "/run/result", "POST", b"{}", Authorization=token, Origin=own).code == "INPUT_INVALID"
        body = json.dumps(answer).encode()
        assert ask(own, "/run/result", "POST", body, Authorization=token, Origin="https://evil.example").status == 403
        assert ask(own, "/run/result", "POST", body, Authorization=token, Origin=own).status == 204
    assert job.answer.result(0) == answer


# The server itself


def test_the_ports_are_free_again_after_close(tmp_path: Path) -> None:
    dist = write_dist(tmp_path / "dist")
    before = set(threading.enumerate())
    with DevServer(dist=dist) as first:
        ports = [int(origin.rpartition(":")[2]) for origin in (first.api_origin, first.sandbox_origin)]
        assert ask(first.api_origin, "/healthz").status == 200
    first.close()
    assert set(threading.enumerate()) <= before
    with DevServer(dist=dist, api_port=ports[0], sandbox_port=ports[1]) as second:
        assert second.api_origin == first.api_origin
        assert second.token != first.token


def test_a_port_that_is_taken_is_named(server: DevServer, tmp_path: Path) -> None:
    port = int(server.api_origin.rpartition(":")[2])
    with pytest.raises(SandboxError, match=str(port)):
        DevServer(dist=write_dist(tmp_path), sandbox_port=port)


def test_development_sessions_stay_on_loopback(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="this machine alone"):
        DevServer(dist=write_dist(tmp_path), host="0.0.0.0")


def test_a_bad_allowed_origin_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SandboxError) as caught:
        DevServer(dist=write_dist(tmp_path), allowed_origins=["https://a.example; script-src *"])
    assert caught.value.code == Code.INPUT_INVALID


def test_without_a_built_bundle_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(SandboxError) as caught:
        DevServer(dist=tmp_path)
    assert caught.value.code == Code.RUNTIME_MISSING
