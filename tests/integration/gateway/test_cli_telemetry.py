"""`pysandbox telemetry` against the real server."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from pysandbox.core.bundle import build_bundle
from tests.integration.gateway.administered import SCOPES, Administered, administered
from tests.unit.gateway.fake_plugin import MANIFEST, SOURCE
from tests.unit.gateway.registered import NAME
from tests.unit.gateway.telemetry.records import failed, told


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administered]:
    """With a plugin, and three records of it that a browser has sent."""
    with administered(tmp_path_factory.mktemp("telemetry")) as running:
        now_ms, token = session_at(running)
        records = [
            told(1, now_ms), failed(2, now_ms, correlationId="c-2", errorDetails={
                "code": "PLUGIN_TIMEOUT", "message": "the deadline has passed", "layer": "hard"}),
            told(3, now_ms, kind="log", log={"level": "warning", "message": "queue is empty", "fields": {}})]
        post(running, "/api/v2/telemetry", token, {"records": records, "gap": 2})
        yield running


def session_at(running: Administered) -> tuple[int, str]:
    """The gateway's time, and the token of a session at a gateway that has the plugin."""
    running.scopes = (*SCOPES, "telemetry:records:read", "telemetry:records:erase")
    bundle = build_bundle({"manifest.json": json.dumps(MANIFEST).encode(), "plugin.py": SOURCE.encode()})
    admin = running.server.token(*running.scopes)
    post(running, "/api/v2/plugins", admin, {"manifest": MANIFEST, "bundle": base64.b64encode(bundle).decode()})
    session = post(running, "/api/v2/sessions", admin, None)
    return cast(int, session["now"]), cast(str, session["token"])


def post(gateway: Administered, path: str, token: str, body: object) -> dict[str, object]:
    request = urllib.request.Request(
        gateway.server.api_origin + path, method="POST", data=b"" if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def test_top_lists_groups_and_tells_of_gaps(gateway: Administered) -> None:
    shown = gateway.run("telemetry", "top", "--by", "plugin")
    assert shown.stdout.startswith(f"{NAME}  2 calls  50.0% failed  p50 ")
    assert "2 records never came" in shown.stderr
    assert gateway.json("telemetry", "top", "--by", "queue")["groups"]["support"]["count"] == 2


def test_tail_shows_records_newest_last(gateway: Administered) -> None:
    good, bad, line = gateway.done("telemetry", "tail").splitlines()
    assert "evaluate ok 120 ms" in good
    assert "evaluate timeout 3000 ms PLUGIN_TIMEOUT: the deadline has passed" in bad
    assert "warning: queue is empty" in line
    [only] = gateway.done("telemetry", "tail", "--correlation", "c-2", "--json").splitlines()
    assert json.loads(only)["code"] == "PLUGIN_TIMEOUT"
    assert gateway.done("telemetry", "tail", "--plugin", "com.other.plugin") == ""


def test_export_goes_on_where_the_last_one_ended(gateway: Administered) -> None:
    first = [json.loads(one) for one in gateway.done("telemetry", "export", "--most", "2").splitlines()]
    rest = gateway.done("telemetry", "export", "--after", str(first[-1]["seq"])).splitlines()
    assert (len(first), len(rest)) == (2, 1)
    assert gateway.done("telemetry", "export", "--status", "ok").count("\n") == 1


def test_nothing_fires_and_a_bad_token_is_told(gateway: Administered) -> None:
    assert "nothing fires" in gateway.run("telemetry", "alerts").stderr
    assert gateway.json("telemetry", "alerts") == {"alerts": [], "ended": []}
    gateway.scopes, scopes = SCOPES, gateway.scopes
    refused = gateway.run("telemetry", "top")
    gateway.scopes = scopes
    assert refused.exit_code == 1
    assert "telemetry:records:read" in refused.stderr


def test_erase_asks_before_it_does(gateway: Administered) -> None:
    assert gateway.run("telemetry", "erase", "nobody", text="n\n").exit_code == 1
    assert gateway.json("telemetry", "erase", "nobody", "--yes") == {"erased": 0}
    assert gateway.done("telemetry", "erase", "developer", "--yes") == "erased 3 records\n"
    assert gateway.done("telemetry", "tail") == ""


def test_records_that_a_hostile_page_sends_stop_no_tool_and_forge_no_row(tmp_path: Path) -> None:
    with administered(tmp_path) as running:
        now_ms, token = session_at(running)
        odd = failed(1, now_ms, errorDetails=None, queue="quiet\nbilling  900 calls  0.0% failed")
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(running, "/api/v2/telemetry", token, {"records": [told(2, now_ms, kind="alert")]})
        refused.value.close()
        assert refused.value.code == 400
        assert post(running, "/api/v2/telemetry", token, {"records": [odd]}) == {"kept": 1}
        [row] = running.done("telemetry", "tail").splitlines()
        assert row.split("  ")[2] == "evaluate timeout 3000 ms PLUGIN_TIMEOUT"
        assert [line for line in running.done("telemetry", "top", "--by", "queue").splitlines() if line[0] != " "] == [
            "quiet"]
