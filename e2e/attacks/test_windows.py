"""21, 22, 25: window messages of anybody but the other end, and second handshakes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.attacks.conftest import Serve
from e2e.attacks.walls import ANY_WINDOW_IS_HEARD, HOST_READY_TWICE
from e2e.conftest import PLUGINS
from e2e.kit.embedder import Embedder
from e2e.kit.lab import Lab, LabError
from e2e.kit.server import LabServer
from e2e.variants import variant
from pysandbox.testing.browsers import Page

# A frame beside the host frame. It posts what the page and the host frame wait for, to everybody, all the time.
SIBLING = """<!doctype html><script>
const words = [
  { kind: "ready", v: 1 }, { kind: "failed", v: 1, code: "FORGED", message: "by a sibling" },
  { kind: "unsafe", v: 1, fault: "forged" }, { kind: "init", v: 1, spares: 0 },
  { kind: "init", v: 1, memoryMB: 64 }, { __proto__: null, kind: "__proto__" }, null, "ready", 7, [],
];
let sent = 0;
setInterval(() => {
  const windows = [parent, ...Array.from({ length: parent.frames.length }, (_, n) => parent.frames[n])];
  for (const target of windows) {
    for (const word of words) {
      const { port1 } = new MessageChannel();
      target.postMessage(word, "*", [port1]);
    }
    for (let n = 0; n < target.frames.length; n++) target.frames[n].postMessage(words[4], "*");
  }
  parent.postMessage({ sibling: ++sent }, "*");
}, 5);
</script>"""
BESIDE = """() => {
  window.siblingSaid = 0;
  addEventListener("message", ({ data }) => { if (data?.sibling) window.siblingSaid = data.sibling; });
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.src = "/sibling.html";
  document.body.append(frame);
}"""


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    with Embedder(extra={"sibling.html": SIBLING}) as running:
        yield running


@pytest.fixture(scope="module")
def server(dist: Path, embedder: Embedder) -> Iterator[LabServer]:
    with LabServer(PLUGINS, dist=dist, allowed_origins=[embedder.origin]) as running:
        yield running


def test_a_sibling_frame_that_forges_all_the_time_changes_nothing(
    page: Page, server: LabServer, embedder: Embedder
) -> None:
    lab = Lab(page, f"{embedder.origin}/lab.html")
    lab.ask(BESIDE)
    page.wait_for("siblingSaid > 3")
    lab.open(server)
    plugin = lab.load("test.spine@1.0.0")
    before = lab.ask("() => siblingSaid")
    assert plugin.value("echo", 1) == 1
    page.wait_for(f"siblingSaid > {before} + 3")
    assert plugin.value("echo", 2) == 2
    assert lab.alerts() == []
    assert lab.states() == ["opening", "open"]


def test_the_same_words_before_any_sandbox_are_heard_by_nobody(
    page: Page, server: LabServer, embedder: Embedder
) -> None:
    """The frame that forges stands where the host frame will stand: first. Its `ready` opens nothing."""
    lab = Lab(page, f"{embedder.origin}/lab.html")
    lab.ask(BESIDE)
    page.wait_for("siblingSaid > 3")
    with pytest.raises(LabError) as caught:
        lab.open(server, origin="http://127.0.0.1:9", bootTimeoutMs=1500)
    assert caught.value.code != "FORGED"


def test_control_a_page_client_that_hears_any_window_opens_nothing_beside_it(
    page: Page, dist: Path, embedder: Embedder, tmp_path: Path
) -> None:
    folder = variant(dist, tmp_path, ANY_WINDOW_IS_HEARD)
    with LabServer(PLUGINS, dist=folder, allowed_origins=[embedder.origin]) as server:
        lab = Lab(page, f"{embedder.origin}/lab.html")
        lab.ask(BESIDE)
        page.wait_for("siblingSaid > 3")
        with pytest.raises(LabError) as caught:
            lab.open(server).load("test.spine@1.0.0")
    assert caught.value.code in ("FORGED", "PROTOCOL_VIOLATION", "SESSION_CLOSED"), caught.value


SECOND_INIT = """async (origin) => {
  const frame = document.querySelector("iframe[title=pysandbox]");
  frame.contentWindow.postMessage({ kind: "init", v: 1, spares: 0 }, origin, [new MessageChannel().port1]);
}"""


def test_a_second_init_ends_the_session(lab: Lab, lab_server: LabServer) -> None:
    plugin = lab.load("test.spine@1.0.0")
    waiting = plugin.start("wait")
    lab.ask(SECOND_INIT, lab_server.sandbox_origin)
    outcome = lab.finish(waiting)
    assert outcome["error"]["code"] == "PROTOCOL_VIOLATION", outcome
    assert lab.states()[-1] == "closed"
    assert lab.ask("() => frames.length") == 0
    assert plugin.invoke("echo")["status"] != "ok"


def test_a_second_ready_is_an_alert_and_ends_the_session(page: Page, serve: Serve) -> None:
    server = serve(HOST_READY_TWICE)
    lab = Lab(page, f"{server.api_origin}/pages/lab.html")
    with pytest.raises(LabError) as caught:
        lab.open(server).load("test.spine@1.0.0")
    assert caught.value.code in ("PROTOCOL_VIOLATION", "SESSION_CLOSED"), caught.value
    assert lab.ask("() => frames.length") == 0
    assert [alert["code"] for alert in lab.alerts()] == ["PROTOCOL_VIOLATION"]
