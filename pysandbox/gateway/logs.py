"""The gateway's own log: one line of JSON for each record, so that no text in it can pass for a line of its own.

An exception is told as its type and where it was, without its message: messages quote what they failed on.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from typing import IO


class JsonLines(logging.Formatter):
    """What formats the lines. A message that is JSON already stays as it is."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.name == "pysandbox.access":
            return message
        line: dict[str, object] = {
            "at": int(record.created * 1000), "level": record.levelname.lower(), "from": record.name,
            "message": message}
        if record.exc_info is not None and record.exc_info[0] is not None:
            frames = traceback.extract_tb(record.exc_info[2])
            line["exception"] = record.exc_info[0].__name__
            line["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, separators=(",", ":"))


def to_stderr(stream: IO[str] | None = None) -> None:
    """Send our lines, and what the server below has to complain of, to stderr."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    for name, level in (("pysandbox", logging.INFO), ("uvicorn", logging.WARNING), ("asyncio", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
