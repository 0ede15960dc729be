"""Plugins that leave, crash the interpreter, or start what is not there."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from typing import Any

from pysandbox.plugin import Context, handler


@handler
def system_exit(_payload: Any, _ctx: Context) -> None:
    sys.exit(3)


@handler
def keyboard_interrupt(_payload: Any, _ctx: Context) -> None:
    raise KeyboardInterrupt


@handler
def generator_exit(_payload: Any, _ctx: Context) -> None:
    raise GeneratorExit


@handler
def os_exit(_payload: Any, _ctx: Context) -> None:
    os._exit(0)


@handler
def os_abort(_payload: Any, _ctx: Context) -> None:
    os.abort()


@handler
def segmentation_fault(_payload: Any, _ctx: Context) -> None:
    import faulthandler

    faulthandler._sigsegv()


@handler
def wild_read(_payload: Any, _ctx: Context) -> int:
    return len(ctypes.string_at(0xFFFF0000, 4096))


@handler
def wiped_heap(_payload: Any, _ctx: Context) -> None:
    ctypes.memset(1024, 0xFF, 20 << 20)


@handler
def thread(_payload: Any, _ctx: Context) -> None:
    threading.Thread(target=print).start()


@handler
def process(_payload: Any, _ctx: Context) -> None:
    subprocess.run(["true"], check=True)


@handler
def fork(_payload: Any, _ctx: Context) -> None:
    os.fork()
