"""pysandbox runs somebody else's Python inside a web page.

A *plugin* runs under Pyodide in a *worker*, inside a *cell*: an iframe with an opaque origin and no network.
Trusted Python (``pysandbox.host``) in a worker of its own checks every message, permission, deadline and byte,
and every *invocation* ends in an *outcome*. ``pysandbox.core`` is the pure Python that all realms share;
``pysandbox.plugin`` is what a plugin author imports.
"""

__version__ = "0.1.0"
