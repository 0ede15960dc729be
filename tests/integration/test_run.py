"""`pysandbox run` against a stand-in for the browser: a program that does what the page does, over HTTP."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pysandbox.cli.browser_run import Call, Report, run_in_browser
from pysandbox.core.errors import Code, SandboxError
from pysandbox.core.limits import default
from tests.unit.gateway.fake_dist import write_dist
from tests.unit.gateway.fake_plugin import write_plugin


class Ended:
    """A browser process that has ended, after saying something."""

    def poll(self) -> int | None:
        return 1

    def log(self) -> str:
        return "cannot open display"


class Running:
    def poll(self) -> int | None:
        return None

    def log(self) -> str:
        return ""


Visit = Callable[[str], Ended | Running]


def _page(url: str) -> Running:
    """What run.js does: fetch the job, answer with what it was told."""
    where = urlsplit(url)
    assert where.query == ""
    bearer = {"Authorization": "Bearer " + where.fragment.removeprefix("token=")}
    job = json.loads(_ask(where.netloc, "GET", "/run/job", None, bearer))
    outcome = {"status": "ok", "value": job}
    answer = {"outcome": outcome, "logs": [1], "alerts": [], "elapsedMs": 12.5}
    _ask(where.netloc, "POST", "/run/result", json.dumps(answer), bearer)
    return Running()


def _ask(netloc: str, method: str, path: str, body: str | None, fields: dict[str, str]) -> bytes:
    connection = http.client.HTTPConnection(netloc, timeout=10)
    try:
        connection.request(method, path, body, fields)
        return connection.getresponse().read()
    finally:
        connection.close()


def _run(tmp_path: Path, visit: Visit, **limits_ms: int) -> Report:
    @contextmanager
    def launch(url: str) -> Iterator[Ended | Running]:
        yield visit(url)

    call = Call(write_plugin(tmp_path / "plugin"), "evaluate", {"a": 1}, {"webchat:session:read": 1}, 250)
    return run_in_browser(call, launch, dist=write_dist(tmp_path / "dist"), **limits_ms)


def test_the_page_gets_the_whole_job_and_its_outcome_comes_back(tmp_path: Path) -> None:
    report = _run(tmp_path, _page)
    job = report.outcome["value"]
    assert isinstance(job, dict)
    assert job.pop("apiOrigin") != job.pop("origin")
    assert len(str(job.pop("sessionToken"))) >= 32
    assert job == {
        "plugin": "com.vendor.risk-scoring@2.1.0", "handler": "evaluate", "payload": {"a": 1}, "timeoutMs": 250,
        "bootTimeoutMs": 20_000, "capabilities": {"webchat:session:read": 1}}
    assert report.logs == [1]
    assert (report.elapsed_ms, report.window_ms) == (12.5, 250 + default("graceMs") + default("pageMarginMs"))


def test_a_browser_that_ends_without_a_word_is_an_outcome_with_its_last_words(tmp_path: Path) -> None:
    error = _run(tmp_path, lambda _url: Ended()).outcome["error"]
    assert isinstance(error, dict)
    assert error["code"] == Code.BOOT_FAILED
    assert "cannot open display" in str(error["message"])


def test_a_browser_that_never_reports_is_an_outcome_in_time(tmp_path: Path) -> None:
    leaving_none = -2 * 3000  # what the plugin's own limit would add
    outcome = _run(tmp_path, lambda _url: Running(), boot_ms=0, browser_ms=leaving_none).outcome
    assert outcome["status"] == "unavailable"
    assert isinstance(outcome["error"], dict)
    assert outcome["error"]["code"] == Code.BOOT_TIMEOUT


def test_what_stops_the_browser_from_starting_ends_the_server_too(tmp_path: Path) -> None:
    def fail(_url: str) -> Running:
        raise SandboxError(Code.INPUT_INVALID, "no display")

    with pytest.raises(SandboxError, match="no display"):
        _run(tmp_path, fail)


def test_serve_prints_its_token_on_the_terminal_alone_and_stops_when_told(tmp_path: Path) -> None:
    plugin, dist = write_plugin(tmp_path / "plugin"), write_dist(tmp_path / "dist")
    command = [sys.executable, "-c", "from pysandbox.cli import main; main()", "serve", "--port", "0",
               "--sandbox-port", "0", "--dist", str(dist), "--demo", "--plugins", str(plugin)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        rows: dict[str, str] = {}
        while "demo" not in rows:
            name, _, value = process.stderr.readline().strip().partition(" ")
            rows[name] = value.strip()
        netloc = rows["API"].removeprefix("http://")
        bearer = {"Authorization": f"Bearer {rows['token']}"}
        assert b"sessionId" in _ask(netloc, "POST", "/api/v2/sessions", "{}", bearer)
        assert rows["plugin"] == "com.vendor.risk-scoring@2.1.0"
        assert rows["token"] in rows["demo"].partition("#")[2]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, "")
        assert rows["token"] not in err
    finally:
        process.kill()
        process.wait()
