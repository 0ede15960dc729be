"""`python -m tests.fuzz`: the properties of all that reads what strangers write, driven by coverage (`make fuzz`).

Hypothesis makes each example of bytes, atheris (libFuzzer) chooses the bytes: those that reach a line nobody reached
are kept and changed further. What breaks a property is printed, and kept in `.hypothesis`, where pytest tries it first;
put it into `corpus/`, and it is tried at every run.

One process for each property, because libFuzzer ends its process.
"""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any, Final

MODULES: Final = {
    "tests.fuzz.test_masking_properties": "", "tests.fuzz.test_proxy_requests": "", "tests.fuzz.test_bundles": "",
    "tests.fuzz.test_envelope_properties": "test_any_text|test_what_a_plugin_seals",
    "tests.fuzz.test_core_properties": "test_any_manifest|test_a_good_manifest|test_any_policy|test_what_is_left",
    "tests.fuzz.test_flows": "test_a_damaged_flow|test_any_text"}
"""Where the properties are, and how the names of those begin that are about hostile input, if not all are."""

WATCHED: Final = ["pysandbox.core", "pysandbox.gateway.proxy"]
MOST_BYTES: Final = 8192
MOST_MB: Final = 2048


def targets() -> list[str]:
    """Every property, as ``module:test``."""
    return [
        f"{module}:{name}" for module, begins in MODULES.items()
        for name, test in vars(importlib.import_module(module)).items()
        if name.startswith("test_") and hasattr(test, "hypothesis") and not hasattr(test, "pytestmark")
        and re.match(begins, name)]


def fuzz(target: str, seconds: int) -> None:
    """Does not come back."""
    atheris: Any = importlib.import_module("atheris")  # it has no types
    module, _, name = target.partition(":")
    with atheris.instrument_imports(include=WATCHED):
        test: Any = getattr(importlib.import_module(module), name)
    one: Callable[[bytes], object] = test.hypothesis.fuzz_one_input

    def once(data: bytes) -> None:
        one(data)

    atheris.Setup([
        target, f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", f"-rss_limit_mb={MOST_MB}", "-verbosity=0",
        "-print_final_stats=1", f"-artifact_prefix={tempfile.gettempdir()}/"], once)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description="Fuzz all that reads hostile input, by coverage.")
    parser.add_argument("--seconds", type=int, default=600, help="for all properties together")
    parser.add_argument("--target", help="one property alone, as module:test")
    asked = parser.parse_args()
    if asked.target:
        fuzz(asked.target, asked.seconds)
    found = targets()
    broken: list[str] = []
    for target in found:
        print(f"· {target}", flush=True)
        share = max(1, asked.seconds // len(found))
        run = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--target", target, "--seconds", str(share)], text=True,
            stderr=subprocess.PIPE, check=False)
        done = [line.split()[-1] for line in run.stderr.splitlines() if "number_of_executed_units" in line]
        print(f"  {done[0] if done else 'no'} examples in {share} s", flush=True)
        if run.returncode != 0:
            print(run.stderr, file=sys.stderr)
            broken.append(target)
    print(f"{len(found) - len(broken)} of {len(found)} properties hold", *broken, sep="\n  broken: ")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
