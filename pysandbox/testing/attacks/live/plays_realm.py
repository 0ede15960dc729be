"""Storage, channels, the window, what is left of the browser's names, prototypes, permissions, secrets."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.live.play import Play, titled

_OPAQUE: Final = "the cell's opaque origin: sandbox attribute and directive"
_WORKER: Final = "a worker, not a frame: it has no window"

_STORES: Final = {
    "indexeddb": "IndexedDB",
    "caches": "the cache",
    "opfs": "the origin's private files",
    "cookie-store": "the cookie store",
}
_LACKS: Final = {"caches": {"webkit": "WebKit does not show one worker what another has just kept there"}}
# Its name in `codes.js`, what is reached for, and what an ordinary frame says of it.
_FRAMES: Final = (
    ("document", "the document", "an ordinary frame", 17),
    ("parent-document", "the page's document", "pysandbox attack", 17),
    ("top-address", "the page's address", "/attack.html", 17),
    ("local-storage", "localStorage", "kept", 13),
    ("session-storage", "sessionStorage", "kept", 13),
    ("cookie", "cookies", "true", 13),
    ("keyboard", "the keyboard", "listening", 101),
    ("dialog", "dialogs", "function", 17),
    ("new-window", "another window", "function", 17),
    ("canvas", "a canvas", "function", 91),
)

STORAGE: Final = (
    *(Play(
        slug=f"storage-{slug}", group="storage", title=titled(title),
        tries=f"one plugin leaves something in {title}, the next looks for it", wall=_OPAQUE,
        control="of two ordinary workers the second finds what the first left", kind="twice",
        data={"code": slug, "proof": "left", "quick": True}, seen_by="plugin", numbers=(13, 16),
        lacks=_LACKS.get(slug, {}))
      for slug, title in _STORES.items()),
    Play(
        slug="storage-broadcast", group="storage", title="A broadcast to the page",
        tries="speaks to the page on a channel that was not given to it", wall=_OPAQUE,
        control="the page hears an ordinary worker on the same channel", kind="channel",
        data={"code": "broadcast"}, numbers=(14,)),
    Play(
        slug="storage-next-instance", group="storage", title="Files, modules and variables for the next instance",
        tries="a plugin leaves files, modules, variables, and looks for them when it is loaded again",
        wall="a worker that has run one plugin's code never serves another",
        control="the same worker finds them", kind="state", data={"by": "itself"}, seen_by="plugin", numbers=(16,)),
    Play(
        slug="storage-other-plugin", group="storage", title="Files, modules and variables for another plugin",
        tries="a plugin leaves files, modules, variables, and another plugin looks for them",
        wall="a worker of its own for each plugin", control="the same worker finds them", kind="state",
        data={"by": "witness"}, seen_by="plugin", numbers=(16,)),
)
WINDOW: Final = (
    *(Play(
        slug=f"window-{slug}", group="window", title=titled(title), tries=f"reaches for {title}",
        wall=_WORKER, control="the same code in an ordinary frame of the page gets it", kind="frame",
        data={"code": slug, "proof": proof, "quick": True}, seen_by="plugin", numbers=(number,))
      for slug, title, proof, number in _FRAMES),
    Play(
        slug="window-names", group="window", title="The browser's names, by evaluation",
        tries="reads which of the browser's functions the worker still has",
        wall="names are taken away by an allowlist", control="an ordinary worker has them", kind="script",
        data={"code": "names", "quick": True}, seen_by="plugin", numbers=(17, 19, 50)),
    Play(
        slug="window-crawl", group="window", title="The browser's names, from Python's heap",
        tries="walks from every JavaScript object in the heap along its attributes, without evaluating anything",
        wall="names are taken away by an allowlist; what Python holds of JavaScript is a few functions",
        control="an ordinary worker has them", kind="crawl", data={"code": "names", "quick": True}, seen_by="plugin",
        numbers=(17, 19)),
)
PROTOTYPES: Final = (
    Play(
        slug="prototypes-pollute", group="prototypes", title="Names of every object's prototype in a payload",
        tries="`__proto__` and `constructor` as keys, event, log field",
        control="a page that merges such a payload is polluted",
        wall="they are ordinary keys that never reach an object's prototype", kind="pollute", numbers=(30, 31)),
    *(Play(
        slug=f"prototypes-handler-{name.strip('_').lower()}", group="prototypes", title=f"A handler named {name}",
        tries=f"calls {name}, which every object has", wall="handlers are looked up among those that were declared",
        control="an ordinary table has it", kind="handlerName", data={"name": name}, numbers=(32,))
      for name in ("constructor", "toString", "__proto__", "hasOwnProperty")),
)
_ASKED: Final = (
    ("undeclared", "a permission that its manifest does not declare", "webchat:session:write"),
    ("operator", "an operator's permission", "application:plugin:manage"),
    ("proxy", "the proxy, undeclared", "integration:proxy:invoke"),
    ("prototype", "a permission named constructor", "constructor"),
    ("spelling", "a permission spelled otherwise", "WEBCHAT:session:read "),
    ("null", "a permission with a zero in it", "webchat:session:read\u0000"),
)
ESCALATION: Final = (
    *(Play(
        slug=f"escalation-{slug}", group="escalation", title=titled(title), tries=f"calls {title}",
        wall="permissions are declared, granted, provided and checked in the host worker for each call",
        control="a call of what was declared reaches the page's function", kind="ask", data={"permission": permission},
        numbers=(57,)) for slug, title, permission in _ASKED),
    Play(
        slug="escalation-revoked", group="escalation", title="A permission that was revoked",
        tries="calls what the page has taken back", wall="revocation holds from the next call on",
        control="before, the same call reaches the page's function", kind="ask",
        data={"permission": "webchat:session:read", "revoke": True}, numbers=(59,)),
    Play(
        slug="escalation-sealed", group="escalation", title="An undeclared call, sealed by the plugin itself",
        tries="leaves out the guarded API, and sends the call that it would have refused",
        wall="the host worker checks, whatever the plugin's side says",
        control="a message of the same seal is heard", kind="forge",
        data={"forgery": "sealed", "delivered": 0, "message": {
            "kind": "call", "id": "x1", "method": "webchat:session:write", "payload": "{}", "counts": True}},
        numbers=(57, 58)),
)
CLOCKS: Final = (
    Play(
        slug="clocks-fine", group="clocks", title="A clock of microseconds",
        tries="looks for the smallest step of time that it can tell apart", wall="the engine's own coarse clock",
        control="an ordinary worker tells as little apart", kind="clock", data={"code": "clock"}, seen_by="plugin",
        numbers=(51,), residual="timers-stay-fine"),
)
SECRETS: Final = (
    Play(
        slug="secrets-heap", group="secrets", title="The session's token in the plugin's heap",
        tries="hashes every text in its heap and compares", wall="the token stays with page and host worker",
        control="a secret that is planted there is found", kind="search", seen_by="plugin", numbers=(19,)),
)
