"""What the host asks of the gateway: the session, a plugin's registration, its bundle.

Must not know: JavaScript, cells. Every answer is judged before it is used.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Final, cast

from pysandbox.core import strict_json
from pysandbox.core.broker.registered import Registered
from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.core.limits import default
from pysandbox.core.manifest import parse_manifest
from pysandbox.host.world import World

TELEMETRY: Final = "/api/v2/telemetry"
_NEVER: Final = frozenset({400, 403, 413, 422})  # a batch that is no good today will not be tomorrow
_SID = re.compile(r"[0-9a-f]{32}")
_SEED = re.compile(r"[0-9a-f]{64}")
_PLUGIN = re.compile(r"([a-z0-9]+(?:[.\-][a-z0-9]+)*)(?:@([0-9A-Za-z.+\-]{1,128}))?")


@dataclass(frozen=True, slots=True)
class Session:
    """What the gateway gave for the platform's token."""

    id: str
    grants: tuple[str, ...]
    expires_at_ms: int
    token: str = field(repr=False)  # the bearer's from now on
    nonce_seed: str = field(repr=False)
    gateway_origin: str = ""  # as manifests name it in connect-src; "" where this gateway has no proxy
    ahead_ms: float = 0.0  # the gateway's clock, less this machine's
    renewable: bool = False
    telemetry_key: str = field(default="", repr=False)  # hex; "" where this gateway takes no telemetry


@dataclass(frozen=True, slots=True)
class Changes:
    """Which plugin versions (``id@version``) are blocked as of ``revision``."""

    revision: int
    blocked: frozenset[str]


class GatewayClient:
    """Requests of one session. The token stays in the host worker."""

    def __init__(self, world: World, token: str) -> None:
        self._world = world
        self._token = token

    async def open_session(self) -> Session:
        """Raises SandboxError: ``SESSION_INVALID``, or ``BOOT_FAILED`` where no gateway answers."""
        return await self._session("/api/v2/sessions")

    async def renew_session(self) -> Session:
        """The session with a fresh token and seed. Raises as `open_session` does."""
        return await self._session("/api/v2/sessions/rotate")

    async def end_session(self) -> None:
        """Nobody is to use it any more. Raises as `open_session` does where no gateway answers: then time ends it."""
        await self._fetch("DELETE", "/api/v2/sessions/current")

    async def _session(self, path: str) -> Session:
        body = await self._json("POST", path, Code.SESSION_INVALID)
        here_ms = self._world.epoch_ms()
        try:
            session = Session(
                str(body["sessionId"]), tuple(map(str, body["grants"])), int(body["expiresAt"]),
                token=str(body.get("token", self._token)), nonce_seed=str(body["nonceSeed"]),
                gateway_origin=str(body.get("gatewayOrigin", "")), ahead_ms=float(body.get("now", here_ms)) - here_ms,
                renewable="token" in body, telemetry_key=_key(body))
        except (KeyError, TypeError, ValueError) as error:
            raise SandboxError(Code.SESSION_INVALID, f"the gateway's session is not usable: {error!r}") from error
        if _SID.fullmatch(session.id) is None or _SEED.fullmatch(session.nonce_seed) is None:
            raise SandboxError(Code.SESSION_INVALID, "the gateway's session id or seed is not hexadecimal digits")
        self._token = session.token
        return session

    async def fetch_plugin(self, name: str) -> Registered:
        """``name`` is ``id`` or ``id@version``.

        Raises SandboxError: PLUGIN_NOT_FOUND, MANIFEST_INVALID, BUNDLE_TAMPERED, BUNDLE_INVALID, BOOT_FAILED.
        """
        match, known = await self._find(name)
        try:
            version, digest = str(known["version"]), str(known["bundleSha256"])
            manifest = parse_manifest(known["manifest"])
            grants = frozenset(map(str, known["grants"])) if "grants" in known else None
        except (KeyError, TypeError) as error:
            raise SandboxError(Code.PLUGIN_NOT_FOUND, f"the gateway's answer lacks {error}") from error
        if f"{manifest.plugin_id}@{manifest.version}" != f"{match[1]}@{version}":
            raise SandboxError(Code.BUNDLE_TAMPERED, "the manifest is not that of the plugin that was asked for")
        status, bundle = await self._fetch("GET", f"/api/v2/plugins/{match[1]}/versions/{version}/bundle")
        if status != 200:
            raise SandboxError(Code.PLUGIN_NOT_FOUND, f"the bundle of {name} could not be fetched (status {status})")
        if len(bundle) > default("bundleBytes"):
            raise SandboxError(Code.BUNDLE_INVALID, f"the bundle of {name} is larger than allowed")
        if hashlib.sha256(bundle).hexdigest() != digest:
            raise SandboxError(Code.BUNDLE_TAMPERED, f"the bundle of {name} does not have the registered SHA-256")
        words = known.get("logWords")
        told = cast(list[object], words) if isinstance(words, list) else []
        return Registered(manifest, bundle, known.get("needsLibrary") is not False, grants, frozenset(map(str, told)))

    async def send_telemetry(self, body: str) -> bool:
        """Whether the gateway has it; False: it never will. Raises SandboxError where it may later."""
        try:
            status, _ = await self._world.post(TELEMETRY, self._token, body)
        except ConnectionError as error:
            raise SandboxError(Code.BOOT_FAILED, f"the gateway could not be reached: {error}") from error
        if status in _NEVER:
            return False
        if status != 200:
            raise SandboxError(Code.BOOT_FAILED, f"the gateway answered with status {status}")
        return True

    async def newest(self, plugin_id: str) -> str:
        """The highest enabled version of ``plugin_id``. Raises as `fetch_plugin` does."""
        _, known = await self._find(plugin_id)
        return str(known.get("version"))

    async def _find(self, name: str) -> tuple[re.Match[str], dict[str, Any]]:
        """The parts of a plugin's name, and what the gateway has registered for it."""
        match = _PLUGIN.fullmatch(name)
        if match is None:
            raise SandboxError(Code.INPUT_INVALID, f"{name[:80]!r} names no plugin; write com.vendor.name@1.2.3")
        path = f"/api/v2/plugins/{match[1]}/versions/{match[2] or 'latest'}"
        return match, await self._json("GET", path, Code.PLUGIN_NOT_FOUND)

    async def changes(self, since: int) -> Changes | None:
        """What is blocked, as soon as it is not what it was at revision ``since``, or after some seconds.

        None where this gateway tells no changes. Raises SandboxError where it cannot be heard.
        """
        status, body = await self._fetch("GET", f"/api/v2/plugins/changes?since={since}")
        if status == 404:
            return None
        try:
            told = cast(dict[str, Any], strict_json.loads(body.decode(), max_chars=default("manifestBytes") * 4))
            return Changes(int(told["revision"]), frozenset(map(str, told["blocked"])))
        except (KeyError, TypeError, ValueError, SandboxError) as error:
            raise SandboxError(Code.BOOT_FAILED, f"the gateway's list of changes is not usable: {error!r}") from error

    async def _fetch(self, method: str, path: str) -> tuple[int, bytes]:
        try:
            return await self._world.fetch(method, path, self._token)
        except ConnectionError as error:
            raise SandboxError(
                Code.BOOT_FAILED, f"the gateway could not be reached for {path}: {error}; "
                "check that it runs and that its origin allows the sandbox origin") from error

    async def _json(self, method: str, path: str, refused: Code) -> dict[str, Any]:
        status, body = await self._fetch(method, path)
        try:
            value = strict_json.loads(body.decode(), max_chars=default("manifestBytes") * 4)
            answer = cast(dict[str, Any], value if isinstance(value, dict) else {})
        except (UnicodeDecodeError, SandboxError) as error:
            raise SandboxError(Code.BOOT_FAILED, f"the gateway's answer to {path} is no JSON") from error
        if status == 200:
            return answer
        raise _gateway_error(answer, status, refused)


def _key(body: dict[str, Any]) -> str:
    key = str(body.get("telemetryKey", ""))
    return key if _SEED.fullmatch(key) else ""


def _gateway_error(answer: dict[str, Any], status: int, refused: Code) -> SandboxError:
    """The gateway's own coded error where it has one that we know, else ``refused``."""
    error = answer.get("error")
    if isinstance(error, dict):
        told = cast(dict[str, Any], error)
        code, message = str(told.get("code")), str(told.get("message"))[:500]
        return SandboxError(
            Code(code) if code in Code.__members__ else refused, message, details=_problems(told.get("details")))
    return SandboxError(refused, f"the gateway answered with status {status}")


def _problems(details: object) -> list[Problem]:
    """The problems that the gateway lists, those of another shape left out."""
    listed = cast(list[object], details) if isinstance(details, list) else []
    found = [cast(dict[str, object], item) for item in listed[:100] if isinstance(item, dict)]
    return [Problem(*(str(item.get(name, ""))[:500] for name in ("path", "rule", "cure"))) for item in found]
