"""The long-lived token of a Prometheus scraper: a file's text, which opens the figures and nothing else.

Platform tokens last minutes, and a scraper can renew none. The file is read at each scrape, so it is exchanged without
a restart.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Final

from pysandbox.core.errors import Code, Problem, SandboxError

LEAST_CHARS: Final = 32


class ScraperToken:
    """Raises `SandboxError` ``INPUT_INVALID`` for a file that cannot be read, or whose token could be guessed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            good = len(self._read()) >= LEAST_CHARS
        except (OSError, ValueError):
            good = False
        if not good:
            raise SandboxError(Code.INPUT_INVALID, f"{file} holds no token for scrapers", details=[Problem(
                "metrics_token_file", f"names no readable file with {LEAST_CHARS} ASCII characters or more",
                f"openssl rand -hex 32 > {file}")])

    def is_of(self, token: str) -> bool:
        """Whether ``token`` is what the file holds now. Compared in constant time."""
        try:
            kept = self._read()
        except (OSError, ValueError):
            return False
        return len(kept) >= LEAST_CHARS and hmac.compare_digest(kept, token.encode(errors="surrogatepass"))

    def _read(self) -> bytes:
        return self._file.read_text("ascii").strip().encode()
