"""The envelope between the host worker and a plugin's worker: one string, sealed, numbered, one-shot.

The text is canonical JSON with its fields in one order and the payload last::

    {"nonce":"…","v":1,"sid":"…","gen":1,"seq":0,"origin":"…","kind":"call","id":"1","cid":"…",…,"payload":…}

One order means that a header is checked by one linear pattern, that no field can be given twice, and that the
payload's own text can be handed on without being written again. The nonce is an HMAC-SHA-256 under the port's own
key over the length-prefixed version, plugin, session, generation, direction and sequence number and the SHA-256 of
everything that follows it (RFC 2104); it keeps other realms, stale generations and replays out. It cannot vouch for
a plugin's own worker, because the plugin lives there: authority belongs to the port.

Must not know: what a payload means, where bytes come from, what time it is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence, Sized
from typing import NamedTuple

from pysandbox.core.errors import Code, ProtocolViolation
from pysandbox.core.limits import default

PROTOCOL_VERSION = 1
KEY_BYTES = 16
TO_PLUGIN, TO_HOST = "host>plugin", "plugin>host"

KINDS = frozenset({
    "load", "loaded", "ready",  # a worker takes up a plugin
    "call", "result", "error", "abort",  # invocations one way, capabilities the other
    "event", "log", "progress", "credit", "ping", "pong", "pressure", "shutdown", "bye",
})  # fmt: skip

_HEADER = re.compile(
    r'\{"nonce":"([0-9a-f]{64})","v":([0-9]{1,6}),"sid":"([0-9a-f]{32})","gen":([0-9]{1,9}),"seq":([0-9]{1,12}),'
    r'"origin":"([!#-\[\]-~]{1,255})","kind":"([a-z]{1,12})","id":"([0-9a-z]{0,24})","cid":"([A-Za-z0-9_.:\-]{0,64})"'
    r'(?:,"method":"([A-Za-z0-9_.:\-]{1,128})")?(?:,"deadlineMs":([0-9]{1,9}))?'
    r'(?:,"memory":\[([0-9]{1,13}),([0-9]{1,13})\])?(?:,"buffers":\[([0-9]{1,12}(?:,[0-9]{1,12}){0,63})\])?,"payload":'
)
_VERSION = re.compile(r'\{"nonce":"[^"]{0,128}","v":([0-9]{1,6}),')
_UNSEALED = len('{"nonce":"') + 64 + 2  # what follows the nonce is what it seals
CID = re.compile(r"[A-Za-z0-9_.:\-]{0,64}")
METHOD = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")


class Envelope(NamedTuple):
    """One message. ``payload`` is JSON text, not yet read. ``memory``: bytes in use and peak, as the sender claims.

    ``buffers``: what came beside the text, of which nothing but the lengths was looked at.
    """

    kind: str
    id: str
    cid: str
    payload: str
    method: str = ""
    deadline_ms: int = 0
    memory: tuple[int, int] = (0, 0)
    buffers: tuple[Sized, ...] = ()


class Binding(NamedTuple):
    """What binds a port at its birth. The key belongs to this port and generation alone."""

    plugin: str
    sid: str
    gen: int
    key: bytes
    origin: str
    credit: int = default("creditMessages")  # messages that either side may send before it is given more


def _length_prefixed(*parts: str) -> bytes:
    return b"".join(len(data).to_bytes(4, "big") + data for data in (part.encode() for part in parts))


class _Direction:
    """Nonces of one direction of one port: the sequence number is state, the rest is fixed."""

    def __init__(self, binding: Binding, direction: str) -> None:
        self.binding = binding
        self.seq = 0
        self._key = binding.key
        self._prefix = _length_prefixed(
            str(PROTOCOL_VERSION), binding.plugin, binding.sid, str(binding.gen), direction)

    def nonce(self, seq: int, sealed: bytes) -> str:
        number = b"%d" % seq
        message = self._prefix + len(number).to_bytes(4, "big") + number + hashlib.sha256(sealed).digest()
        return hmac.digest(self._key, message, "sha256").hex()


class Sealer(_Direction):
    """Writes the envelopes of one direction, in order."""

    def __init__(self, binding: Binding, direction: str, origin: str) -> None:
        super().__init__(binding, direction)
        self._head = f'"v":{PROTOCOL_VERSION},"sid":"{binding.sid}","gen":{binding.gen},"seq":'
        self._origin = f',"origin":"{origin}","kind":"'

    def seal(
        self, kind: str, id: str, cid: str, payload: str, *,
        method: str = "", deadline_ms: int = 0, memory: tuple[int, int] | None = None, buffers: Sequence[int] = (),
    ) -> str:  # fmt: skip
        """The next envelope's text. ``payload`` must be JSON text; names must fit the header's pattern."""
        rest = f'{self._head}{self.seq}{self._origin}{kind}","id":"{id}","cid":"{cid}"'
        if method:
            rest += f',"method":"{method}"'
        if deadline_ms:
            rest += f',"deadlineMs":{deadline_ms}'
        if memory:
            rest += f',"memory":[{memory[0]},{memory[1]}]'
        if buffers:
            rest += f',"buffers":[{",".join(map(str, buffers))}]'
        rest += f',"payload":{payload}}}'
        nonce = self.nonce(self.seq, rest.encode())
        self.seq += 1
        return f'{{"nonce":"{nonce}",{rest}'


class Opener(_Direction):
    """Checks and opens the envelopes of one direction. Any doubt is a :class:`ProtocolViolation`."""

    def __init__(self, binding: Binding, direction: str, origin: str, *, max_chars: int) -> None:
        super().__init__(binding, direction)
        self._origin = origin
        self._max_chars = max_chars

    def open(self, text: str, buffers: Sequence[Sized] = ()) -> Envelope | None:
        """The envelope in ``text``, or None where it is of another generation (dropped, for the caller to count).

        ``buffers``: what came beside the text, whose lengths it must have declared. Raises ProtocolViolation.
        """
        if len(text) > self._max_chars:
            raise ProtocolViolation("too-long", code=Code.MESSAGE_LIMIT)
        head = _HEADER.match(text)
        if head is None or text[-1] != "}":
            raise _malformed(text)
        nonce, version, sid, gen, seq, origin, kind, id, cid, method, deadline, used, peak, sizes = head.groups()
        if int(version) != PROTOCOL_VERSION:
            raise version_mismatch(int(version))
        if sid != self.binding.sid:
            raise ProtocolViolation("session", code=Code.NONCE_REJECTED)
        if int(gen) != self.binding.gen:
            return None
        try:
            sealed = text[_UNSEALED:].encode()
        except UnicodeEncodeError:
            raise ProtocolViolation("surrogate") from None
        if int(seq) != self.seq:
            raise ProtocolViolation("replay" if int(seq) < self.seq else "gap", code=Code.NONCE_REJECTED)
        if not hmac.compare_digest(self.nonce(self.seq, sealed), nonce):
            raise ProtocolViolation("nonce", code=Code.NONCE_REJECTED)
        if origin != self._origin:
            raise ProtocolViolation("origin")
        if kind not in KINDS:
            raise ProtocolViolation("kind")
        if (list(map(int, sizes.split(","))) if sizes else []) != list(map(len, buffers)):
            raise ProtocolViolation("buffers")
        self.seq += 1
        memory = (int(used), int(peak)) if used else (0, 0)
        return Envelope(kind, id, cid, text[head.end() : -1], method or "", int(deadline or 0), memory, tuple(buffers))


def version_mismatch(other: int) -> ProtocolViolation:
    """The error that names both versions."""
    return ProtocolViolation(
        "version", f"the peer speaks protocol version {other}, this end speaks {PROTOCOL_VERSION}",
        code=Code.PROTOCOL_VERSION)


def _malformed(text: str) -> ProtocolViolation:
    version = _VERSION.match(text)
    if version and int(version[1]) != PROTOCOL_VERSION:
        return version_mismatch(int(version[1]))
    return ProtocolViolation("malformed")
