"""Flows that always end: the language, its checks, the engine, the journal, the diagram.

`engine` is a generator that yields effects and is sent results; `driver` performs them through `ports`. A flow ends in
exactly one of the terminal blocks that its author wrote, whatever plugins, clocks and stores do: see ``docs/flows.md``.
Must not know: I/O, clocks, randomness.
"""
