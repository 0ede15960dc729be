"""The collector of cyclic garbage, set up for a server: a twelfth of a proxied request's time was spent in it.

Nearly all that a request makes is freed by its reference counts. Must not know: what is served.
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG_OBJECTS: Final = 50_000
"""How many more objects than were freed make a look worth it: some megabytes, instead of a look for each request."""


def settle() -> None:
    """To be called when a server is up. What lives now lives as long as the process, and is not looked at again: a full
    look takes tens of milliseconds, in which nobody is answered."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
