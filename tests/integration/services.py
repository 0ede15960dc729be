"""A real Redis and a real PostgreSQL, started for the tests on loopback, their data in a temporary folder.

The programs are Debian's; `make test` brings them (tools/setup_services.py). Where one is missing its tests are
skipped, and the run says so; with CI=true they fail.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

IN_CI = os.environ.get("CI") == "true"
START_S = 30.0
STOP_S = 10.0
UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""


@dataclass
class Service:
    """A server process. ``stop`` ends it as a crash would; ``start`` brings it back on the same port and data."""

    url: str
    command: Sequence[str]
    is_up: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Raises RuntimeError if it does not answer in time."""
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_S
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.command[0]} did not start")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once. A second call does nothing."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(STOP_S)
            self.process = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def program(name: str, package: str) -> str:
    """Where ``name`` is; a skip, or in CI a failure, where it is not."""
    beside = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *beside]))
    if found is None:
        (pytest.fail if IN_CI else pytest.skip)(f"{name} is missing: apt-get install {package}")
    return found


@contextmanager
def redis_server() -> Iterator[Service]:
    """Without persistence: what is gone when it stops is gone."""
    executable = program("redis-server", "redis-server")
    port = free_port()
    command = [executable, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with running(Service(f"redis://127.0.0.1:{port}/0", command, lambda: answers(port))) as service:
        yield service


@contextmanager
def postgres_server() -> Iterator[Service]:
    """One empty database, ``pysandbox``; its URL needs no password, since it listens to loopback alone."""
    initdb = os.path.realpath(program("initdb", "postgresql"))  # its fellows are beside it, not beside a link to it
    executable = str(Path(initdb).with_name("postgres"))
    with tempfile.TemporaryDirectory(prefix="pysandbox-pg-") as folder:
        data, port = Path(folder) / "data", free_port()
        if os.geteuid() == 0:
            shutil.chown(folder, UNPRIVILEGED)
        subprocess.run(
            [*as_nobody(), initdb, "--pgdata", str(data), "--username", "pysandbox", "--auth", "trust", "--no-sync"],
            check=True, stdout=subprocess.DEVNULL, timeout=START_S)
        command = [
            *as_nobody(), executable, "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", folder,
            "-c", "fsync=off", "-c", "shared_buffers=16MB"]
        ready = [str(Path(initdb).with_name("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(port)]
        service = Service(
            f"postgresql://pysandbox@127.0.0.1:{port}/postgres", command,
            lambda: subprocess.run(ready, check=False, timeout=START_S).returncode == 0)
        with running(service):
            yield service


@contextmanager
def running(service: Service) -> Iterator[Service]:
    try:
        service.start()
        yield service
    finally:
        service.stop()


def as_nobody() -> list[str]:
    """What stands before a command that must not run as root."""
    return ["setpriv", f"--reuid={UNPRIVILEGED}", "--clear-groups", "--"] if os.geteuid() == 0 else []
