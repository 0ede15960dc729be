"""The walls around a plugin's process: each is there, and each can be told to be away."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

import pytest

from pysandbox.invoker import jail
from pysandbox.invoker.jail import BOOT_BYTES, MAX_FILES, MIB, Walls, command, environment, kill_group, limit_process

SCRIPT = Path("/somewhere/plugin_process.js")
NOBODY = 2**22 + 1  # above what Linux numbers processes by


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that has all of them."""
    monkeypatch.setattr(jail, "deno", lambda: "/bin/deno")
    monkeypatch.setattr(jail, "without_network", lambda: ("unshare", "--net"))
    monkeypatch.setattr(jail, "dying_with_parent", lambda: ("setpriv", "--pdeathsig", "KILL"))


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> dict[int, tuple[int, int]]:
    """What a process was bounded to, by resource."""
    found: dict[int, tuple[int, int]] = {}

    def prlimit(_pid: int, kind: int, most: tuple[int, int]) -> None:
        found[kind] = most

    def data_bytes(_pid: int) -> int:
        return 100 * MIB

    monkeypatch.setattr(resource, "prlimit", prlimit)
    monkeypatch.setattr(jail, "data_bytes", data_bytes)
    return found


def test_a_process_starts_without_permissions_in_a_network_of_its_own() -> None:
    started = command(SCRIPT, Walls())
    assert started[:7] == ["unshare", "--net", "setpriv", "--pdeathsig", "KILL", "/bin/deno", "run"]
    assert started[-1] == str(SCRIPT)
    denied = {flag.removeprefix("--deny-") for flag in started if flag.startswith("--deny-")}
    assert denied == {"import", "net", "read", "write", "env", "sys", "run", "ffi"}
    assert {"--no-remote", "--no-npm", "--cached-only", "--no-prompt"} < set(started)
    assert not [flag for flag in started if flag.startswith("--allow")]


def test_a_wall_that_is_away_is_away() -> None:
    started = command(SCRIPT, Walls(flags=("--quiet",), network_namespace=False))
    assert started == ["setpriv", "--pdeathsig", "KILL", "/bin/deno", "run", "--quiet", str(SCRIPT)]


def test_it_is_told_nothing_of_the_servers_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYSANDBOX_VAULT_KEY", "secret")
    told = environment(tmp_path)
    assert told.keys() == {"DENO_DIR", "DENO_NO_UPDATE_CHECK", "NO_COLOR", "HOME"}
    assert Path(told["DENO_DIR"]).is_relative_to(tmp_path)


def test_while_it_starts_it_may_have_what_a_start_takes_and_few_files(limits: dict[int, Any]) -> None:
    limit_process(1, Walls())
    assert limits == {
        resource.RLIMIT_DATA: (BOOT_BYTES, BOOT_BYTES), resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (MAX_FILES, MAX_FILES)}


def test_before_a_plugin_runs_its_memory_is_bounded_from_what_it_has_by_then(limits: dict[int, Any]) -> None:
    limit_process(1, Walls(), more_bytes=64 * MIB)
    assert limits == {resource.RLIMIT_DATA: (164 * MIB, 164 * MIB)}
    limits.clear()
    limit_process(1, Walls(memory_limit=False), more_bytes=64 * MIB)
    assert limits == {}


@pytest.mark.parametrize("error", [ProcessLookupError, FileNotFoundError])
def test_one_that_has_ended_meanwhile_is_no_fault(monkeypatch: pytest.MonkeyPatch, error: type[OSError]) -> None:
    def gone(*_: object) -> None:
        raise error

    monkeypatch.setattr(resource, "prlimit", gone)
    limit_process(NOBODY, Walls())
    kill_group(NOBODY)


def test_what_it_may_write_to_is_read_from_the_system() -> None:
    assert 0 < jail.data_bytes(os.getpid()) < 1 << 40
    with pytest.raises(FileNotFoundError):
        jail.data_bytes(NOBODY)
