"""A display for WebKitGTK, which has no headless mode: Xvfb on a number that it picks itself."""

import contextlib
import os
import select
import shutil
import subprocess
import time
from collections.abc import Generator
from pathlib import Path

from pysandbox.testing.engines.base import BrowserMissing, EngineError
from pysandbox.testing.engines.find import cure
from pysandbox.testing.engines.processes import end_group

START_S = 15.0
FRAMEBUFFER = "Xvfb_screen0"


@contextlib.contextmanager
def virtual_display(framebuffer_folder: Path) -> Generator[str]:
    """Runs Xvfb and yields the value for DISPLAY. The screen's content is the folder's file ``FRAMEBUFFER``."""
    program = shutil.which("Xvfb")
    if not program:
        raise BrowserMissing(f"WebKit needs Xvfb, which is not here; mend it with: {cure('webkit')}")
    read_end, write_end = os.pipe()
    try:
        process = subprocess.Popen(
            [
                *(program, "-displayfd", str(write_end), "-screen", "0", "2000x1600x24", "-nolisten", "tcp"),
                *("-fbdir", str(framebuffer_folder)),
            ],
            pass_fds=[write_end],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    finally:
        os.close(write_end)
    try:
        yield f":{_read_number(read_end)}"
    finally:
        end_group(process)
        os.close(read_end)


def _read_number(fd: int) -> int:
    """Reads through the newline: Xvfb dies of SIGPIPE when the pipe closes between the digits and it."""
    text = b""
    end = time.monotonic() + START_S
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([fd], [], [], max(0.0, end - time.monotonic()))
        chunk = os.read(fd, 16) if ready else b""
        if not chunk:
            raise EngineError(f"Xvfb gave no display within {START_S:.0f} s")
        text += chunk
    return int(text)
