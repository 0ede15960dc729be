"""A long session compressed: thousands of invocations in one page, with everything that has to stay flat over hours.

`python -m tests.soak` runs it; `session.py` says what is done, `reconcile.py` what has to add up, `plugin/` and
`pages/` are its two ends.
"""
