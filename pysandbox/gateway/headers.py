"""What each kind of response carries: pure functions from origins and hashes to header sets.

Must not know: files, routes, requests. The policies are those of the threat model; each line's reason stands beside
it. Origins that come in here were checked by `origins.parse_origin`, so none can hold a space, a comma or a ``;``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

Headers = Mapping[str, str]

# Every feature that Chromium knows (it complains of others in the console), less two kinds: client hints (they say
# nothing to a plugin), and cross-origin-isolated, which Document-Isolation-Policy grants and memory measurement needs.
FEATURES: Final = (
    "accelerometer", "aria-notify", "autoplay", "browsing-topics", "camera", "captured-surface-control",
    "clipboard-read", "clipboard-write", "compute-pressure", "deferred-fetch", "deferred-fetch-minimal",
    "digital-credentials-create", "digital-credentials-get", "display-capture", "encrypted-media", "fullscreen",
    "gamepad", "geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection", "keyboard-map",
    "language-detector", "language-model", "local-fonts", "local-network", "local-network-access",
    "loopback-network", "magnetometer", "media-playback-while-not-visible", "microphone", "midi",
    "on-device-speech-recognition", "otp-credentials", "payment", "picture-in-picture",
    "private-state-token-issuance", "private-state-token-redemption", "publickey-credentials-create",
    "publickey-credentials-get", "screen-wake-lock", "serial", "speaker-selection", "storage-access", "summarizer",
    "sync-xhr", "translator", "unload", "usb", "window-management", "xr-spatial-tracking",
)

NO_STORE: Final = "no-store"
REVALIDATE: Final = "no-cache"
IMMUTABLE: Final = "public, max-age=31536000, immutable"

_CLOSED_CSP: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
_COMMON: Final[Headers] = {
    "X-Content-Type-Options": "nosniff",  # bytes are what we say they are
    "Referrer-Policy": "no-referrer",  # an address says nothing to the next server
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in FEATURES),
    "X-DNS-Prefetch-Control": "off",  # a looked-up name is a message
}
# Document-Isolation-Policy: in Chromium a process for each cell, and isolation whatever the page does.
_ISOLATED: Final[Headers] = {"Document-Isolation-Policy": "isolate-and-require-corp"}
# Only for pages that send COEP themselves: under it a cell cannot start its blob worker in WebKit.
_EMBEDDED_ISOLATED: Final[Headers] = {"Cross-Origin-Embedder-Policy": "require-corp"}
CELL: Final = "/cell.html"
CELL_ISOLATED: Final = "/isolated/cell.html"
"""A path of its own, not a query: a policy for frames names paths, and a query could carry data out."""


def strict() -> dict[str, str]:
    """Every response of the sandbox origin that is no document of ours: assets, entry files, error pages."""
    return {**_COMMON, "Content-Security-Policy": _CLOSED_CSP, "Cross-Origin-Resource-Policy": "cross-origin"}


def strict_error() -> dict[str, str]:
    """An error page of the sandbox origin: never kept, so that a mended deployment is seen at once."""
    return {**strict(), "Cache-Control": NO_STORE}


def asset() -> dict[str, str]:
    """A file under ``/assets/BUILD/``: the build is in its address, so it never changes."""
    return {**strict(), "Cache-Control": IMMUTABLE}


def entry_file() -> dict[str, str]:
    """``pysandbox.js`` and its types: any page may import them, and pin them by SRI (which needs CORS)."""
    return {**strict(), "Cache-Control": REVALIDATE, "Access-Control-Allow-Origin": "*"}


def host_document(
    *, script_hash: str, sandbox_origin: str, api_origin: str, allowed: Sequence[str], isolated: bool = False
) -> dict[str, str]:
    """``host.html``: may fetch assets and the API, start blob workers, and frame the cell, nothing else.

    ``isolated``: the one for a page that is cross-origin isolated, which may frame only what says the same of itself.
    """
    csp = _policy({
        "default-src": ["'none'"],
        "script-src": [f"'{script_hash}'", "'wasm-unsafe-eval'"],
        "worker-src": ["blob:"],
        "connect-src": ["'self'", api_origin],
        # The exact address: the cell cannot navigate itself away with data.
        "frame-src": [sandbox_origin + (CELL_ISOLATED if isolated else CELL)],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": list(allowed) or ["'none'"],
    })
    return {
        **strict(),
        **_ISOLATED,
        **(_EMBEDDED_ISOLATED if isolated else {}),
        "Origin-Agent-Cluster": "?1",  # page and host may be one site (two ports): keep their objects apart
        "Content-Security-Policy": csp,
        "Cache-Control": REVALIDATE,
    }


def cell_document(
    *, script_hash: str, sandbox_origin: str, allowed: Sequence[str], isolated: bool = False
) -> dict[str, str]:
    """``cell.html``: an opaque origin whose one script is known by its hash. Never a host or ``'self'`` in it."""
    csp = _policy({
        "sandbox": ["allow-scripts"],
        "default-src": ["'none'"],
        "script-src": [f"'{script_hash}'", "'wasm-unsafe-eval'"],
        "worker-src": ["blob:"],
        "form-action": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": [sandbox_origin, *(origin for origin in allowed if origin != sandbox_origin)],
    })
    embedded = _EMBEDDED_ISOLATED if isolated else {}
    return {**strict(), **_ISOLATED, **embedded, "Content-Security-Policy": csp, "Cache-Control": NO_STORE}


def page(*, sandbox_origin: str) -> dict[str, str]:
    """A demo or test page of the API origin: what a careful embedder's page would send."""
    csp = _policy({
        "default-src": ["'none'"],
        "script-src": ["'self'", f"{sandbox_origin}/pysandbox.js", f"{sandbox_origin}/pysandbox-element.js"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": [f"{sandbox_origin}/host.html"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    })
    return {
        **_COMMON,
        "Content-Security-Policy": csp,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": REVALIDATE,
    }


def dashboard() -> dict[str, str]:
    """The operator's page and its parts: our own scripts and styles, this origin's API; no text becomes code."""
    csp = _policy({
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],  # innerHTML takes no text, should anybody ever write it
        "trusted-types": ["'none'"],
    })
    return {
        **_COMMON,
        "Content-Security-Policy": csp,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": REVALIDATE,
    }


def selftest(*, sandbox_origin: str) -> dict[str, str]:
    """The self-test and its parts."""
    return _tried({
        "script-src": ["'self'", f"{sandbox_origin}/pysandbox.js"],
        "style-src": ["'self'"],
        "img-src": ["data:"],
        "connect-src": ["'self'", sandbox_origin],
        "worker-src": ["'self'"],
        "frame-src": ["'self'", f"{sandbox_origin}/host.html"],
    })


def selftest_frame(script: str) -> dict[str, str]:
    """The one frame of the self-test, which has an opaque origin, runs ``script`` and fetches nothing."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _tried({"script-src": [f"'sha256-{digest}'"]})


def _tried(directives: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """It asks what the window would let a page do, so no feature is denied to it."""
    closed = {"base-uri": ["'none'"], "form-action": ["'none'"], "frame-ancestors": ["'self'"]}
    return {
        **_COMMON,
        "Permissions-Policy": "",
        "Content-Security-Policy": _policy({"default-src": ["'none'"], **directives, **closed}),
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": REVALIDATE,
    }


def api() -> dict[str, str]:
    """An answer of the API, errors included: data for a script that may read it, never a document."""
    return {
        **_COMMON,
        "Content-Security-Policy": _CLOSED_CSP,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": NO_STORE,
    }


def _policy(directives: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())
