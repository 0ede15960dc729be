"""What the documents tell a reader to type works as printed, and so does the page they tell him to copy.

How a shell block is tested stands behind its fence; see `documents`. Ports that a document names are replaced by free
ones: other programs of this machine may hold them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pysandbox.gateway.dist import DEFAULT_DIST
from pysandbox.gateway.serve import DevServer
from pysandbox.testing.browsers import Browser, Page, find_browser, missing_parts
from tests.integration.documents import NAMES, ROOT, Block, document, write_files

IN_CI = os.environ.get("CI") == "true"
SHELL = [(name, block) for name in NAMES for block in document(name).blocks if block.language == "sh"]
UP_S = 30.0
SANDBOX = "http://127.0.0.1:8901"
EMBEDDING = ROOT / "examples" / "embedding"


def ids(value: object) -> str:
    return f"line {value.line}" if isinstance(value, Block) else str(value)


def need_bundle() -> None:
    if not (DEFAULT_DIST / "integrity.json").exists():
        (pytest.fail if IN_CI else pytest.skip)("no browser bundle; make it with: pysandbox runtime build")


def need_chromium() -> None:
    need_bundle()
    if find_browser("chromium") is None or missing_parts("chromium"):
        (pytest.fail if IN_CI else pytest.skip)("no Chromium; bring it with: make run")


def free_pair() -> int:
    """A free port whose next one is free too: the sandbox's, where nothing else is said."""
    while True:
        port = free_port()
        with socket.socket() as probe:
            if port < 65535 and probe.connect_ex(("127.0.0.1", port + 1)):
                return port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def scratch(name: str, folder: Path) -> dict[str, str]:
    """Fill ``folder`` with what the document takes for granted; the environment to run its commands in."""
    write_files(document(name), folder)
    for link, target in {
        "examples": ROOT / "examples", ".venv": Path(sys.prefix), "my_plugin": ROOT / "examples" / "risk_scoring",
        "pysandbox": ROOT / "pysandbox",
    }.items():  # fmt: skip
        (folder / link).symlink_to(target)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYSANDBOX_PORT": "0", "PYSANDBOX_SANDBOX_PORT": "0"}


def of_kind(*infos: str) -> list[tuple[str, Block]]:
    return [(name, block) for name, block in SHELL if block.info in infos]


def test_every_shell_block_says_how_it_is_tested() -> None:
    kinds = {"sh", "sh browser", "sh runtime", "sh serve", "sh make", "sh gateway", "sh attack", "sh function"}
    assert {block.info for _, block in SHELL} <= kinds
    assert len(SHELL) >= 6


@pytest.mark.parametrize(("name", "block"), of_kind("sh make"), ids=ids)
def test_a_task_exists(name: str, block: Block) -> None:
    for line in block.text.splitlines():
        assert line.split()[0] == "make", f"{name}: {line}"
        done = subprocess.run(
            [*line.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "block"), of_kind("sh", "sh browser", "sh runtime"), ids=ids)
def test_a_command_works_as_printed(name: str, block: Block, tmp_path: Path) -> None:
    if block.info == "sh browser":
        need_chromium()
    elif block.info == "sh runtime":
        need_bundle()
    env = scratch(name, tmp_path)
    done = subprocess.run(
        ["sh", "-eu", "-c", block.text], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=110,
        check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if "--json" in block.text and "pysandbox run" in block.text:
        outcome = json.loads(done.stdout.splitlines()[-1])
        assert outcome["status"] == "ok", outcome
        for text in (block.text for block in document(name).blocks if block.text.startswith('{"status"')):
            printed = json.loads(text)
            assert outcome.keys() == printed.keys()
            assert (outcome["status"], outcome["value"]) == (printed["status"], printed["value"])


def heeds_interrupts() -> None:
    """As a shell's foreground job does; what runs in a script's background is born deaf to them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(("name", "block"), of_kind("sh serve"), ids=ids)
def test_a_server_comes_up_and_stops(name: str, block: Block, tmp_path: Path) -> None:
    need_bundle()
    env = scratch(name, tmp_path)
    port = free_port()
    for line in block.text.splitlines():
        command = line.partition(" #")[0].replace("9000", str(port))
        running = subprocess.Popen(
            ["sh", "-c", f"exec {command}"], cwd=tmp_path, env={**env, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=heeds_interrupts)  # noqa: PLW1509 - no other thread runs here
        try:
            origin = re.search(r"--allowed-origin (\S+)", command)
            up = rf"may embed +{re.escape(origin[1])}$" if origin else r"token +\S{20}|#dev=\S{20}|Serving HTTP on"
            assert until(running, up), f"{name}: {command}"
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=20)


def until(running: subprocess.Popen[str], pattern: str) -> str:
    """What it prints up to the line that matches; empty when it ends or stays silent before."""
    assert running.stdout is not None
    timer = threading.Timer(UP_S, running.kill)
    timer.start()
    told = ""
    try:
        for line in running.stdout:
            told += line
            if re.search(pattern, line):
                return told
    finally:
        timer.cancel()
    return ""


GATEWAY_S = 110
WAIT_FOR = """
import socket, sys, time
for port in map(int, sys.argv[1:]):
    while socket.socket().connect_ex(("127.0.0.1", port)):
        time.sleep(0.1)
"""


def test_an_operator_comes_from_nothing_to_a_route_that_works(tmp_path: Path) -> None:
    """The README's blocks one after the other, in one shell, as they are typed."""
    need_bundle()
    env = scratch("README.md", tmp_path)
    ports = {named: str(free_port()) for named in ("8900", "8901", "9100")}
    up, register = (block.text.replace("9100", ports["9100"]) for _, block in of_kind("sh gateway"))
    for file in tmp_path.glob("*.json"):
        file.write_text(file.read_text("utf-8").replace("9100", ports["9100"]), "utf-8")
    (tmp_path / "wait_for.py").write_text(WAIT_FOR)
    script = "\n".join([
        "trap 'kill $(jobs -p); wait' EXIT", up, f"python -W ignore wait_for.py {' '.join(ports.values())}", register])
    env |= {"PYSANDBOX_PORT": ports["8900"], "PYSANDBOX_SANDBOX_PORT": ports["8901"],
            "PYSANDBOX_URL": f"http://127.0.0.1:{ports['8900']}"}  # fmt: skip
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=tmp_path, env=env, input="y\n", capture_output=True, text=True,
        timeout=GATEWAY_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [told] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert told["subject"]["customerId"] == "c-1"
    assert "status 200  upstream" in done.stderr
    assert "078-05-1120" not in done.stdout, "the API tells it; the route masks it"


def test_a_deployment_is_attacked_as_printed(tmp_path: Path) -> None:
    need_chromium()
    env = scratch("docs/attacking.md", tmp_path)
    api, page = free_pair(), free_port()
    up, attack = (
        block.text.replace("8900", str(api)).replace("8910", str(page)) for _, block in of_kind("sh attack"))
    (tmp_path / "wait_for.py").write_text(WAIT_FOR)
    script = "\n".join([
        "trap 'kill $(jobs -p); wait' EXIT", up, f"python -W ignore wait_for.py {api} {api + 1}",
        attack.rstrip("\n") + f" --page-port {page}"])  # the page's port is the one thing that is not free to choose
    env |= {"PYSANDBOX_PORT": str(api), "PYSANDBOX_SANDBOX_PORT": str(api + 1)}
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=GATEWAY_S,
        check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing got through" in done.stderr
    assert (tmp_path / "attack-report" / "report.html").is_file()


# --- the page to copy ---
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    need_chromium()
    with Browser.launch("chromium") as browser:
        yield browser


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """What matters is asserted."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A static server on an origin of its own: its folder and its origin."""
    folder = tmp_path_factory.mktemp("site")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def sandbox(site: tuple[Path, str]) -> Iterator[DevServer]:
    need_bundle()
    with DevServer([ROOT / "examples" / "risk_scoring"], allowed_origins=[site[1]]) as server:
        yield server


def copy_page(folder: Path, name: str, sandbox: DevServer, integrity: str = "") -> None:
    """The page as a reader makes it his: the sandbox origin in its place; pinned, as the document says."""
    shutil.copytree(EMBEDDING, folder / name, dirs_exist_ok=True)
    for path in (folder / name).iterdir():
        path.write_text(path.read_text("utf-8").replace(SANDBOX, sandbox.sandbox_origin), "utf-8")
    if integrity:
        index = folder / name / "index.html"
        pins = json.dumps({"integrity": {f"{sandbox.sandbox_origin}/pysandbox.js": integrity}})
        hashed = base64.b64encode(hashlib.sha256(pins.encode()).digest()).decode()
        text = index.read_text("utf-8").replace("script-src 'self'", f"script-src 'self' 'sha256-{hashed}'")
        index.write_text(text.replace('<script type="module"', f'<script type="importmap">{pins}</script>\n'
                                                               '<script type="module"'), "utf-8")  # fmt: skip


def press(page: Page, token: str) -> str:
    """Do what the page's README says; what the page says in the end, or that nothing happened."""
    return page.evaluate(
        """async (token) => {
          document.getElementById("form").addEventListener("submit", (event) => event.preventDefault());
          document.getElementById("token").value = token;
          document.querySelector("button").click();
          const state = document.getElementById("state");
          for (let i = 0; i < 300 && /^Working/.test(state.textContent); i++) {
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
          return state.textContent.startsWith("Paste") ? "nothing happened" : state.textContent;
        }""", token, timeout_s=60)  # fmt: skip


def sri(data: bytes) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(data).digest()).decode()


@pytest.mark.parametrize("how", ["plain", "pinned", "altered"])
def test_the_page_to_copy_works_as_it_stands(
    chromium: Browser, site: tuple[Path, str], sandbox: DevServer, how: str
) -> None:
    folder, origin = site
    client = (DEFAULT_DIST / "pysandbox.js").read_bytes()
    copy_page(folder, how, sandbox, {"plain": "", "pinned": sri(client), "altered": sri(client + b" ")}[how])
    page = chromium.new_page()
    try:
        page.goto(f"{origin}/{how}/index.html")
        told = press(page, sandbox.token)
    finally:
        page.close()
    assert told.startswith("nothing happened" if how == "altered" else "Risk "), told


def test_the_page_to_copy_says_what_is_wrong(chromium: Browser, site: tuple[Path, str], sandbox: DevServer) -> None:
    folder, origin = site
    copy_page(folder, "wrong", sandbox)
    page = chromium.new_page()
    try:
        page.goto(f"{origin}/wrong/index.html")
        assert press(page, "no token of ours").startswith("SESSION_INVALID: ")
        assert press(page, sandbox.token).startswith("Risk "), "the next press tries again"
    finally:
        page.close()
