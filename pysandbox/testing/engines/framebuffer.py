"""Reads Xvfb's framebuffer file (XWD, X11R6's XWDFile.h) and writes part of it as PNG (RFC 2083).

WebKitWebDriver never answers a screenshot under a software-drawn Xvfb, so the picture is taken off the screen.
"""

import struct
import zlib
from pathlib import Path
from typing import NamedTuple

_HEADER = struct.Struct(">25I")
_COLOUR_ENTRY_BYTES = 12


class Area(NamedTuple):
    """A rectangle of the screen, in pixels."""

    x: int
    y: int
    width: int
    height: int


def read_area(xwd: Path, area: Area) -> bytes:
    """The area as PNG. Expects what Xvfb writes at depth 24: 32 bits a pixel, blue first."""
    data = xwd.read_bytes()
    header = _HEADER.unpack_from(data)
    header_bytes, width, height, bits, stride, colours = (header[i] for i in (0, 4, 5, 11, 12, 19))
    if bits != 32:
        raise ValueError(f"{xwd} has {bits} bits a pixel, not 32")
    pixels = header_bytes + colours * _COLOUR_ENTRY_BYTES
    right, bottom = min(area.x + area.width, width), min(area.y + area.height, height)
    rows = (data[pixels + y * stride + area.x * 4 : pixels + y * stride + right * 4] for y in range(area.y, bottom))
    return _png(right - area.x, bottom - area.y, b"".join(b"\0" + _to_rgb(row) for row in rows))


def _to_rgb(row: bytes) -> bytes:
    rgb = bytearray(len(row) // 4 * 3)
    rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
    return bytes(rgb)


def _png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    shape = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", shape) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
