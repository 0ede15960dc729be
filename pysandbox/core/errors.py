"""Every coded error of the product, in one table and one tree.

Must not know: any transport, any realm. A code is stable: it is never renamed, and never reused.

The tree::

    SandboxError                 a coded failure, the parent of all
      ManifestError              a manifest with one or more problems
      FlowError                  a flow with one or more problems
      PermissionDenied           a permission that is not granted
      ProtocolViolation          the peer misbehaved
      CallError                  a guarded call that failed with a code
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Stable error codes; `INFO` says what each one means and how it is cured."""

    PLUGIN_TIMEOUT = "PLUGIN_TIMEOUT"
    PLUGIN_ABORTED = "PLUGIN_ABORTED"
    PLUGIN_ERROR = "PLUGIN_ERROR"
    PLUGIN_KILLED = "PLUGIN_KILLED"
    PLUGIN_CRASH_LOOP = "PLUGIN_CRASH_LOOP"
    PLUGIN_BLOCKED = "PLUGIN_BLOCKED"
    PLUGIN_NOT_FOUND = "PLUGIN_NOT_FOUND"
    PLUGIN_NOT_LOADED = "PLUGIN_NOT_LOADED"
    PLUGIN_IMPORT_FAILED = "PLUGIN_IMPORT_FAILED"
    HANDLER_NOT_FOUND = "HANDLER_NOT_FOUND"
    RESULT_NOT_JSON = "RESULT_NOT_JSON"
    UI_INVALID = "UI_INVALID"
    MEMORY_LIMIT = "MEMORY_LIMIT"
    MESSAGE_LIMIT = "MESSAGE_LIMIT"
    RATE_LIMIT = "RATE_LIMIT"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    CAPABILITY_FAILED = "CAPABILITY_FAILED"
    MANIFEST_INVALID = "MANIFEST_INVALID"
    BUNDLE_INVALID = "BUNDLE_INVALID"
    BUNDLE_TAMPERED = "BUNDLE_TAMPERED"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    VERSION_EXISTS = "VERSION_EXISTS"
    CONSENT_STALE = "CONSENT_STALE"
    ASSET_TAMPERED = "ASSET_TAMPERED"
    PROTOCOL_VIOLATION = "PROTOCOL_VIOLATION"
    PROTOCOL_VERSION = "PROTOCOL_VERSION"
    NONCE_REJECTED = "NONCE_REJECTED"
    ROUTE_NOT_FOUND = "ROUTE_NOT_FOUND"
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    UPSTREAM_REFUSED = "UPSTREAM_REFUSED"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    ADDRESS_NOT_ALLOWED = "ADDRESS_NOT_ALLOWED"
    CREDENTIALS_UNAVAILABLE = "CREDENTIALS_UNAVAILABLE"
    CREDENTIALS_NOT_ALLOWED = "CREDENTIALS_NOT_ALLOWED"
    STATE_UNAVAILABLE = "STATE_UNAVAILABLE"
    FUNCTION_FAILED = "FUNCTION_FAILED"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    SESSION_INVALID = "SESSION_INVALID"
    SESSION_CLOSED = "SESSION_CLOSED"
    ORIGIN_NOT_ALLOWED = "ORIGIN_NOT_ALLOWED"
    BOOT_TIMEOUT = "BOOT_TIMEOUT"
    BOOT_FAILED = "BOOT_FAILED"
    ISOLATION_FAILED = "ISOLATION_FAILED"
    HOST_CRASHED = "HOST_CRASHED"
    INPUT_INVALID = "INPUT_INVALID"
    FLOW_INVALID = "FLOW_INVALID"
    FLOW_NOT_FOUND = "FLOW_NOT_FOUND"
    FLOW_DEADLINE = "FLOW_DEADLINE"
    FLOW_ABORTED = "FLOW_ABORTED"
    TEMPLATE_FAILED = "TEMPLATE_FAILED"
    BREAKER_OPEN = "BREAKER_OPEN"
    INTERRUPTED = "INTERRUPTED"
    QUEUE_NOT_FOUND = "QUEUE_NOT_FOUND"
    MESSAGE_NOT_SENT = "MESSAGE_NOT_SENT"
    JOURNAL_INVALID = "JOURNAL_INVALID"
    REQUIREMENTS_UNRESOLVED = "REQUIREMENTS_UNRESOLVED"
    RUNTIME_MISSING = "RUNTIME_MISSING"
    BUILD_FAILED = "BUILD_FAILED"
    HOST_NOT_ALLOWED = "HOST_NOT_ALLOWED"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class Status(StrEnum):
    """What an outcome's ``status`` can be."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    ABORTED = "aborted"
    DENIED = "denied"
    KILLED = "killed"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """What a code means: the outcome's status it leads to, whether trying again can help, and the cure."""

    status: Status
    retryable: bool
    meaning: str
    cure: str


_E, _K, _U = Status.ERROR, Status.KILLED, Status.UNAVAILABLE
INFO: dict[Code, CodeInfo] = {
    Code.PLUGIN_TIMEOUT: CodeInfo(
        Status.TIMEOUT, True, "The invocation did not end by its deadline.",
        "Make the handler faster, honour ctx.signal, or raise maxExecutionTimeMs or timeoutMs."),
    Code.PLUGIN_ABORTED: CodeInfo(
        Status.ABORTED, True, "The caller aborted the invocation.", "Nothing to mend: the page asked for it."),
    Code.PLUGIN_ERROR: CodeInfo(
        _E, False, "The plugin's handler raised.", "Read the plugin's log for the traceback and mend the handler."),
    Code.PLUGIN_KILLED: CodeInfo(
        _K, True, "The plugin's worker was ended: its interpreter died, or it broke the protocol.",
        "Look at the security alerts and the plugin's log for what it did last."),
    Code.PLUGIN_CRASH_LOOP: CodeInfo(
        _U, True, "The plugin died too often in a row and rests for a while.",
        "Mend what kills it; it is tried again when its backoff ends."),
    Code.PLUGIN_BLOCKED: CodeInfo(
        _U, False, "This version of the plugin was blocked by an operator.",
        "Load another version, or ask the operator why it was blocked and have it enabled again."),
    Code.PLUGIN_NOT_FOUND: CodeInfo(
        _U, False, "No enabled version of this plugin is known.",
        "Check id and version, and that the version is registered and enabled."),
    Code.PLUGIN_NOT_LOADED: CodeInfo(
        _U, False, "The plugin is not loaded (it was unloaded, or never loaded).", "Call sandbox.load() again."),
    Code.PLUGIN_IMPORT_FAILED: CodeInfo(
        _E, False, "The plugin's entry module could not be imported, or its on_load hook raised.",
        "Read the message and the plugin's log; run `pysandbox run` on the folder to see it at once."),
    Code.HANDLER_NOT_FOUND: CodeInfo(
        _E, False, "The plugin has no handler of this name.", "Decorate the function with @handler, or mend the name."),
    Code.RESULT_NOT_JSON: CodeInfo(
        _E, False, "The handler returned something that is no JSON value.",
        "Return dicts with string keys, lists, strings, finite numbers, booleans or None."),
    Code.UI_INVALID: CodeInfo(
        _E, False, "What the plugin returned to be drawn is no tree of components.",
        "Make it with pysandbox.plugin.ui, which says what is wrong where it is made."),
    Code.MEMORY_LIMIT: CodeInfo(
        _E, False, "The plugin ran out of its memory.", "Use less memory, or raise isolation.memoryLimitMB."),
    Code.MESSAGE_LIMIT: CodeInfo(
        _E, False, "A message is larger or deeper than the limit.", "Send less at once, or flatten the value."),
    Code.RATE_LIMIT: CodeInfo(
        _E, True, "Too many messages or calls in too short a time.", "Send fewer, or batch them."),
    Code.PERMISSION_DENIED: CodeInfo(
        Status.DENIED, False, "The plugin asked for something it was not granted.",
        "Declare the permission in the manifest, and grant it in the session and on the page."),
    Code.CAPABILITY_FAILED: CodeInfo(
        _E, False, "The page's function behind a capability failed.", "Mend the function that the page provides."),
    Code.MANIFEST_INVALID: CodeInfo(
        _U, False, "The manifest breaks one or more rules.", "Mend every problem that the error lists."),
    Code.BUNDLE_INVALID: CodeInfo(
        _U, False, "The plugin's bundle is not a bundle we can read.", "Build it with `pysandbox build`."),
    Code.BUNDLE_TAMPERED: CodeInfo(
        _U, False, "The bundle's bytes are not the ones that were registered.",
        "Register the bundle again, and find out who changed it."),
    Code.SIGNATURE_INVALID: CodeInfo(
        _U, False, "The signature is not the publisher's own over this manifest and bundle.",
        "Sign the version's identity with the key that is registered for the publisher, and send both again."),
    Code.VERSION_EXISTS: CodeInfo(
        _U, False, "This version was registered with another content, and versions never change.",
        "Raise the version in manifest.json, build the bundle again and register that."),
    Code.CONSENT_STALE: CodeInfo(
        _U, False, "The consent names another manifest or bundle than the version has.",
        "Look at the version as it is now, and consent to its identity."),
    Code.ASSET_TAMPERED: CodeInfo(
        _U, False, "A file of the sandbox itself has a wrong hash.",
        "Deploy the bundle again as one piece; purge caches in front of the sandbox origin."),
    Code.PROTOCOL_VIOLATION: CodeInfo(
        _K, False, "A message broke the protocol.", "If your plugin does not reach for raw messages, report this."),
    Code.PROTOCOL_VERSION: CodeInfo(
        _U, False, "The two ends speak different protocol versions.",
        "Load pysandbox.js and host.html from one deployment."),
    Code.NONCE_REJECTED: CodeInfo(
        _K, False, "A message carried a wrong, repeated or stale nonce.",
        "Treat it as an attack and look at the alert."),
    Code.ROUTE_NOT_FOUND: CodeInfo(
        _E, False, "The API proxy has no such route.", "Register the route at the gateway, or mend the path."),
    Code.UPSTREAM_TIMEOUT: CodeInfo(
        _E, True, "The API behind the proxy did not answer in time.",
        "Ask the API's owner, or raise timeoutMs of the route or of the call."),
    Code.UPSTREAM_FAILED: CodeInfo(
        _E, True, "The API behind the proxy could not be reached, or broke off.",
        "Check the route's upstream, its certificate, and whether the API is up."),
    Code.UPSTREAM_REFUSED: CodeInfo(
        _E, False, "The API's answer was refused: a redirect, too large, or in a form that cannot be checked.",
        "Read the message; mend the API, or the route's upstream and limits."),
    Code.UPSTREAM_UNAVAILABLE: CodeInfo(
        _U, True, "The API behind the proxy failed too often and rests for a while.",
        "Wait as long as Retry-After says; look into why the API fails."),
    Code.ADDRESS_NOT_ALLOWED: CodeInfo(
        _U, False, "The upstream's name leads to an address that proxied requests may not reach.",
        "If it is meant to, list the address or its network in the upstream's allowAddresses."),
    Code.CREDENTIALS_UNAVAILABLE: CodeInfo(
        _U, True, "The route's credentials could not be read.",
        "Check the route's secretRef, that its vault is set up and reachable, and what the secret holds."),
    Code.CREDENTIALS_NOT_ALLOWED: CodeInfo(
        _U, False, "The route's credentials may not be sent where the route leads.",
        "Have the secret's owner add the host and the tenant to the secret, or mend the route."),
    Code.STATE_UNAVAILABLE: CodeInfo(
        _U, True, "The store that replicas share cannot be reached, so nothing that depends on it is let through.",
        "Check that PYSANDBOX_REDIS_URL is right and the server is up."),
    Code.FUNCTION_FAILED: CodeInfo(
        _U, True, "The function that runs the plugin could not be reached, or gave no answer of a function's.",
        "Check the function's address and that its /readyz says ready; look into its log."),
    Code.REQUEST_TIMEOUT: CodeInfo(
        _E, True, "The request's body did not arrive in time.", "Send it again, on a better connection."),
    Code.SESSION_INVALID: CodeInfo(
        _U, False, "The session token was refused, or has expired.", "Fetch a fresh token and open the sandbox again."),
    Code.SESSION_CLOSED: CodeInfo(_U, False, "The sandbox was closed.", "Open a new one with openSandbox()."),
    Code.ORIGIN_NOT_ALLOWED: CodeInfo(
        _U, False, "This page's origin may not embed the sandbox.",
        "Add the page's origin to PYSANDBOX_ALLOWED_ORIGINS of the deployment."),
    Code.BOOT_TIMEOUT: CodeInfo(
        _U, True, "The sandbox did not start in time.",
        "Check that the sandbox origin is reachable, that the page's CSP allows it in frame-src, and that this "
        "page's origin is allowed to embed it; raise bootTimeoutMs on slow networks."),
    Code.BOOT_FAILED: CodeInfo(
        _U, True, "A part of the sandbox failed while starting.", "Read the message; reload the page."),
    Code.ISOLATION_FAILED: CodeInfo(
        _U, False, "A cell could not prove that it is isolated, so nothing was started.",
        "Serve cell.html with its own headers, unchanged, and use a supported browser."),
    Code.HOST_CRASHED: CodeInfo(
        _U, True, "The trusted host worker ended unexpectedly.", "Open the sandbox again, and report this."),
    Code.INPUT_INVALID: CodeInfo(
        _E, False, "What the caller passed is not valid.", "Pass what the message asks for."),
    Code.FLOW_INVALID: CodeInfo(
        _U, False, "The flow breaks one or more rules.", "Mend every problem that `pysandbox flow check` lists."),
    Code.FLOW_NOT_FOUND: CodeInfo(
        _U, False, "No flow of this id is known.", "Check the id in callFlow, and that the flow is stored."),
    Code.FLOW_DEADLINE: CodeInfo(
        Status.TIMEOUT, False, "The flow's time was over before this block could start, so it was passed over.",
        "Look in the journal at what took longer than its timeout; shorten timeouts, or raise slaMs."),
    Code.FLOW_ABORTED: CodeInfo(
        Status.ABORTED, True, "Whoever had the flow run gave it up before it had ended.",
        "Nothing to mend: decide without the flow, or run it again."),
    Code.TEMPLATE_FAILED: CodeInfo(
        _E, False, "A template of the block names a value that is not there, or that does not fit where it stands.",
        'Mend the path, or give a default: {{interaction.customer.id | default: ""}}.'),
    Code.BREAKER_OPEN: CodeInfo(
        _U, True, "The plugin failed in flows too often in a row, so flows do not call it for a while.",
        "Mend what fails; it is tried again when its rest ends."),
    Code.INTERRUPTED: CodeInfo(
        _E, False, "Whoever ran the flow died after this block was started; it is not started a second time.",
        "Nothing to mend in the flow. Find out from elsewhere whether what the block does has happened."),
    Code.QUEUE_NOT_FOUND: CodeInfo(
        _E, False, "No queue of this id is known.", "Check queueId, and give the block an onError."),
    Code.MESSAGE_NOT_SENT: CodeInfo(
        _E, True, "The message could not be handed over.", "Look at the channel; give the block an onError."),
    Code.JOURNAL_INVALID: CodeInfo(
        _U, False, "The journal is not one of this flow: it is damaged, or the flow has changed since.",
        "Use the journal with the flow that its run began with."),
    Code.REQUIREMENTS_UNRESOLVED: CodeInfo(
        _U, False, "The plugin's requirements.txt could not be turned into wheels.",
        "Name pure-Python packages with exact versions, or remove the file."),
    Code.RUNTIME_MISSING: CodeInfo(
        _U, False, "The browser bundle is not built, or not complete.", "Run `pysandbox runtime build`."),
    Code.BUILD_FAILED: CodeInfo(
        _U, False, "The browser bundle or a plugin's wheels could not be built.",
        "Read the message: it names the tool or the package that is missing, and the command that brings it."),
    Code.HOST_NOT_ALLOWED: CodeInfo(
        _E, False, "The request names a host that this server is not known by.",
        "Use the address that the server printed when it started."),
    Code.NOT_FOUND: CodeInfo(_E, False, "There is nothing at this address.", "Check the address."),
    Code.METHOD_NOT_ALLOWED: CodeInfo(
        _E, False, "This address does not answer this method.", "Use a method of the Allow header."),
    Code.INTERNAL_ERROR: CodeInfo(
        _E, True, "The server failed.", "Look for the correlation id in the server's log, and report it."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where (a JSON path such as ``$.manifest.csp``), which rule, and the cure."""

    path: str
    rule: str
    cure: str

    def as_json(self) -> dict[str, str]:
        """An entry of ``details``: ``path``, ``rule``, ``cure``."""
        return {"path": self.path, "rule": self.rule, "cure": self.cure}


class SandboxError(Exception):
    """A failure with a stable code. ``message`` is for people and says what to do."""

    def __init__(self, code: Code, message: str = "", *, details: Sequence[Problem] = ()) -> None:
        self.code = code
        self.message = message or INFO[code].meaning
        self.details = tuple(details)
        super().__init__(f"{code}: {self.message}")

    @property
    def retryable(self) -> bool:
        """Whether trying again can help."""
        return INFO[self.code].retryable

    def as_json(self) -> dict[str, object]:
        """The error object of outcomes and of the gateway: ``code, message, retryable`` and ``details`` if any."""
        body: dict[str, object] = {"code": self.code.value, "message": self.message, "retryable": self.retryable}
        if self.details:
            body["details"] = [problem.as_json() for problem in self.details]
        return body


class ManifestError(SandboxError):
    """A manifest that breaks rules; ``details`` lists every problem at once."""

    def __init__(self, details: Sequence[Problem]) -> None:
        count = len(details)
        first = f"{details[0].path}: {details[0].rule}" if details else "unreadable"
        super().__init__(
            Code.MANIFEST_INVALID, f"the manifest has {count} problem{'s' * (count != 1)}; first: {first}",
            details=details)


class FlowError(SandboxError):
    """A flow that breaks rules; ``details`` lists every problem at once."""

    def __init__(self, details: Sequence[Problem]) -> None:
        count = len(details)
        first = f"{details[0].path}: {details[0].rule}" if details else "unreadable"
        super().__init__(
            Code.FLOW_INVALID, f"the flow has {count} problem{'s' * (count != 1)}; first: {first}", details=details)


class PermissionDenied(SandboxError):
    """A permission that is not granted; ``permission`` names it."""

    def __init__(self, permission: str, message: str = "") -> None:
        self.permission = permission
        super().__init__(Code.PERMISSION_DENIED, message or f"the permission {permission!r} is not granted")


class ProtocolViolation(SandboxError):
    """The peer sent what the protocol forbids. ``rule`` is a short stable word for telemetry, never the payload."""

    def __init__(self, rule: str, message: str = "", code: Code = Code.PROTOCOL_VIOLATION) -> None:
        self.rule = rule
        super().__init__(code, message or f"protocol violation: {rule}")


class CallError(SandboxError):
    """A guarded call (a capability, the proxy) that ended with a code."""
