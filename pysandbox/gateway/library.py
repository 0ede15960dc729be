"""Whether a plugin's worker must be given the standard library beside the snapshot; judged once for each bundle.

Must not know: HTTP, how the library gets there.
"""

from __future__ import annotations

from collections.abc import Callable

from pysandbox.core.bundle import MAX_BUNDLE_BYTES, read_bundle
from pysandbox.core.imports import needs_library
from pysandbox.gateway.dist import Dist
from pysandbox.gateway.folder import BuiltPlugin


def library_judge(dist: Dist) -> Callable[[BuiltPlugin], bool]:
    """A function that remembers its answers by the bundle's hash. A dist that does not say gives the library to all."""
    known: dict[str, bool] = {}

    def judge(built: BuiltPlugin) -> bool:
        if not dist.in_library:
            return True
        if built.sha256 not in known:
            files = read_bundle(built.bundle, max_bytes=MAX_BUNDLE_BYTES)
            known[built.sha256] = needs_library(files, dist.in_snapshot, dist.in_library)
        return known[built.sha256]

    return judge
