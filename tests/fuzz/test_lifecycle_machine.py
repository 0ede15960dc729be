"""The host's session and its plugins under any interleaving: every invocation ends in exactly one outcome.

The real `HostSession` and all it holds, in a world whose clock, cells, gateway and watchdog do what the rules say,
late, twice or never. The accounts of `LifecycleWorld` fail at once on a second outcome, on one after its plugin's
unload, on a word to a cell that was ended, on a cell ended twice, on whatever is let through while a plugin rests. The
remainder is asserted below, at each step and at the end.
"""

from __future__ import annotations

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pysandbox.core.limits import default
from tests.fuzz.lifecycle_world import DEADLINE_MS, FEW, LONG_MS, NAMES, READ, WRITE, Cell, LifecycleWorld

MIB = 1024 * 1024
BYE = json.dumps({
    **dict.fromkeys(("timers", "listeners", "tasks", "calls", "cacheEntries", "cacheBytes"), 1), "error": None})
PICK = st.integers(0, 99)
SPOKEN = st.sampled_from(["junk", "dead", "{}", "[" * 40])
CODES = st.sampled_from(["PLUGIN_ERROR", "PLUGIN_TIMEOUT", "PLUGIN_ABORTED", "PLUGIN_KILLED", "NOPE", "MEMORY_LIMIT"])


class LifecycleMachine(RuleBasedStateMachine):
    """Rules pick by number, so that each finds something to do wherever there is anything."""

    @initialize(crowded=st.sampled_from([False, False, True]))
    def open(self, crowded: bool) -> None:
        """One plugin is there at first, or as many as can have a worker."""
        self.names = NAMES if crowded else FEW
        self.world = world = LifecycleWorld()
        told = {"sessionToken": "secret", "environment": "test", "queue": "q", "locale": "en",
                "capabilities": [READ, WRITE]}  # fmt: skip
        world.question("open", payload=json.dumps(told))
        world.gateway_answers()
        assert not world.open_questions
        for _ in range(default("maxLive") if crowded else 1):
            self.load_at_once(0)
        assert set(world.handles.values()) == set(self.names[: default("maxLive") if crowded else 1])

    # --- picking ---
    def cells(self) -> list[Cell]:
        return [cell for cell in self.world.cells.values() if cell.alive]

    def loaded(self) -> list[Cell]:
        return [cell for cell in self.cells() if cell.loaded]

    def asks(self) -> list[tuple[Cell, str]]:
        return [(cell, id) for cell in self.loaded() for id, ask in cell.asks.items() if ask.kind == "call"]

    # --- the page ---
    @rule(number=PICK)
    def load(self, number: int) -> None:
        taken = {*self.world.handles.values(), *(subject for _, subject in self.world.open_questions.values())}
        free = [name for name in self.names if name not in taken]
        if free:
            name = free[number % len(free)]
            self.world.question("load", subject=name, method=f"{name}@1.0.0")

    @rule(number=PICK)
    def load_at_once(self, number: int) -> None:
        """The whole way, so that most runs have a plugin to play with."""
        self.load(number)
        self.all_answers()
        self.take_up()

    @precondition(lambda self: self.world.handles)
    @rule(number=PICK, deadline_ms=st.sampled_from([0, 50, 300, 5000, -1]), count=st.integers(1, 4),
          arrives=st.booleans())
    def invoke(self, number: int, deadline_ms: int, count: int, arrives: bool) -> None:
        handle = list(self.world.handles)[number % len(self.world.handles)]
        for _ in range(count):
            self.world.invoke(handle, "greet", "null", deadline_ms)
        if arrives:
            self.world.settle()

    @precondition(lambda self: self.world.handles or self.world.gone)
    @rule(what=st.sampled_from([("no name", "null"), ("greet", "[" * 60 + "]" * 60), ("greet", "null")]))
    def invoke_wrong(self, what: tuple[str, str]) -> None:
        """No such handler, a value that may not pass, or a plugin that is gone: an outcome at once."""
        handle = min(self.world.gone or set(self.world.handles))
        if handle in self.world.gone or what[1] != "null" or what[0] != "greet":
            before = len(self.world.outcomes)
            gone, self.world.gone = self.world.gone, set()
            self.world.invoke(handle, *what, 0)
            self.world.gone = gone
            assert len(self.world.outcomes) == before + 1

    @precondition(lambda self: self.world.open_invocations or self.world.outcomes)
    @rule(number=PICK)
    def abort(self, number: int) -> None:
        """What runs, or ended long ago."""
        ids = [*self.world.open_invocations, *list(self.world.outcomes)[-2:]]
        id = ids[number % len(ids)]
        handle = self.world.open_invocations.get(id) or next(iter(self.world.handles), "p1")
        self.world.abort(id, handle)

    @precondition(lambda self: self.world.handles)
    @rule(number=PICK, permission=st.sampled_from([READ, WRITE]))
    def revoke(self, number: int, permission: str) -> None:
        handle = list(self.world.handles)[number % len(self.world.handles)]
        self.world.question("revoke", to=handle, method=permission)

    @precondition(lambda self: self.world.handles)
    @rule(number=PICK, twice=st.booleans())
    def unload(self, number: int, twice: bool) -> None:
        handle = list(self.world.handles)[number % len(self.world.handles)]
        for _ in range(1 + twice):
            self.world.question("unload", subject=handle, to=handle)

    @precondition(lambda self: self.world.page_calls)
    @rule(number=PICK, kind=st.sampled_from(["result", "error"]), twice=st.booleans())
    def page_answers(self, number: int, kind: str, twice: bool) -> None:
        id, handle = self.world.page_calls[number % len(self.world.page_calls)]
        self.world.answer_call(id, handle, kind, "1")
        if twice:
            self.world.session.on_page(kind, id, "", "2", handle, "", 0)

    # --- the gateway ---
    @precondition(lambda self: self.world.requests)
    @rule(number=PICK, broken=st.sampled_from([False, False, False, True]))
    def gateway(self, number: int, broken: bool) -> None:
        self.world.gateway_answers(number % len(self.world.requests), broken=broken)

    def all_answers(self) -> None:
        for _ in range(2):
            for index in reversed(range(len(self.world.requests))):
                if "/changes" not in self.world.requests[index][0].path:
                    self.world.gateway_answers(index)

    @rule(name=st.sampled_from(FEW))
    def block_or_enable(self, name: str) -> None:
        self.world.blocked ^= {f"{name}@1.0.0"}
        self.world.revision += 1
        for index, (request, _) in enumerate(self.world.requests):
            if "/changes" in request.path:
                self.world.gateway_answers(index)
                break

    # --- the workers ---
    @rule()
    def take_up(self) -> None:
        """Every worker boots, and every plugin loads."""
        for cell in self.cells():
            if not cell.booted:
                cell.boot()
        self.world.settle()
        for cell in self.cells():
            if not cell.loaded and "load" in cell.asks:
                cell.loaded = True
                cell.reply("load", "loaded", '{"handlers":["greet"]}')
        self.world.settle()

    @precondition(lambda self: any(not cell.loaded for cell in self.cells()))
    @rule(number=PICK, fails=st.booleans())
    def load_ends(self, number: int, fails: bool) -> None:
        waiting = [cell for cell in self.cells() if not cell.loaded]
        cell = waiting[number % len(waiting)]
        if not cell.booted:
            cell.boot()
        elif "load" in cell.asks and fails:
            cell.reply("load", "error", '{"code":"PLUGIN_IMPORT_FAILED","message":"no"}')
        elif "load" in cell.asks:
            cell.loaded = True
            cell.reply("load", "loaded", '{"handlers":["greet"]}')

    @precondition(lambda self: self.world.handles)
    @rule(number=PICK, rested=st.booleans(), used=st.sampled_from([5, 63]))
    def serve(self, number: int, rested: bool, used: int) -> None:
        """All goes well, for a plugin that rested too; but it may be short of memory then."""
        if rested:
            self.world.advance(default("backoffBaseMs"))
        if self.world.handles:
            self.invoke(number, 0, 1, arrives=False)
        self.take_up()
        for cell, id in self.asks():
            cell.reply(id, "result", "1", used * MIB)
        self.world.settle()

    @precondition(lambda self: self.asks())
    @rule(number=PICK, used=st.sampled_from([5, 63]))
    def reply(self, number: int, used: int) -> None:
        """A result, sometimes from a worker that is short of memory."""
        cell, id = self.asks()[number % len(self.asks())]
        cell.reply(id, "result", "1", used * MIB)
        self.world.settle()

    @precondition(lambda self: self.asks())
    @rule(number=PICK, code=CODES, layer=st.sampled_from(["cooperative", "soft", "hard", 7]))
    def reply_error(self, number: int, code: str, layer: object) -> None:
        cell, id = self.asks()[number % len(self.asks())]
        cell.reply(id, "error", json.dumps({"code": code, "message": "m", "layer": layer}))

    @precondition(lambda self: self.asks())
    @rule(number=PICK)
    def reply_twice(self, number: int) -> None:
        cell, id = self.asks()[number % len(self.asks())]
        cell.reply(id, "result", "1")
        cell.reply(id, "result", "2")

    @precondition(lambda self: self.loaded())
    @rule(number=PICK, id=st.sampled_from(["999", "", "load", "pressure", "shutdown", "1"]),
          kind=st.sampled_from(["result", "error", "loaded", "ready", "bye", "pong", "call"]),
          payload=st.sampled_from(["1", "{", '{"code":1}', "NaN", '{"handlers":[]}']))
    def reply_wrong(self, number: int, id: str, kind: str, payload: str) -> None:
        """An answer to nothing, of the wrong kind, or one that cannot be read."""
        cell = self.loaded()[number % len(self.loaded())]
        if id in cell.asks:
            cell.asks.pop(id)
        cell.channel.send(kind, id, "", payload)

    @precondition(lambda self: any({"pressure", "shutdown"} & cell.asks.keys() for cell in self.cells()))
    @rule(freed=st.booleans())
    def obey(self, freed: bool) -> None:
        for cell in self.cells():
            if "pressure" in cell.asks:
                cell.reply("pressure", "result", "null", (5 if freed else 63) * MIB)
            if "shutdown" in cell.asks:
                cell.reply("shutdown", "bye", BYE)
        self.world.settle()

    @precondition(lambda self: self.world.handles and self.loaded())
    @rule(number=PICK, permission=st.sampled_from([READ, READ, WRITE, "a:b:c"]), owner=st.integers(0, 5))
    def ask(self, number: int, permission: str, owner: int) -> None:
        """A guarded call, in the name of an invocation that runs, or ended, or never was."""
        if not self.asks():
            self.invoke(number, 0, 2, arrives=True)
        if self.loaded():
            cell = self.asks()[0][0] if self.asks() else self.loaded()[number % len(self.loaded())]
            names = [*cell.asks, *cell.asks, *cell.answered[-2:], "on_load", "77"]
            cell.ask(permission, names[owner % len(names)])
            self.world.settle()

    @precondition(lambda self: self.loaded())
    @rule(number=PICK)
    def chatter(self, number: int) -> None:
        """More log lines than a second allows: their credit comes back later, maybe to a worker that is gone."""
        cell = self.loaded()[number % len(self.loaded())]
        while cell.alive and cell.channel.waiting < default("creditMessages"):
            cell.channel.send("log", "", "", "0")
            self.world.settle()

    @precondition(lambda self: any(cell.calls for cell in self.cells()))
    @rule()
    def give_up_call(self) -> None:
        cell = next(cell for cell in self.cells() if cell.calls)
        cell.channel.send("abort", cell.calls[0], "")

    @precondition(lambda self: self.cells())
    @rule(number=PICK, text=SPOKEN, count=st.sampled_from([1, 1, 1, 10]))
    def speak_raw(self, number: int, text: str, count: int) -> None:
        cell = self.cells()[number % len(self.cells())]
        for _ in range(count):
            cell.outbox.append(text)

    @precondition(lambda self: self.cells())
    @rule(number=PICK, fatal=st.booleans())
    def gate(self, number: int, fatal: bool) -> None:
        cell = self.cells()[number % len(self.cells())]
        cell.alive = cell.alive and not fatal
        self.world.session.on_gate(cell.slot, "overdraft" if fatal else "not-text", fatal)

    @precondition(lambda self: self.cells())
    @rule(number=PICK)
    def cell_fails(self, number: int) -> None:
        cell = self.cells()[number % len(self.cells())]
        cell.alive = False
        self.world.session.on_cell_failed(cell.slot, "BOOT_FAILED", "no")

    # --- time, the watchdog, and what comes late ---
    @rule(ms=st.sampled_from([0, 1, 40, 99, 100, 101, 250, 500, 1100, 2500, 16_000, 31_000]))
    def wait(self, ms: int) -> None:
        self.world.advance(ms)

    @rule()
    def deliver_all(self) -> None:
        self.world.settle()

    @precondition(lambda self: self.world.armed)
    @rule(number=PICK)
    def kill(self, number: int) -> None:
        """The watchdog's clock and the host's are not one: its word may come before the host thinks it is due."""
        self.world.expire(*list(self.world.armed)[number % len(self.world.armed)])

    @precondition(lambda self: any(cell.answered for cell in self.cells()))
    @rule()
    def kill_for_what_was_settled(self) -> None:
        cell = next(cell for cell in self.cells() if cell.answered)
        self.world.expire(cell.slot, cell.answered[-1])

    @precondition(lambda self: any(cell.ended for cell in self.world.cells.values()))
    @rule(number=PICK, how=st.sampled_from(["messages", "expired", "gate", "failed", "dead"]))
    def too_late(self, number: int, how: str) -> None:
        """From a cell that was ended: changes nothing at all."""
        old = [cell for cell in self.world.cells.values() if cell.ended]
        cell = old[number % len(old)]
        before = self.account()
        match how:
            case "messages":
                self.world.deliver(cell, len(cell.outbox))
            case "expired":
                self.world.session.on_expired(cell.slot, "1")
            case "gate":
                self.world.session.on_gate(cell.slot, "overdraft", True)
            case "failed":
                self.world.session.on_cell_failed(cell.slot, "BOOT_FAILED", "late")
            case _:
                self.world.session.on_plugin(cell.slot, "dead")
        assert self.account() == before

    def account(self) -> object:
        world = self.world
        return (
            dict(world.open_invocations), len(world.outcomes), dict(world.open_questions), dict(world.armed),
            [(cell.slot, cell.ended, len(cell.inbox)) for cell in world.cells.values()], list(world.page_calls))

    # --- what always holds ---
    @invariant()
    def at_most_one_cell_for_each_plugin(self) -> None:
        for name in NAMES:
            cells = [cell for cell in self.world.cells.values() if cell.binding.plugin == name and not cell.ended]
            generations = [cell.binding.gen for cell in cells]
            wanted = sum(subject == name for subject in self.world.handles.values()) + sum(
                subject == name for _, subject in self.world.open_questions.values())
            assert len(cells) <= wanted, (cells, generations)

    @invariant()
    def no_more_cells_than_may_live(self) -> None:
        assert sum(not cell.ended for cell in self.world.cells.values()) <= default("maxLive")

    @invariant()
    def no_watch_is_kept_for_what_is_over(self) -> None:
        assert all(not self.world.cells[slot].ended for slot, _ in self.world.armed)
        assert sum(key.isdigit() for _, key in self.world.armed) <= len(self.world.open_invocations)

    @invariant()
    def nothing_is_overdue(self) -> None:
        """An outcome comes by the hard limit, whoever sleeps."""
        assert [id for id in self.world.open_invocations if self.world.now > self.world.due[id]] == []

    # --- the end ---
    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        world = self.world
        world.advance(DEADLINE_MS + default("graceMs"))
        assert not world.open_invocations, "an invocation outlives its hard limit"
        for handle in list(world.handles):
            world.question("unload", subject=handle, to=handle)
        while any("/changes" not in request.path for request, _ in world.requests):
            world.gateway_answers(next(
                index for index, (request, _) in enumerate(world.requests) if "/changes" not in request.path))
        world.advance(LONG_MS)
        world.question("close")
        assert not world.open_questions
        assert not world.page_calls
        assert not world.armed
        assert all(cell.ended for cell in world.cells.values())
        outcomes = len(world.outcomes)
        world.advance(LONG_MS)
        assert len(world.outcomes) == outcomes
        for _, work in world.requests:
            work.close()


TestLifecycle = LifecycleMachine.TestCase
TestLifecycle.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
