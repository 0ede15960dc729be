"""Starting and ending browser processes: a group of their own, a folder of their own, nothing left behind."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

GRACE_S = 3.0


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Generator[Path]:
    """A folder that goes with the browser. Browsers write to theirs until the very end, so removal is tried again."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        for _ in range(20):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.05)


def start_group(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, log: Path | None = None
) -> subprocess.Popen[bytes]:
    """Starts a command as the leader of a process group of its own; its output goes to ``log`` or nowhere."""
    with open(log or os.devnull, "wb") as sink:  # noqa: PTH123 - os.devnull is no path of ours
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            start_new_session=sys.platform != "win32",
        )


def end_group(process: subprocess.Popen[bytes], *, grace_s: float = GRACE_S) -> None:
    """Asks the whole group to end, then makes it (at once when ``grace_s`` is 0); waits for the leader."""
    if grace_s:
        _signal_group(process, signal.SIGTERM)
    end = time.monotonic() + grace_s
    while time.monotonic() < end and _group_alive(process):
        time.sleep(0.02)
    if _group_alive(process):
        _signal_group(process, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    process.wait()


def _group_alive(process: subprocess.Popen[bytes]) -> bool:
    leader_alive = process.poll() is None
    if sys.platform == "win32":
        return leader_alive
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS answers so for a group of zombies
        return leader_alive
    return True


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if sys.platform == "win32":
        process.terminate()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
