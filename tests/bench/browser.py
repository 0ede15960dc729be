"""A Chromium of our own for one session, driven over its DevTools HTTP endpoint, which opens tabs without attaching."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from websockets.sync.client import connect

from tests.bench.npm import SetupError
from tests.bench.processes import end_tree

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)


def find_chromium() -> Path:
    """The system's Chromium or Chrome."""
    for name in ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise SetupError("no Chromium found: apt-get install chromium")


class Browser:
    """One browser with a fresh profile, gone at the end. `net_log` is a file for Chromium's own network log."""

    def __init__(self, *, net_log: Path | None = None) -> None:
        self._profile = Path(tempfile.mkdtemp(prefix="pysandbox-bench-"))
        logging = [] if net_log is None else [f"--log-net-log={net_log}"]
        self._process = subprocess.Popen(
            [find_chromium(), *FLAGS, f"--user-data-dir={self._profile}", *logging, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._devtools = ""

    @property
    def pid(self) -> int:
        """The browser process, root of all the others."""
        return self._process.pid

    def version(self) -> str:
        """Product and version as the browser says them."""
        return str(self._get("/json/version")["Browser"])

    def open_tab(self, url: str) -> str:
        """Open a tab in front; answer its id."""
        return str(self._get(f"/json/new?{urllib.parse.quote(url, safe='')}", method="PUT")["id"])

    def close_tab(self, tab: str) -> None:
        """Close a tab."""
        self._request(f"/json/close/{tab}")

    def collect_garbage(self) -> None:
        """Ask every process for its unused memory back, as under memory pressure; workers are included."""
        with connect(self._get("/json/version")["webSocketDebuggerUrl"], max_size=None) as socket:
            for number in range(3):
                socket.send(
                    json.dumps(
                        {"id": number, "method": "Memory.simulatePressureNotification", "params": {"level": "critical"}}
                    )
                )
                answer = json.loads(socket.recv(10))
                if "error" in answer:
                    raise RuntimeError(f"no memory pressure: {answer['error']}")
                time.sleep(0.3)

    def _get(self, path: str, method: str = "GET") -> dict[str, Any]:
        return json.loads(self._request(path, method))

    def _request(self, path: str, method: str = "GET") -> bytes:
        request = urllib.request.Request(self._devtools + path, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bytes(answer.read())

    def __enter__(self) -> Browser:
        port_file = self._profile / "DevToolsActivePort"
        deadline = time.monotonic() + 30
        while not (port_file.exists() and port_file.read_text().strip()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise SetupError(f"{find_chromium()} did not start")
            time.sleep(0.05)
        self._devtools = f"http://127.0.0.1:{port_file.read_text().split()[0]}"
        return self

    def close(self) -> None:
        """End the browser and remove its profile."""
        end_tree(self._process)
        shutil.rmtree(self._profile, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
