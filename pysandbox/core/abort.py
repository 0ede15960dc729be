"""AbortController and AbortSignal: the DOM's contract (https://dom.spec.whatwg.org/#aborting-ongoing-activities).

Must not know: event loops, clocks. A timer is passed in.

What differs from the DOM, and why: a listener takes no argument (there is one event, and the signal is at hand);
a reason is always an exception, because only that can be raised; listeners that fail are reported together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from weakref import ref

from pysandbox.core.errors import Code, SandboxError

Listener = Callable[[], object]
OnError = Callable[[Exception], object]


class AbortError(SandboxError):
    """The work was aborted. ``code`` is ``PLUGIN_ABORTED`` (somebody asked) or ``PLUGIN_TIMEOUT`` (a deadline)."""

    def __init__(self, message: str = "", *, code: Code = Code.PLUGIN_ABORTED) -> None:
        if code not in (Code.PLUGIN_ABORTED, Code.PLUGIN_TIMEOUT):
            raise ValueError(f"an abort has the code PLUGIN_ABORTED or PLUGIN_TIMEOUT, not {code}")
        super().__init__(code, message)


class AbortSignal:
    """Says whether work should stop. Only its controller, its timer or its sources can abort it, and only once."""

    __slots__ = ("__weakref__", "_dependents", "_kept", "_listeners", "_reason", "_sources")

    def __init__(self) -> None:
        self._reason: Exception | None = None
        self._listeners: list[Listener] = []
        self._sources: tuple[AbortSignal, ...] = ()
        # Weak, else each any() over a signal that lives as long as the session would stay in memory as long ...
        self._dependents: dict[int, ref[AbortSignal]] = {}
        # ... but one with listeners is kept: whoever waits on it may hold nothing else.
        self._kept: dict[int, AbortSignal] = {}

    @property
    def aborted(self) -> bool:
        """Whether it was aborted."""
        return self._reason is not None

    @property
    def reason(self) -> Exception | None:
        """Why it was aborted: an `AbortError` unless the one who aborted gave another exception. None before."""
        return self._reason

    @property
    def listener_count(self) -> int:
        """Listeners that wait for the abort."""
        return len(self._listeners)

    def throw_if_aborted(self) -> None:
        """Raise the `reason` if there is one."""
        if self._reason is not None:
            raise self._reason.with_traceback(None)  # the same exception each time: let it not collect tracebacks

    def add_listener(self, listener: Listener) -> None:
        """Call ``listener()`` once when the signal is aborted, after those added before.

        As in the DOM, one that is already there is not added again, and one added after the abort is never called:
        look at `aborted` first.
        """
        if self._reason is not None or listener in self._listeners:
            return
        self._listeners.append(listener)
        for source in self._sources:
            source._kept[id(self)] = self

    def remove_listener(self, listener: Listener) -> None:
        """Forget ``listener``; nothing happens if it is not there. One that has not been called yet never will be."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners:
            self._let_go()

    @classmethod
    def any(cls, signals: Iterable[AbortSignal]) -> AbortSignal:
        """A signal that is aborted as soon as one of ``signals`` is, with the same reason."""
        given = list(signals)
        result = cls()
        for signal in given:
            if signal.aborted:
                result._reason = signal.reason
                return result
        # Sources of sources: a dependent signal never has dependents, so one pass reaches all of them.
        sources = {id(leaf): leaf for signal in given for leaf in signal._sources or (signal,)}
        result._sources = tuple(sources.values())
        for source in result._sources:
            source._add_dependent(result)
        return result

    @classmethod
    def timeout(cls, ms: int, schedule: Callable[[Callable[[], None], int], Any]) -> AbortSignal:
        """A signal that is aborted after ``ms`` milliseconds with the code ``PLUGIN_TIMEOUT``.

        ``schedule(function, ms)`` calls ``function()`` later, as ``ctx.set_timeout`` does; listeners that fail raise
        an ExceptionGroup there.
        """
        if ms < 0:
            raise ValueError(f"a timeout of {ms} ms lies in the past")
        controller = AbortController()
        signal = controller.signal
        schedule(lambda: controller.abort(AbortError(f"timed out after {ms} ms", code=Code.PLUGIN_TIMEOUT)), ms)
        return signal

    @classmethod
    def aborted_with(cls, reason: Exception | str | None = None) -> AbortSignal:
        """A signal that is already aborted (``AbortSignal.abort()`` in the DOM)."""
        signal = cls()
        signal._reason = _as_reason(reason)
        return signal

    def _add_dependent(self, dependent: AbortSignal) -> None:
        key, dependents = id(dependent), self._dependents
        dependents[key] = ref(dependent, lambda _gone: dependents.pop(key, None))

    def _let_go(self) -> None:
        for source in self._sources:
            source._kept.pop(id(self), None)

    def _abort(self, reason: Exception) -> list[BaseException]:
        """Mark this signal and all that depend on it, then call the listeners. Returns what the listeners raised."""
        if self._reason is not None:
            return []
        self._reason = reason
        alive = [signal for weak in self._dependents.values() if (signal := weak()) is not None]
        fresh = [signal for signal in alive if signal._reason is None]
        for signal in fresh:
            signal._reason = reason
        self._dependents.clear()
        self._kept.clear()
        return [error for signal in (self, *fresh) for error in signal._run_listeners()]

    def _run_listeners(self) -> list[BaseException]:
        errors: list[BaseException] = []
        while self._listeners:  # taken off before the call: a listener may remove those that come after it
            listener = self._listeners.pop(0)
            try:
                listener()
            except BaseException as error:  # noqa: BLE001 - reported by abort(); the next listener has its turn first
                errors.append(error)
        self._let_go()
        return errors


class AbortController:
    """Owns a `signal` and can abort it. ``on_error(error)`` is told of each listener that raised."""

    __slots__ = ("_on_error", "signal")

    def __init__(self, on_error: OnError | None = None) -> None:
        self.signal = AbortSignal()
        self._on_error = on_error

    def abort(self, reason: Exception | str | None = None) -> None:
        """Abort the signal; from the second time on nothing happens.

        ``reason`` is an exception, or the message of an `AbortError`. When all listeners have run, those that raised
        go to ``on_error``; without one an ExceptionGroup of their errors is raised. What is no Exception (an interrupt,
        a cancellation) is raised itself, after the last listener.
        """
        # A controller is its signal's one friend; nobody else may abort it.
        raised = self.signal._abort(_as_reason(reason))  # pyright: ignore[reportPrivateUsage]
        errors = [error for error in raised if isinstance(error, Exception)]
        if self._on_error is not None:
            for error in errors:
                self._on_error(error)
        if len(errors) < len(raised):
            # An interrupt, such as that of a deadline, has waited for the listeners that end what is under way.
            raise next(error for error in raised if not isinstance(error, Exception))
        if errors and self._on_error is None:
            raise ExceptionGroup("listeners of an aborted signal failed", errors)


def _as_reason(reason: Exception | str | None) -> Exception:
    return reason if isinstance(reason, Exception) else AbortError(reason or "")
