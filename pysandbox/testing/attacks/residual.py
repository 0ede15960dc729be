"""What is left: what an attack can have in spite of every wall, where, and why nobody here can take it away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pysandbox.testing.attacks.model import BROWSERS, Place


@dataclass(frozen=True)
class Residual:
    """``gains``: the most that an attacker has of it. ``why``: what stands in the way of an end to it.
    ``advice``: what whoever deploys it can do.
    """

    slug: str
    title: str
    places: tuple[Place, ...]
    gains: str
    why: str
    advice: str


_ALL: Final[tuple[Residual, ...]] = (
    Residual(
        "shared-process", "Plugins and page in one process", ("firefox", "webkit"),
        "Side channels inside a process (caches, speculation) are not closed between plugins, and one that floods can "
        "delay another.",
        "Only Chromium gives each cell a process of its own, by Document-Isolation-Policy; a page cannot ask Firefox "
        "or WebKit for one.",
        "Where plugins of rivals meet secrets of a customer, prefer Chromium, or load plugins you trust alike."),
    Residual(
        "a-core-for-a-while", "A core that is busy a little longer than allowed", BROWSERS,
        "Native code (a sort, a huge number turned to text) may burn its core for seconds after the kill. It can send "
        "nothing any more.",
        "Worker.terminate() does not interrupt C++ of the engine; removing the frame ends it only where the process "
        "was the cell's own.",
        "Nothing is lost but a core's time. Block a version that does it again and again."),
    Residual(
        "memory-outside-wasm", "Memory outside of the interpreter's", BROWSERS,
        "A plugin that reaches JavaScript can allocate buffers that the cap of WebAssembly's memory does not count.",
        "No browser lets a page bound a worker's heap. Chromium lets its use be measured, now and then, and what has "
        "too much is replaced; Firefox and WebKit do not tell.",
        "Where it matters, embed in Chromium; keep `maxLive` small."),
    Residual(
        "timers-stay-fine", "A clock of some microseconds", BROWSERS,
        "A plugin can tell times apart that are microseconds apart (5 in an isolated Chromium cell, 100 without; in "
        "Firefox a thousand, 20 in a page that is cross-origin isolated; a thousand in WebKit), and count itself finer "
        "in a loop.",
        "A busy loop is a clock; no realm that computes can be kept from counting.",
        "The cells' own processes are the answer where the engine has them."),
    Residual(
        "known-hash-seed", "A hash seed that everybody knows", BROWSERS,
        "All workers start from one public snapshot, so text hashes alike in each: who sends a plugin chosen keys can "
        "make its dictionaries slow.",
        "The seed lies in the interpreter's memory, and every dictionary of the snapshot was built with it.",
        "Keys of one object are bounded, and the deadline ends what is slow; let plugins be strict about input."),
    Residual(
        "taken-cell", "A worker that its plugin took over", BROWSERS,
        "Code that took over its own plugin's worker speaks with that plugin's permissions and budgets.",
        "The nonce cannot tell a plugin's Python from code inside the same worker. It need not: both have the same "
        "rights, and no more.",
        "Grant a plugin what you would grant whoever can write its bytes."),
    Residual(
        "host-frame-on-tls", "The host frame's own document", BROWSERS,
        "Whoever serves the sandbox origin, or breaks its TLS, can serve another host.html.",
        "No browser checks a hash of a frame's document.",
        "Guard that origin as you guard your own page's."),
    Residual(
        "granted-is-granted", "What a granted capability lets a plugin do", BROWSERS,
        "What the page's function gives a plugin, the plugin has, and it may tell it to whoever it may ask through the "
        "proxy.",
        "It is what the permission is for.",
        "Give capabilities little, and check their arguments."),
    Residual(
        "an-upstream-lies", "An upstream that hides a masked value in another field", ("server",),
        "A field is masked by its name, in every spelling known; a value under a name that nobody listed passes.",
        "No gateway can know what a free text means.",
        "List the fields, and let routes pass JSON alone."),
)

RESIDUAL: Final = {residual.slug: residual for residual in _ALL}
