"""What settings mean together: origins, prefix, networks, and what must be said before strangers may come.

Pure. `GatewayServer` calls this before it binds anything.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pysandbox.core.errors import Code, Problem, SandboxError
from pysandbox.gateway.origins import parse_origin
from pysandbox.gateway.settings import Settings

SAFE_ALGORITHMS: Final = frozenset({
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"})
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9_~-]+)*")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Places:
    """Where the server is, once its ports are bound."""

    api_origin: str
    sandbox_origin: str
    allowed_origins: tuple[str, ...]
    trusted_proxies: tuple[Network, ...]


def is_loopback(host: str) -> bool:
    """Whether ``host`` is an address of this machine alone. A name is not: what it leads to is another's choice."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(settings: Settings) -> None:
    """Raises `SandboxError` ``INPUT_INVALID`` with every problem."""
    problems: list[Problem] = []
    if not is_loopback(settings.host):
        problems += _public(settings)
    if bool(settings.jwt_jwks) != bool(settings.jwt_issuer and settings.jwt_audience):
        problems.append(Problem(
            "jwt_jwks", "tokens are checked by keys, issuer and audience together",
            "set jwt_jwks, jwt_issuer and jwt_audience, or none of them for development tokens"))
    if settings.jwt_jwks.startswith("http://") and not is_loopback(_host(settings.jwt_jwks)):
        problems.append(Problem("jwt_jwks", "keys that come in the clear can be exchanged on the way", "use https://"))
    problems += [
        Problem("jwt_algorithms", f"{name[:40]!r} is no signature by a private key that we check",
                f"choose from {' '.join(sorted(SAFE_ALGORITHMS))}")
        for name in settings.jwt_algorithms if name not in SAFE_ALGORITHMS]
    if not _PREFIX.fullmatch(settings.path_prefix):
        problems.append(Problem("path_prefix", "is no plain path", "write it as /pysandbox, no slash at its end"))
    if settings.session_idle_s > settings.session_lifetime_s:
        problems.append(Problem("session_idle_s", "is longer than session_lifetime_s", "make it shorter"))
    if settings.api_origin and settings.api_origin == settings.sandbox_origin:
        problems.append(Problem(
            "sandbox_origin", "is the API's origin too", "give the sandbox a host or a port of its own"))
    if bool(settings.vault_url) != bool(settings.vault_token):
        problems.append(Problem("vault_url", "Vault needs address and token", "set vault_url and vault_token"))
    for name in ("api_origin", "sandbox_origin", "gateway_origin"):
        _origins(name, [getattr(settings, name)] if getattr(settings, name) else [], problems)
    _origins("allowed_origins", settings.allowed_origins, problems)
    for text in settings.trusted_proxies:
        if _network(text) is None:
            problems.append(Problem("trusted_proxies", f"{text[:60]!r} is no address or network",
                                    "write 10.0.0.7 or 10.0.0.0/24"))
    if problems:
        raise SandboxError(Code.INPUT_INVALID, "the settings are not usable together", details=problems)


def places(settings: Settings, api_port: int, sandbox_port: int, *, own_pages: bool = False) -> Places:
    """The origins under which browsers know this server. ``settings`` were checked.

    ``own_pages``: the API origin has pages that embed the sandbox.
    """
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    api = parse_origin(settings.api_origin or f"http://{host}:{api_port}")
    sandbox = parse_origin(settings.sandbox_origin or f"http://{host}:{sandbox_port}")
    own = [api] if own_pages else []
    allowed = tuple(dict.fromkeys([*own, *(parse_origin(origin) for origin in settings.allowed_origins)]))
    networks = tuple(found for text in settings.trusted_proxies if (found := _network(text)) is not None)
    return Places(api, sandbox, allowed, networks)


def database_url(settings: Settings) -> str:
    """Where rows are kept: what was set, or SQLite in the data folder."""
    return settings.database_url or f"sqlite:///{Path(settings.data_dir, 'gateway.db')}"


def _public(settings: Settings) -> list[Problem]:
    """What must be said before anybody but this machine can connect."""
    needed = {
        "jwt_jwks": "development tokens are for this machine alone: name the platform's keys, issuer and audience",
        "api_origin": "name the origin under which browsers reach the API",
        "sandbox_origin": "name the origin under which browsers reach the sandbox",
    }
    return [
        Problem(name, "is needed to listen beyond loopback", cure)
        for name, cure in needed.items() if not getattr(settings, name)]


def _origins(name: str, given: tuple[str, ...] | list[str], problems: list[Problem]) -> None:
    for text in given:
        try:
            parse_origin(text)
        except SandboxError as error:
            problems.append(Problem(name, error.message, "write scheme, host and port alone"))


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].rpartition(":")[0] or url.partition("://")[2].partition("/")[0]
