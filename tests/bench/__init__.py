"""pysandbox measured beside what a user would otherwise take: plain Pyodide with Comlink, and PyScript's worker.

`python -m tests.bench` runs it; `subjects/` says who takes part, `measure/` what is measured, `pages/` what each
subject's page does. Nothing attaches to the page while time is taken: the page itself asks for its commands and
reports (`channel.py`), since a debugger delays the start of every worker and frame.
"""
