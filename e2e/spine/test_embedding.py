"""A page of another origin embeds the sandbox with nothing but two CSP sources; one that is not allowed is told so."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path

import pytest

from e2e.conftest import PAGES, PLUGINS
from e2e.kit.embedder import Embedder
from e2e.kit.lab import Lab, LabError
from e2e.kit.server import LabServer
from pysandbox.testing.browsers import Page

TOLD_WITHIN_MS = 10_000  # the page waits 1.5 s for a frame that was refused; the rest is for a slow machine


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    """A third origin."""
    with Embedder() as running:
        yield running


@pytest.fixture(scope="module")
def server(dist: Path, embedder: Embedder) -> Iterator[LabServer]:
    """A deployment that allows the third origin."""
    with LabServer(PLUGINS, dist=dist, allowed_origins=[embedder.origin]) as running:
        yield running


def without_frame_ancestors(path: str, headers: MutableMapping[str, str], body: bytes) -> bytes:
    if path == "/host.html":
        policy = headers["Content-Security-Policy"].split("; ")
        kept = [directive for directive in policy if not directive.startswith("frame-ancestors")]
        assert len(kept) == len(policy) - 1
        headers["Content-Security-Policy"] = "; ".join(kept)
    return body


@pytest.fixture(scope="module")
def lax(dist: Path) -> Iterator[LabServer]:
    """A deployment that allows no other origin, behind a proxy that lost its frame-ancestors."""
    with LabServer(PLUGINS, dist=dist, pages=PAGES, change=without_frame_ancestors) as running:
        yield running


def refused(page: Page, server: LabServer, embedder: Embedder) -> tuple[LabError, list[str]]:
    """What the page is told, which must come in time and leave nothing behind; and what the sandbox origin served."""
    embedder.csp = ""
    before = len(server.requests)
    stranger = Lab(page, f"{embedder.origin}/lab.html")
    started = stranger.ask("() => performance.now()")
    with pytest.raises(LabError) as caught:
        stranger.open(server)
    assert stranger.ask("() => performance.now()") - started < TOLD_WITHIN_MS
    assert stranger.ask("() => frames.length") == 0
    assert (caught.value.name, caught.value.code) == ("SandboxError", "ORIGIN_NOT_ALLOWED"), caught.value
    if page.native.__class__.__module__.startswith("playwright"):
        assert page.native.workers == []
    served = server.requests[before:]
    assert not [seen for seen in served if seen.port == "api"], "a session was opened"
    return caught.value, [seen.path for seen in served]


def test_two_sources_in_its_policy_are_all_a_page_adds(page: Page, server: LabServer, embedder: Embedder) -> None:
    sandbox = server.sandbox_origin
    embedder.csp = f"default-src 'none'; script-src 'self' {sandbox}; frame-src {sandbox}"
    lab = Lab(page, f"{embedder.origin}/lab.html").open(server)
    plugin = lab.load("test.spine@1.0.0")
    asked = {"permission": "webchat:session:read"}
    assert plugin.value("ask", asked)["tier"] == "gold"
    assert plugin.invoke("spin", timeoutMs=200)["status"] == "timeout"
    assert plugin.next_outcome("echo", "next")["status"] == "ok"
    lab.close()
    assert lab.states() == ["opening", "open", "closed"]
    assert lab.ask("() => frames.length") == 0


def test_a_page_that_is_not_in_the_allowlist_is_told_and_nothing_starts(
    page: Page, lab_server: LabServer, embedder: Embedder
) -> None:
    error, served = refused(page, lab_server, embedder)
    assert "PYSANDBOX_ALLOWED_ORIGINS" in error.message
    assert served == ["/pysandbox.js", "/host.html"]


def test_without_frame_ancestors_the_host_frame_itself_refuses(page: Page, lax: LabServer, embedder: Embedder) -> None:
    error, served = refused(page, lax, embedder)
    assert embedder.origin in error.message
    assert "not among" in error.message, "the refusal has to be the host frame's own, not the browser's"
    assert "/cell.html" not in served


def test_control_the_same_deployment_serves_a_page_that_is_allowed(page: Page, lax: LabServer) -> None:
    lab = Lab(page, f"{lax.api_origin}/pages/lab.html").open(lax)
    assert lab.load("test.spine").value("echo", 1) == 1
