"""The gate on a plugin's process: frames of its standard output are counted, bounded and scanned before Python reads.

A frame is how many bytes of text follow, how many buffers, each one's length (words of 32 bits, little-endian), the
text, the buffers. The rules are those of worker/gate.ts, save that a stream cannot skip what it does not want: a frame
that announces too much is the end of its process.

Must not know: processes, envelopes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence

from pysandbox.core import strict_json
from pysandbox.core.errors import ProtocolViolation

_WORD = struct.Struct("<I")
_HEAD = struct.Struct("<II")
MAX_UTF8 = 3  # bytes that one UTF-16 unit takes at most


def pack(text: str, buffers: Sequence[bytes] = ()) -> bytes:
    """One frame."""
    encoded = text.encode()
    sizes = struct.pack(f"<{len(buffers)}I", *map(len, buffers))
    return b"".join((_HEAD.pack(len(encoded), len(buffers)), sizes, encoded, *buffers))


class FrameGate:
    """``limits``: see `pysandbox.core.gate`. ``refuse(rule, fatal)``: after a fatal one nothing is heard any more."""

    def __init__(
        self, limits: Mapping[str, int], accept: Callable[[str, list[bytes]], None],
        refuse: Callable[[str, bool], None],
    ) -> None:  # fmt: skip
        self._limits = limits
        self._credit = limits["credit"]
        self._accept = accept
        self._refuse = refuse
        self._open = True
        self._rest = bytearray()
        self._needed = 0  # bytes without which looking again is of no use

    def grant(self, messages: int) -> None:
        """Let so many more messages through."""
        self._credit += messages

    def close(self) -> None:
        """Nothing is heard any more."""
        self._open = False
        self._rest.clear()

    def feed(self, data: bytes) -> None:
        """Some bytes, wherever the stream was cut."""
        if not self._open:
            return
        self._rest += data
        at = 0
        while self._open and len(self._rest) - at >= max(self._needed, _HEAD.size):
            taken = self._take(at)
            if taken == 0:
                break
            at += taken
        if self._open:
            del self._rest[:at]

    def _take(self, at: int) -> int:
        """The length of the frame at ``at``, which was handed on; 0 where some of it is still to come."""
        text_bytes, count = _HEAD.unpack_from(self._rest, at)
        if self._needed == 0:  # a frame that is new: counted before anything else of it is looked at
            self._credit -= 1
            fault = self._fault(text_bytes, count)
            if fault:
                return self._end(fault)
            self._needed = _HEAD.size + _WORD.size * count
        head = _HEAD.size + _WORD.size * count
        if len(self._rest) - at < head:
            return 0
        sizes = struct.unpack_from(f"<{count}I", self._rest, at + _HEAD.size)
        if sum(sizes) > self._limits["maxBufferBytes"]:
            return self._end("too-many-bytes")
        self._needed = head + text_bytes + sum(sizes)
        if len(self._rest) - at < self._needed:
            return 0
        whole, self._needed = self._needed, 0
        self._hand_on(memoryview(bytes(self._rest[at + head : at + whole])), text_bytes, sizes)
        return whole

    def _fault(self, text_bytes: int, count: int) -> str:
        if self._credit < 0:
            return "overdraft"
        if text_bytes > self._limits["maxChars"] * MAX_UTF8:
            return "too-long"
        return "too-many-buffers" if count > self._limits["maxBuffers"] else ""

    def _end(self, rule: str) -> int:
        self.close()
        self._refuse(rule, True)
        return 0

    def _hand_on(self, content: memoryview, text_bytes: int, sizes: Sequence[int]) -> None:
        try:
            text = str(content[:text_bytes], "utf-8")
        except UnicodeDecodeError:
            self._refuse("not-text", False)
            return
        if len(text) > self._limits["maxChars"]:
            self._refuse("too-long", False)
            return
        try:
            strict_json.check_depth(text, max_depth=self._limits["maxDepth"])
        except ProtocolViolation:
            self._refuse("too-deep", False)
            return
        buffers: list[bytes] = []
        at = text_bytes
        for size in sizes:
            buffers.append(bytes(content[at : at + size]))
            at += size
        self._accept(text, buffers)
