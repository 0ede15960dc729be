from collections.abc import Callable, Iterable
from typing import Any

class JsProxy: ...

def to_js(
    obj: object,
    /,
    *,
    depth: int = -1,
    pyproxies: JsProxy | None = None,
    create_pyproxies: bool = True,
    dict_converter: Callable[[Iterable[JsProxy]], JsProxy] | None = None,
) -> Any: ...
