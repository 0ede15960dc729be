"""What is promised to those who embed the sandbox, and the attacks that each promise has to withstand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Promise:
    """``attacks``: slugs of the catalogue. An attack proves one promise."""

    slug: str
    text: str
    attacks: tuple[str, ...]


PROMISES: Final[tuple[Promise, ...]] = (
    Promise(
        "P-EGRESS", "Nothing leaves a plugin's worker but by what it was granted.",
        ("fetch", "xhr", "websocket", "eventsource", "webtransport", "connection-hints", "import-url",
        "importscripts-url", "nested-worker-egress",
        "beacon", "deno-roads",
         "navigating-cell", "cell-with-a-query", "python-roads", "smuggled-directive", "reporting-directives")),
    Promise(
        "P-CODE", "In a plugin's realm text never becomes code, and no name is left that leads out of it.",
        ("eval", "blob-and-data-scripts", "nested-worker-eval", "names-left", "roads-to-javascript",
        "window-and-keyboard", "devices", "patched-prototypes", "manifest-asks-for-more",
        "process-manifest", "process-window")),
    Promise(
        "P-STORAGE", "A plugin has no origin: it stores nothing, and finds nothing of the page's or of another "
        "plugin's.",
        ("storage-left", "cell-on-the-hosts-origin", "cell-without-headers", "broadcast", "locks",
        "origin-of-the-worker",
         "state-of-an-earlier-plugin")),
    Promise(
        "P-WINDOW", "Other frames and second handshakes change nothing.",
        ("forging-sibling", "second-init", "second-ready", "the-workers-own-voice", "foreign-page")),
    Promise(
        "P-MESSAGES", "A message that is forged, replayed, malformed or out of place is refused, counted and told.",
        ("forged-nonce", "another-plugins-name", "another-direction", "replay", "reorder", "another-generation",
         "another-session", "process-messages",
         "unknown-reply", "second-answer", "a-hosts-words", "json-doubts", "no-envelope",
         "smuggled-channel", "objects-on-the-port", "depth-bomb", "giant-message", "odd-buffers", "dear-to-read")),
    Promise(
        "P-DATA", "What a plugin sends is data, whatever its names are and however often it is read.",
        ("prototype-keys", "prototype-keys-in-a-manifest", "prototype-handlers", "changing-tojson", "log-injection",
        "look-alike-handlers", "anothers-correlation-id", "text-that-is-code-elsewhere")),
    Promise(
        "P-ENDS", "Every invocation ends in time with one outcome, and page and other plugins go on.",
        ("busy-loop", "native-loop", "stretched-deadline", "recursion", "dead-interpreter", "programs-end", "dead-host",
         "hidden-tab", "sleeping-worker", "calls-left-by-a-kill", "crash-loop",
         "process-time-and-memory")),
    Promise(
        "P-BUDGETS", "What a plugin may take of memory, messages, timers, files and log lines is bounded.",
        ("crowd", "process-budgets", "process-memory-outside",
        "flood", "event-flood", "wasm-heap", "wasm-memory-beside", "nested-spinners", "canvas-loop",
        "console-flood", "js-memory", "timer-storm", "log-flood",
        "file-flood",
         "tasks-left-behind", "answer-past-the-limits")),
    Promise(
        "P-SILENCE", "A plugin learns nothing of how the page or the host failed, and of time what the engine tells "
        "everybody.",
        ("paths-in-errors", "fine-clock", "timeline", "secrets-in-memory", "predicted-randomness", "shared-process")),
    Promise(
        "P-SUPPLY", "What runs is what was registered, consented to and not blocked, byte for byte.",
        ("flipped-asset", "flipped-bundle", "archive-paths", "zip-bomb", "swapped-manifest", "downgrade",
        "look-alike-versions",
         "foreign-signature", "links-in-a-folder", "compiled-wheel", "lying-wheel", "wheel-hides-modules",
         "folder-without-end", "two-of-one-version",
         "change-without-a-trace", "another-plugins-registration")),
    Promise(
        "P-PERMISSIONS", "A call needs a permission that is declared, granted, provided and not revoked.",
        ("undeclared-call", "look-alike-permissions", "prototype-permissions", "revoked-in-mid-call",
        "operators-scopes", "old-context")),
    Promise(
        "P-GONE", "A plugin that was ended is not heard any more and leaves nothing behind.",
        ("after-its-kill", "ticking-after-unload", "endless-unload", "page-that-leaves", "kills-in-a-row")),
    Promise(
        "P-CREDENTIALS", "A credential goes to the upstream it is for, and comes back to nobody.",
        ("plugins-headers", "echoed-credential", "redirect", "secret-to-a-foreign-host", "token-stampede",
         "stolen-database", "split-credential", "altered-vault", "redirected-administrator")),
    Promise(
        "P-ROUTES", "The proxy asks what its route names, and nothing beside it.",
        ("host-spellings", "wider-path", "nonce-replayed", "nonce-moved", "nonce-expired", "dns-rebinding-inwards",
         "request-smuggling", "query-tampering", "state-out-of-reach", "ambient-proxies", "sensitive-requests",
         "old-session-token")),
    Promise(
        "P-ANSWERS", "What an upstream answers is masked, bounded, and shown to whoever asked for it.",
        ("masking-dodged", "deep-answer", "upstreams-headers", "fallback-of-another", "other-tenant")),
    Promise(
        "P-TELEMETRY", "What an operator is told says what happened, and not whose data it was.",
        ("pii-in-logs", "users-in-the-figures")),
    Promise(
        "P-SERVICE", "No request, however odd, takes the gateway from others, or opens it to a stranger.",
        ("endless-head", "trailers", "endless-body", "slow-body", "half-open-stampede", "backtracking",
         "hash-collisions", "rebinding-to-serve",
         "forged-platform-token", "sessions-without-end", "spoofed-forwarding", "route-rate", "impatient-caller",
         "made-up-names", "dashboard-markup", "odd-records", "terminal-steering",
         "forged-lines", "job-of-another", "chaos-in-production")),
)
