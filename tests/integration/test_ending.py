"""A server ends when it is told to, at whatever moment that comes."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

ROUNDS = 3000
# A process of its own: where its main thread can wait for ever, its end is the test's.
RACES = f"""
import os, signal, threading, time
from pysandbox.cli.ending import Ending
for n in range({ROUNDS}):
    with Ending() as ending:
        threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGTERM)).start()
        ending.wait()
print("ended each time")
"""


def test_a_signal_ends_the_wait_whenever_it_comes() -> None:
    ran = subprocess.run([sys.executable, "-c", RACES], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.returncode) == ("ended each time\n", 0), ran.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_heard_before_anybody_waits_and_afterwards_all_is_as_before(number: int) -> None:
    code = f"""
import signal
from pysandbox.cli.ending import Ending
before = signal.getsignal({int(number)})
with Ending() as ending:
    signal.raise_signal({int(number)})
    ending.wait()
print(signal.getsignal({int(number)}) is before)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.returncode) == ("True\n", 0), ran.stderr
