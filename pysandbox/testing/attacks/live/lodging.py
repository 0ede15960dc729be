"""The attacker and its witness as plugins of the deployment: there for the time of the attacks, gone afterwards."""

from __future__ import annotations

import secrets
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pysandbox.core.errors import Code, SandboxError
from pysandbox.testing.attacks.live.target import Target

HERE: Final = Path(__file__).parent
FOLDERS: Final = (HERE / "plugin", HERE / "witness", HERE / "caller")
ATTACKER: Final = "com.pysandbox.attacker"
WITNESS: Final = "com.pysandbox.witness"
_PLUGINS: Final = "/api/v2/plugins"


@contextmanager
def lodged(target: Target, warn: Callable[[str], None]) -> Generator[dict[str, str]]:
    """Each plugin's key by its id. ``warn`` is told what could not be removed again. Raises `SandboxError`."""
    from pysandbox.gateway.folder import submission  # noqa: PLC0415  # when it runs: --help stays fast

    if target.is_development:
        yield _served(target)
        return
    version = f"1.0.0-r{secrets.token_hex(6)}"
    keys: dict[str, str] = {}
    try:
        for folder in FOLDERS:
            body = submission(folder, version)
            plugin_id = body["manifest"]["pluginId"]
            keys[plugin_id] = f"{plugin_id}@{version}"  # before it is sent: an answer may get lost
            _register(target, body, version)
        yield dict(keys)
    finally:
        with undisturbed():
            for key in keys.values():
                _remove(target, key, warn)


@contextmanager
def undisturbed() -> Generator[None]:
    """No Ctrl-C while what we left elsewhere is removed. Signals are the main thread's alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def address(key: str) -> str:
    """The API's path of a version."""
    plugin_id, _, version = key.partition("@")
    return f"{_PLUGINS}/{quote(plugin_id, safe='')}/versions/{quote(version, safe='')}"


def _register(target: Target, body: dict[str, Any], version: str) -> None:
    told = target.api.json("POST", _PLUGINS, target.token, body)
    at = address(f"{told['pluginId']}@{version}")
    target.api.json(
        "PUT", f"{at}/grant", target.token, {"permissions": told["permissions"], "identity": told["identity"]})
    target.api.json("PATCH", at, target.token, {"state": "enabled"})


def _remove(target: Target, key: str, warn: Callable[[str], None]) -> None:
    at = address(key)
    try:
        target.api.json("PATCH", at, target.token, {"state": "disabled"})
        target.api.json("DELETE", at, target.token)
    except SandboxError as error:
        if error.code != Code.PLUGIN_NOT_FOUND:  # it never got there
            warn(f"{key} could not be removed ({error.message}); remove it: pysandbox plugin disable {key}; "
                 f"pysandbox plugin remove {key}")


def _served(target: Target) -> dict[str, str]:
    """What a `serve --plugins` has. Raises `SandboxError` ``PLUGIN_NOT_FOUND`` that says how to start it."""
    found: dict[str, str] = {}
    for plugin_id in (ATTACKER, WITNESS):
        try:
            told = target.api.json("GET", f"{_PLUGINS}/{plugin_id}/versions/latest", target.token)
        except SandboxError as error:
            if error.code != Code.PLUGIN_NOT_FOUND:
                raise
            raise SandboxError(
                Code.PLUGIN_NOT_FOUND,
                f"a server without a registry has to be started with the attacker's plugins: pysandbox serve --plugins "
                f"YOURS {' '.join(str(folder) for folder in FOLDERS[:2])}") from error
        found[plugin_id] = f"{plugin_id}@{told['version']}"
    return found
