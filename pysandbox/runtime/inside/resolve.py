"""Runs inside Pyodide, with the network: micropip finds the wheels of some requirements. Nothing is installed.

A wheel's code never runs here: they are downloaded and looked at, and imported first in a plugin's own realm.
"""

# micropip is a wheel of wheels.lock, and in no environment out here.
# pyright: basic, reportMissingImports=false
import hashlib
from pathlib import Path
from typing import Any

# Transaction is none of micropip's public names; the lock's hash keeps it as it is.
from micropip._compat import compatibility_layer
from micropip.package_manager import default_environment
from micropip.transaction import Transaction

OUT = Path("/out")


async def main(arguments: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """``{"requirements": [spec, …], "indexUrls": [url, …]}``; wheels are left in ``/out``.

    Returns ``wheels`` (``name``, ``version``, ``file``, ``sha256``) and ``failed`` (``spec``, ``why``).
    """
    transaction: Any = Transaction(
        _compat_layer=compatibility_layer, ctx=default_environment(), ctx_extras=[], keep_going=False, deps=True,
        pre=True, fetch_kwargs={}, index_urls=arguments["indexUrls"])
    failed: list[dict[str, str]] = []
    for spec in arguments["requirements"]:
        try:
            await transaction.add_requirement(spec)
        except Exception as error:  # noqa: BLE001  # each requirement is reported, whatever went wrong with it
            failed.append({"spec": spec, "kind": type(error).__name__, "why": str(error)})
    wheels: list[dict[str, str]] = []
    for wheel in transaction.wheels:
        data: bytes = wheel._data
        sha256 = hashlib.sha256(data).hexdigest()
        if wheel.sha256 is not None and wheel.sha256 != sha256:
            failed.append({"spec": wheel.filename, "kind": "Hash", "why": "its bytes are not those the index names"})
            continue
        (OUT / wheel.filename).write_bytes(data)
        wheels.append({"name": wheel.name, "version": str(wheel.version), "file": wheel.filename, "sha256": sha256})
    return {"wheels": wheels, "failed": failed}
