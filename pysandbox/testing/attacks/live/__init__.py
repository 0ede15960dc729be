"""The attacks that ``pysandbox attack`` makes on a running deployment, and what comes of each, as data.

``play.Play`` is one attack of a browser's or on the gateway; ``verdicts`` judges what was seen; ``run`` does it all.
What runs in the browser is in ``page/``, what is registered there as plugins in ``plugin/`` and ``witness/``. The
catalogue beside this package tells of all attacks that the project's own tests make, with walls really taken away.
"""
