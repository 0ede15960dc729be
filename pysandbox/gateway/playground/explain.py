"""Why a permission was denied: by which rule, where the manifest says so, and how to ask for it.

Must not know: HTTP, files.
"""

from __future__ import annotations

import json
import re
from typing import Final

from pysandbox.core.errors import ManifestError
from pysandbox.core.manifest import parse_manifest
from pysandbox.core.permissions import KNOWN, provider
from pysandbox.gateway.playground.places import line_of

MAX_CHARS: Final = 2000
_NAME: Final = re.compile(r"\b[a-z][a-z0-9-]*:[a-z][a-z0-9-]*:[a-z][a-z0-9-]*\b")
_PROXY: Final = "integration:proxy:invoke"
_LIST: Final = "$.manifest.permissions"


def explain(message: str, manifest: str, permission: str = "") -> dict[str, object]:
    """``message``: that of the ``PERMISSION_DENIED``. ``manifest``: the text of manifest.json as it is now.
    ``permission``: what it is about, should the message not name it.

    ``rule``, ``path``, ``line``, ``cure``, and what there is of ``permission``, ``opens`` and ``write``: what to put
    in the place of the value at ``path``.
    """
    found = _NAME.search(message)
    name = found[0] if found else _PROXY if "connect-src" in message else permission
    try:
        declared = parse_manifest(manifest).permissions
    except ManifestError:
        declared = ()
    known = KNOWN.get(name)
    place, cure, write = _way(name, declared, message)
    return {
        "permission": name, "rule": message, "opens": known.opens if known else "A function that the page provides.",
        "path": place, "line": line_of(place, manifest), "cure": cure, "write": write}


def _way(name: str, declared: tuple[str, ...], message: str) -> tuple[str, str, str]:
    """Where in the manifest it is decided, how to ask for it, and what to write there; "" for nothing."""
    if "connect-src" in message:
        return "$.manifest.csp", "Add the gateway's origin, which the rule names, to connect-src.", ""
    if not name:
        return _LIST, "Ask for it by its name: area:thing:action, in lower case.", ""
    if provider(name) == "operator":
        return _LIST, "No plugin can hold it. Let a person or a server of the operator do what needs it.", ""
    if name not in declared:
        return _LIST, f"Declare it: add {json.dumps(name)} to the list.", json.dumps([*declared, name])
    at = f"{_LIST}[{declared.index(name)}]"
    if provider(name) == "host":
        return at, "The manifest declares it. Where it is deployed, an administrator has to consent to it.", ""
    return at, (
        "The manifest declares it. Here, set it to Ask or Allow under Permissions. Where it is deployed, an "
        "administrator has to consent to it, and the page has to pass a function of this name in openSandbox's "
        "capabilities."), ""
