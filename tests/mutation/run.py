"""Tries one mutant: the module's own unit tests, in a child of this process that has the changed module.

The child is forked before anything of pysandbox is imported, so that every module sees the mutant; what the tests need
of others is imported before, once.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

import hypothesis  # noqa: F401  # once, and not in each child
import msgspec  # noqa: F401
import pytest

PASSED: Final = 0
KILLED: Final = frozenset({int(pytest.ExitCode.TESTS_FAILED), int(pytest.ExitCode.INTERRUPTED)})
"""A test failed, or the module could not be imported by it. Any other end says nothing about the tests."""

_TICK_S: Final = 0.01


class NoVerdictError(Exception):
    """pytest ended in a way that neither kills a mutant nor lets it live: no test was found, say."""


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, module: str, path: Path, tree: ast.Module) -> None:
        self._module, self._path, self._tree = module, path, tree

    def find_spec(
            self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._path)
        exec(compile(self._tree, str(self._path), "exec"), module.__dict__)  # the mutant is what is to be run


def survives(module: str, path: Path, tree: ast.Module, tests: Sequence[str], timeout_s: float) -> bool | None:
    """Whether all tests pass; None if they did not come to an end in time. Raises `NoVerdictError`."""
    child = os.fork()
    if child == 0:
        _be_child(module, path, tree, tests)
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            if code != PASSED and code not in KILLED:
                raise NoVerdictError(f"{module}: pytest ended with {code}")
            return code == PASSED
        time.sleep(_TICK_S)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _be_child(module: str, path: Path, tree: ast.Module, tests: Sequence[str]) -> None:
    """Does not come back."""
    code = 70
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        sys.meta_path.insert(0, _Mutated(module, path, tree))
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        quick = ["-x", "-q", "--no-header", "--tb=no", "--assert=plain"]
        code = int(pytest.main([*quick, "-p", "pytest_timeout", "-p", "no:cacheprovider", *tests]))
    finally:
        os._exit(code)
