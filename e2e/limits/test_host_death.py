"""The host's own death: every pending call is settled with a code, the sandbox starts again, nothing is left running.

The host dies of an edit that a variant makes of it; the product has no switch for that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.attacks.walls import in_host_python
from e2e.conftest import FULL, PAGES, PLUGINS
from e2e.kit.busy import busy_s
from e2e.kit.lab import PATIENCE_S, Lab
from e2e.kit.server import LabServer
from e2e.variants import Edit, variant
from pysandbox.core.limits import default
from pysandbox.testing.browsers import Browser

DIES = in_host_python("""
import json
from pysandbox.host.session import HostSession
invoke = HostSession._invoke
def dies(self, *args):
    method = next((arg for arg in args if str(arg).startswith("host.")), "")
    if method == "host.spins":
        while True:
            pass
    if method == "host.raises":
        raise RuntimeError("the host is broken")
    if method == "host.overflows":
        json.loads("[" * 100_000)
    invoke(self, *args)
HostSession._invoke = dies
""")
NOBODY_LISTENS = Edit("watchdog.js", r"(?<=turn\(\)\{)return", "return!1&&")
NO_BEATS = Edit("watchdog.js", r'\w+\.postMessage\("beat"\)\}(?=,1e3)', "0}")
# Once a short deadline is set, its thread gets no processor until that deadline is long over.
GETS_NO_TURN = Edit(
    "watchdog.js", r"(\w+)\.done\.forEach\(\w+\);",
    r"\g<0>if(\1.armed.some(({afterMs:a})=>a<900))queueMicrotask(()=>"
    r"{for(const t=performance.now()+1800;performance.now()<t;);});")
NO_SECOND_LOOK = Edit("watchdog.js", r"setTimeout\(\(\)=>\w+\(\w+,(\w+)\)", r"setTimeout(()=>\1()")
CELLS_WAIT_FOR_EVER = Edit("cell.html", r"(?<=turn\(\)\{)return", "return!1&&")
SILENCE_MS = default("hostSilenceMs")
SLOW_MS = 6000  # what a busy machine may add, far below the 20 s after which the page's own timer would speak

Death = Callable[..., Lab]


@pytest.fixture
def death(browser: Browser, dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Death]:
    """``death(*edits)``: a fresh tab with an open sandbox of that variant."""
    with ExitStack() as stack:

        def of(*edits: Edit) -> Lab:
            folder = variant(dist, tmp_path_factory.mktemp("variant"), edits)
            server = stack.enter_context(LabServer(PLUGINS, dist=folder, pages=PAGES))
            tab = browser.new_page()
            stack.callback(tab.close)
            return Lab(tab, f"{server.api_origin}/pages/lab.html").open(server)

        yield of


def test_every_pending_call_is_settled_and_the_sandbox_goes_on(death: Death) -> None:
    _dies(death, "host.spins", SILENCE_MS + 2000 + SLOW_MS)


@pytest.mark.one_engine
@pytest.mark.parametrize("how", ["host.raises", "host.overflows"])
def test_however_it_dies(death: Death, how: str) -> None:
    _dies(death, how, SLOW_MS)


def _dies(death: Death, how: str, within_ms: int) -> None:
    lab = death(DIES)
    one, other = lab.load("test.spine@1.0.0"), lab.load("test.spine@1.0.0")
    lab.ask("([n, name]) => lab.revoke([n, name])", [other.number, "webchat:session:read"])
    waiting = [one.start("wait"), other.start("wait"), one.start(how)]
    for outcome in map(lab.finish, waiting):
        assert (outcome["status"], outcome["error"]["code"]) == ("unavailable", "HOST_CRASHED"), outcome
        assert outcome["error"]["retryable"]
        assert outcome["pageMs"] <= within_ms
    lab.page.wait_for("lab.states.at(-1) === 'open' && lab.states.length > 2", timeout_s=PATIENCE_S)
    assert lab.states() == ["opening", "open", "opening", "open"]
    assert _settled(lab, one.number) == {"status": "ok", "value": "again"}
    assert _settled(lab, other.number) == {"status": "ok", "value": "again"}
    assert one.invoke("ask", {"permission": "webchat:session:read"})["status"] == "ok"
    revoked = other.invoke("ask", {"permission": "webchat:session:read"})
    assert revoked["status"] == "denied", "what was revoked stays so"
    assert lab.load("test.spine@1.0.0").value("echo", 1) == 1


def _settled(lab: Lab, number: int) -> dict[str, str]:
    """The plugin's first outcome that is no longer of the host that died."""
    return lab.ask("""async (number) => {
      for (;;) {
        const { status, value, error } = await lab.finish(lab.start([number, "echo", "again", {}]));
        if (error?.code !== "HOST_CRASHED") return { status, value };
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }""", number)


@pytest.mark.chromium_only
def test_control_without_the_count_of_silence_only_the_pages_own_timer_is_left(death: Death) -> None:
    lab = death(DIES, NOBODY_LISTENS)
    plugin = lab.load("test.spine@1.0.0")
    waiting = plugin.start("wait", timeoutMs=SILENCE_MS + 2000)
    plugin.start("host.spins", timeoutMs=100)
    outcome = lab.finish(waiting)
    assert (outcome["error"]["code"], outcome["layer"]) == ("PLUGIN_TIMEOUT", "page")
    assert lab.states() == ["opening", "open"]


@pytest.mark.chromium_only
def test_cells_end_by_themselves_when_nobody_beats_any_more(death: Death) -> None:
    lab = death(NO_BEATS)
    outcome = lab.load("test.spine@1.0.0").invoke("wait")
    assert (outcome["status"], outcome["error"]["code"]) == ("unavailable", "HOST_CRASHED")
    assert outcome["error"]["message"] == "the watchdog has gone silent"


@pytest.mark.chromium_only
def test_control_cells_that_do_not_count_go_on(death: Death) -> None:
    lab = death(NO_BEATS, CELLS_WAIT_FOR_EVER)
    outcome = lab.load("test.spine@1.0.0").invoke("wait", timeoutMs=SILENCE_MS + 2500)
    assert (outcome["status"], outcome["error"]["code"]) == ("timeout", "PLUGIN_TIMEOUT")


@pytest.mark.chromium_only
@pytest.mark.parametrize("leave", ["location.reload()", *(["location.href = 'about:blank'"] if FULL else [])])
def test_a_page_that_leaves_leaves_nothing_running(browser: Browser, death: Death, leave: str) -> None:
    lab = death()
    plugin = lab.load("test.spine@1.0.0")
    plugin.start("spin", timeoutMs=20_000)
    time.sleep(0.5)
    spinning = busy_s(browser.pids, 2)
    lab.page.evaluate(f"() => {{ setTimeout(() => {{ {leave} }}) }}")
    time.sleep(3)  # a loop that was told to end runs on for up to two seconds in Chromium
    left = busy_s(browser.pids, 2)
    assert spinning > 0.3, "the loop has to be running, or the test shows nothing"
    assert left < spinning / 3


def after_a_call_that_ended_in_time(lab: Lab) -> str:
    """How the call ends that follows one whose deadline's timer runs out before the watchdog could read its end."""
    plugin = lab.load("test.spine@1.0.0")
    assert plugin.value("echo", 1) == 1
    assert plugin.value("echo", 2, timeoutMs=700) == 2
    return plugin.invoke("wait", None, timeoutMs=4000)["status"]


@pytest.mark.alone
@pytest.mark.engines("firefox")  # where timers may overtake messages
def test_a_watchdog_that_gets_its_turn_late_ends_no_later_call(death: Death) -> None:
    assert after_a_call_that_ended_in_time(death(GETS_NO_TURN)) == "timeout"  # its own deadline


@pytest.mark.alone
@pytest.mark.engines("firefox")
def test_control_without_its_second_look_it_does(death: Death) -> None:
    assert after_a_call_that_ended_in_time(death(GETS_NO_TURN, NO_SECOND_LOOK)) == "killed"
