"""A real asyncio loop whose time jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

LONGEST_S = 24 * 3600  # of a test's own time: timers that set themselves again must not hide that it waits for nothing


class _Jumping(selectors.DefaultSelector):
    """Asked to wait, it moves the clock. Asked to wait for ever, it says so: nothing more would happen."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or self.now_s > LONGEST_S:
            raise RuntimeError("a test waits for something that will never happen")
        self.now_s += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`faults` collects what went wrong in tasks and callbacks that nobody awaits."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)
        self.faults: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _loop, context: self.faults.append(context))

    def time(self) -> float:
        return self._jumping.now_s

    def burn(self, ms: float) -> None:
        """Time passes while code runs."""
        self._jumping.now_s += ms / 1000


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs an async test on a `VirtualLoop`; a task or callback that failed unheard fails the test."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))
            loop = runner.get_loop()
            assert isinstance(loop, VirtualLoop)
        assert not loop.faults, loop.faults

    return run
