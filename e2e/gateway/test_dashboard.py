"""The operator's page shows what a page's plugins did, joined from the page to the upstream, and runs nobody's text."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from e2e.conftest import OUTPUT, PAGES
from e2e.gateway.conftest import GATEWAY_PLUGINS, opened
from e2e.kit.accessibility import complaints
from e2e.kit.deployment import ROUTE, Deployment, vault_key
from e2e.kit.lab import LabPlugin
from pysandbox.gateway import headers, pages
from pysandbox.gateway.auth.principal import READ_AUDIT, READ_TELEMETRY
from pysandbox.gateway.dist import Resource, resource
from pysandbox.testing.browsers import Browser, Page

PATIENCE_S = 30.0
HOSTILE = "<img src=x onerror=window.pwned=1>"
read = pages.read_page


def signed_in(page: Page, deployment: Deployment, *scopes: str) -> None:
    page.goto(f"{deployment.api_origin}/dashboard")
    page.wait_for("!document.querySelector('#sign-in-now').disabled", timeout_s=PATIENCE_S)
    page.evaluate("""(token) => {
      document.querySelector("#token").value = token;
      document.querySelector("#sign-in-now").click();
    }""", deployment.server.token(READ_TELEMETRY, *scopes))
    try:
        page.wait_for("!document.querySelector('#signed-in').hidden", timeout_s=PATIENCE_S)
    except TimeoutError as error:
        told = page.evaluate("() => [location.href, document.querySelector('#said')?.textContent ?? '']")
        raise AssertionError(f"not signed in: {told}, {page.errors()}") from error


@pytest.mark.one_engine
def test_one_call_is_one_trace_from_the_page_to_the_upstream(
    page: Page, caller: LabPlugin, deployment: Deployment
) -> None:
    cid = f"trace-{time.time_ns():x}"
    outcome = caller.invoke("ask", {"json": {}}, correlationId=cid)
    assert outcome["status"] == "ok", outcome
    signed_in(page, deployment)
    page.wait_for(f"[...document.querySelectorAll('#tail button')].some((b) => b.textContent === {cid!r})",
                  timeout_s=PATIENCE_S)  # fmt: skip
    page.wait_for("document.querySelector('#groups').textContent.includes('test.caller')", timeout_s=PATIENCE_S)
    page.evaluate("""(cid) => {
      [...document.querySelectorAll("#tail button")].find((button) => button.textContent === cid).click();
    }""", cid)
    page.wait_for("document.querySelectorAll('#trace .waterfall li').length === 2", timeout_s=PATIENCE_S)
    told = page.evaluate("() => document.querySelector('#trace').innerText")
    assert "page → host → test.caller ask" in told
    assert "gateway POST " in told
    assert "upstream " in told
    kinds = "() => [...document.querySelectorAll('#trace .waterfall .bar')].map((bar) => bar.className)"
    assert page.evaluate(kinds) == ["bar ok", "bar network"]
    failed = """async (told) => {
      const { requestFailed } = await import("/dashboard/trace.js");
      return told.map(([statusCode, code]) => requestFailed({ metrics: { statusCode }, code }));
    }"""
    told = [[200, None], [404, None], [500, None], [502, "UPSTREAM_FAILED"], [405, "METHOD_NOT_ALLOWED"]]
    assert page.evaluate(failed, told) == [False, False, True, True, True]
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(OUTPUT / "dashboard-trace.png")
    [(_, _, asked, _)] = deployment.asked()
    assert asked["x-correlation-id"] == cid


def test_what_was_deployed_is_marked_for_whoever_may_read_the_audit(page: Page, deployment: Deployment) -> None:
    signed_in(page, deployment, READ_AUDIT)
    page.wait_for("document.querySelectorAll('#charts .mark').length > 0", timeout_s=PATIENCE_S)
    assert "plugin.enabled test." in page.evaluate("() => document.querySelector('#marks').textContent")


@pytest.mark.one_engine
def test_an_alert_that_ended_is_marked_and_lists_say_what_they_are_by(page: Page, deployment: Deployment) -> None:
    now_s = int(time.time())
    with closing(sqlite3.connect(deployment.server.settings.data_dir / "gateway.db")) as database, database:
        database.execute(
            "INSERT INTO telemetry_alerts (tenant, rule, grp, since_s, value, ended_s, told) "
            "VALUES ('development', 'latency', 'night', ?, 1, ?, 1)", (now_s - 1200, now_s - 600))
    signed_in(page, deployment)
    marked = "document.querySelector('#marks').textContent"
    page.wait_for(f"{marked}.includes('alert latency night, end of alert latency night')", timeout_s=PATIENCE_S)
    assert page.evaluate("() => document.querySelectorAll('#firing li').length") == 0
    page.evaluate("""() => {
      const by = document.querySelector("#by");
      by.value = "queue";
      by.dispatchEvent(new Event("change"));
    }""")
    for heading, text in (("h-slow", "Slowest, by queue"), ("h-fail", "Most failing, by queue")):
        page.wait_for(f"document.querySelector('#{heading}').textContent === {text!r}", timeout_s=PATIENCE_S)


@pytest.mark.one_engine
def test_a_breaker_that_opened_is_shown_until_its_route_is_mended(
    page: Page, caller: LabPlugin, deployment: Deployment
) -> None:
    at = f"/api/v2/integrations/proxy/routes/{ROUTE['name']}"
    route = {**ROUTE, "upstream": deployment.leads_to("/v1")}
    deployment.ask("PUT", at, {**route, "circuitBreaker": {"failures": 1, "baseMs": 60_000, "maxMs": 60_000}})
    deployment.api.mood = "broken"
    assert caller.invoke("ask", {"json": {}})["status"] == "ok"
    signed_in(page, deployment)
    shown = "document.querySelector('#breakers').textContent"
    page.wait_for(f"{shown}.startsWith('route {ROUTE['name']}open, tried in ')", timeout_s=PATIENCE_S)
    deployment.ask("PUT", at, route)
    deployment.api.mood = "well"
    assert caller.invoke("ask", {"json": {}})["status"] == "ok"
    page.wait_for(f"{shown} === ''", timeout_s=PATIENCE_S)


def runs(browser: Browser, deployment: Deployment) -> bool:
    """Whether markup in what a page said of its queue runs in the operator's page."""
    hostile, page = browser.new_page(), browser.new_page()
    try:
        caller = opened(hostile, deployment, queue=HOSTILE).load("test.caller")
        assert caller.invoke("ask", {"json": {}})["status"] == "ok"
        signed_in(page, deployment)
        shown = f"document.querySelector('#tail').textContent.includes({HOSTILE!r})"
        page.wait_for(f"globalThis.pwned === 1 || {shown}", timeout_s=PATIENCE_S)
        assert not page.evaluate("() => document.querySelectorAll('#signed-in img').length && globalThis.pwned !== 1")
        return page.evaluate("() => globalThis.pwned === 1")
    finally:
        hostile.close()
        page.close()


def test_attack_80_what_a_plugin_or_page_says_is_text(browser: Browser, deployment: Deployment) -> None:
    assert not runs(browser, deployment)


def lax_read(root: Path, name: str) -> Resource:
    found = read(root, name)
    if name != "dom.js":
        return found
    text = (root / name).read_text("utf-8")
    careless = "(child instanceof Node ? node.append(child) : node.insertAdjacentHTML('beforeend', child))"
    assert text.count("node.append(child)") == 1
    return resource(text.replace("node.append(child)", careless).encode(), found.media_type)


def test_control_with_markup_written_and_no_policy_it_would_run(
    browser: Browser, dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*vault_key())
    monkeypatch.setattr(pages, "read_page", lax_read)
    policy = {**headers.dashboard(), "Content-Security-Policy": "script-src 'self' 'unsafe-inline'"}
    monkeypatch.setattr(headers, "dashboard", lambda: policy)
    with Deployment(tmp_path, GATEWAY_PLUGINS, dist=dist, pages=PAGES) as lax:
        assert runs(browser, lax)


@pytest.mark.chromium_only
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide-light", "narrow-dark"])
def test_it_fits_and_is_used_by_keyboard(
    browser: Browser, caller: LabPlugin, deployment: Deployment, width: int, dark: bool
) -> None:
    page = browser.new_page(viewport=(width, 800), dark=dark)
    try:
        for payload in ({"json": {}}, {"json": {}}, {"nothing": 1}):
            caller.invoke("ask", payload)
        page.goto(f"{deployment.api_origin}/dashboard")
        keys = page.native.keyboard
        page.native.locator("#token").focus()
        keys.insert_text(deployment.server.token(READ_TELEMETRY))
        keys.press("Enter")
        page.wait_for("document.querySelectorAll('#tail tr').length >= 3", timeout_s=PATIENCE_S)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "no wider than its window"
        for _ in range(60):
            if page.evaluate("() => document.activeElement.closest('#tail') !== null"):
                break
            keys.press("Tab")
        keys.press("Enter")
        page.wait_for("document.querySelector('#trace').open", timeout_s=PATIENCE_S)
        assert complaints(page) == []
        keys.press("Escape")
        page.wait_for("!document.querySelector('#trace').open", timeout_s=PATIENCE_S)
        assert complaints(page) == []
        OUTPUT.mkdir(exist_ok=True)
        for part, place in (("live", "document.body.scrollHeight"), ("top", "0")):
            page.evaluate(f"() => scrollTo(0, {place})")
            page.screenshot(OUTPUT / f"dashboard-{width}-{'dark' if dark else 'light'}-{part}.png")
        assert page.errors() == []
    finally:
        page.close()
