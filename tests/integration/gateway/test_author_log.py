"""What a plugin logs reaches its author by the operator's grant alone: through the real server and the command line."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from pysandbox.core.bundle import build_bundle
from tests.integration.gateway.administered import SCOPES, Administered, administered
from tests.integration.gateway.test_cli_telemetry import post
from tests.unit.gateway.fake_plugin import MANIFEST, SOURCE
from tests.unit.gateway.registered import NAME
from tests.unit.gateway.telemetry.records import failed, told

VERSION = f"{NAME}@2.1.0"
OWN, OTHER = "plugin:log:export", "webchat:session:read"
PERSON = "ada.lovelace@example.com"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Administered]:
    """With a plugin that asks for the permission."""
    with administered(tmp_path) as running:
        manifest: Any = copy.deepcopy(MANIFEST)
        manifest["manifest"]["permissions"] = [OTHER, OWN]
        bundle = build_bundle({"manifest.json": json.dumps(manifest).encode(), "plugin.py": SOURCE.encode()})
        body = {"manifest": manifest, "bundle": base64.b64encode(bundle).decode()}
        post(running, "/api/v2/plugins", running.server.token(*SCOPES), body)
        yield running


def send(gateway: Administered, first: int) -> None:
    """A log line and an error with somebody in them, one call that went well, and an alert."""
    session = post(gateway, "/api/v2/sessions", gateway.server.token(*SCOPES), None)
    now_ms: Any = session["now"]
    records = [
        told(first, now_ms, kind="log", log={
            "level": "warning", "message": f"queue is empty {PERSON}", "fields": {"count": first}}),
        failed(first + 1, now_ms, errorDetails={
            "code": "PLUGIN_ERROR", "message": f"timeout {PERSON}", "layer": "plugin"}),
        told(first + 2, now_ms),
        told(first + 3, now_ms, kind="alert", alert={"code": "PROTOCOL_VIOLATION", "rule": "seq", "evidence": ""})]
    post(gateway, "/api/v2/telemetry", str(session["token"]), {"records": records, "gap": 0})


def as_author(gateway: Administered) -> Administered:
    return Administered(gateway.server, ("plugin:log:read",))


def lines(gateway: Administered) -> list[dict[str, Any]]:
    return [json.loads(line) for line in as_author(gateway).done("plugin", "log", VERSION, "--json").splitlines()]


def test_nothing_comes_without_the_grant_and_afterwards_only_what_came_since(gateway: Administered) -> None:
    send(gateway, 10)
    refused = as_author(gateway).run("plugin", "log", VERSION)
    assert refused.exit_code != 0
    assert OWN in refused.output
    assert "queue is empty" not in refused.output

    gateway.done("plugin", "grant", VERSION, OTHER, text="y\n")  # others are not enough
    assert as_author(gateway).run("plugin", "log", VERSION).exit_code != 0

    gateway.done("plugin", "grant", VERSION, OWN, text="y\n")
    assert lines(gateway) == []
    send(gateway, 20)
    log, error = lines(gateway)
    assert (log["level"], log["fields"]) == ("warning", {"count": 20})
    assert log["message"].startswith("queue is empty")
    assert error["message"].startswith("timeout")
    assert error["fields"] == {"handler": "evaluate", "status": "timeout", "code": "PLUGIN_TIMEOUT"}
    everything = json.dumps([log, error])
    assert PERSON not in everything
    assert "support" not in everything  # nor in which queue it was
    assert "timeout" in as_author(gateway).done("plugin", "log", VERSION)

    gateway.done("plugin", "grant", VERSION, OTHER, text="y\n")  # the grant is gone
    assert as_author(gateway).run("plugin", "log", VERSION).exit_code != 0


def test_nobody_else_gets_it(gateway: Administered) -> None:
    gateway.done("plugin", "grant", VERSION, OWN, text="y\n")
    send(gateway, 10)
    path = f"/api/v2/plugins/{NAME}/versions/2.1.0/log"

    assert status(gateway, path, gateway.server.token("plugin:log:read")) == 200
    assert status(gateway, path, gateway.server.token("plugin:log:read", subject="eve")) == 404
    assert status(gateway, path, gateway.server.token("plugin:log:read", tenant="other")) == 404
    assert status(gateway, path.replace("2.1.0", "2.1.1"), gateway.server.token("plugin:log:read")) == 404
    assert status(gateway, path, gateway.server.token(*SCOPES, "telemetry:records:read")) == 403
    assert status(gateway, f"{path}?limit=0", gateway.server.token("plugin:log:read")) == 400


def status(gateway: Administered, path: str, token: str) -> int:

    request = Request(gateway.server.api_origin + path, headers={"Authorization": f"Bearer {token}"})
    try:
        with urlopen(request, timeout=20) as answer:
            return answer.status
    except HTTPError as error:
        return error.code
