"""The operator's page shows what a page's plugins did, joined from the page to the upstream, and runs nobody's text."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from e2e.conftest import OUTPUT
from e2e.gateway.conftest import opened
from e2e.kit.deployment import Deployment
from pysandbox.gateway.auth.principal import READ_TELEMETRY
from pysandbox.testing.browsers import Page

PATIENCE_S = 30.0


def signed_in(page: Page, deployment: Deployment) -> None:
    page.goto(f"{deployment.api_origin}/dashboard")
    page.evaluate("""(token) => {
      document.querySelector("#token").value = token;
      document.querySelector("#sign-in").requestSubmit();
    }""", deployment.server.token(READ_TELEMETRY))
    page.wait_for("!document.querySelector('#signed-in').hidden", timeout_s=PATIENCE_S)


def test_one_call_is_one_trace_from_the_page_to_the_upstream(page: Page, deployment: Deployment) -> None:
    cid = f"trace-{time.time_ns():x}"
    outcome = opened(page, deployment).load("test.caller").invoke("ask", {"json": {}}, correlationId=cid)
    assert outcome["status"] == "ok", outcome
    signed_in(page, deployment)
    page.wait_for(f"[...document.querySelectorAll('#tail button')].some((b) => b.textContent === {cid!r})",
                  timeout_s=PATIENCE_S)  # fmt: skip
    assert "test.caller" in page.evaluate("() => document.querySelector('#groups').textContent")
    page.evaluate("(cid) => [...document.querySelectorAll('#tail button')].find((b) => b.textContent === cid).click()", cid)
    page.wait_for("document.querySelectorAll('#trace .waterfall li').length === 2", timeout_s=PATIENCE_S)
    told = page.evaluate("() => document.querySelector('#trace').innerText")
    assert "page → host → test.caller ask" in told
    assert "gateway → upstream × 1" in told
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(OUTPUT / "dashboard-trace.png")
    [(_, _, headers, _)] = deployment.asked()
    assert headers["x-correlation-id"] == cid
