"""Bundles that the build would refuse to make: with an index that fits, so that nothing is wrong but what is meant."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any, Final

from pysandbox.core.bundle import FORMAT, INDEX_NAME

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE: Final = 0o100644 << 16


def pack(manifest: Mapping[str, Any], extra: Mapping[str, bytes] | None = None, *, twice: str = "") -> str:
    """A bundle of that manifest, an entry module and ``extra``, as text. ``twice``: a name that comes again."""
    files = {
        "manifest.json": json.dumps(manifest).encode(), "plugin.py": b"from pysandbox.plugin import handler\n",
        **(extra or {})}
    index = {"format": FORMAT, "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the name that comes twice
        entries = [(INDEX_NAME, json.dumps(index).encode()), *files.items()]
        for name, data in [*entries, (twice, b"")] if twice else entries:
            info = zipfile.ZipInfo(name, _DATE)
            info.filename = name  # as it is: the library would mend it
            info.external_attr, info.compress_type = _REGULAR_FILE, zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return base64.b64encode(out.getvalue()).decode()
