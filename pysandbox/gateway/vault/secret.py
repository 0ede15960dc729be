"""What a secret is, how it is named, and who may receive it.

Must not know: where secrets are kept. A secret's values never stand in a ``repr``, a message or a log; its hosts and
tenants are part of it, because whoever may edit routes could otherwise send any secret to a host of their own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

from pysandbox.core.errors import Code, Problem, SandboxError

SCHEMES: Final = ("embedded", "vault", "aws-sm")
_REF: Final = re.compile(r"(embedded|vault|aws-sm)://([A-Za-z0-9_+=@.-]+(?:/[A-Za-z0-9_+=@.-]+)*)")
_RESERVED: Final = ("hosts", "tenants")
_MAX_REF_CHARS: Final = 512


@dataclass(frozen=True, slots=True)
class SecretRef:
    """``scheme://path``, where a route's credentials are. A name, not a secret."""

    scheme: str
    path: str

    @classmethod
    def parse(cls, text: str) -> SecretRef:
        """Raises `SandboxError` ``INPUT_INVALID`` for all that is no reference."""
        found = _REF.fullmatch(text) if len(text) <= _MAX_REF_CHARS else None
        if found is None or {".", ".."} & set(found[2].split("/")):
            raise SandboxError(
                Code.INPUT_INVALID, "a secret is named as embedded://NAME, vault://MOUNT/PATH or aws-sm://NAME")
        return cls(found[1], found[2])

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"


@dataclass(frozen=True, slots=True)
class Secret:
    """Values by name (``token``, ``clientSecret``…), the hosts they may be sent to, and the tenants they may serve."""

    values: Mapping[str, str] = field(repr=False)
    hosts: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    digest: str = field(init=False, repr=False, compare=False)
    """Changes with the values: what was made of an older secret is known by it. Not for showing."""

    def __post_init__(self) -> None:
        parts = [part for name in sorted(self.values) for part in (name, self.values[name])]
        framed = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
        object.__setattr__(self, "digest", hashlib.sha256(framed).hexdigest())

    def require(self, *names: str) -> tuple[str, ...]:
        """The values called ``names``. Raises `SandboxError` ``CREDENTIALS_UNAVAILABLE`` naming what is missing."""
        missing = [name for name in names if not self.values.get(name)]
        if missing:
            raise unavailable(f"the route's secret has no value named {', '.join(missing)}")
        return tuple(self.values[name] for name in names)

    def check(self, *, host: str, port: int, tenant: str) -> None:
        """Raises `SandboxError` ``CREDENTIALS_NOT_ALLOWED`` unless it may go to ``host`` on behalf of ``tenant``.

        An entry of ``hosts`` is a host, for the default port of https alone, or ``host:port``.
        """
        if tenant not in self.tenants:
            raise SandboxError(Code.CREDENTIALS_NOT_ALLOWED, "the route's secret does not list this tenant")
        if f"{host}:{port}" not in self.hosts and not (port == 443 and host in self.hosts):
            raise SandboxError(
                Code.CREDENTIALS_NOT_ALLOWED, "the route's secret does not list the host it would be sent to")


class Vault(Protocol):
    """Where secrets are read."""

    async def read(self, ref: SecretRef) -> Secret:
        """Raises `SandboxError` ``CREDENTIALS_UNAVAILABLE``: there is none of this name, or it cannot be had now."""
        ...


def unavailable(why: str) -> SandboxError:
    """A secret that cannot be had, for a reason that quotes nothing of it."""
    return SandboxError(Code.CREDENTIALS_UNAVAILABLE, why)


def parse_secret(document: object) -> Secret:
    """A secret as every store keeps it: one flat JSON object of strings, with ``hosts`` and ``tenants`` in it.

    Those two are lists, or strings separated by commas or blanks (which is all that some tools can write).
    Raises `SandboxError` ``INPUT_INVALID`` with every problem, naming keys and never values.
    """
    if not isinstance(document, Mapping):
        raise SandboxError(Code.INPUT_INVALID, "a secret is a JSON object of names and strings")
    given = cast(Mapping[object, object], document)
    problems: list[Problem] = []
    lists = {name: _names(given.get(name), name, problems) for name in _RESERVED}
    values = {str(name): value for name, value in given.items() if name not in _RESERVED}
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            problems.append(Problem(f"$.{name}", "a secret's value is text", "store it as a string that is not empty"))
    if not values:
        problems.append(Problem("$", "a secret holds at least one value", "add clientId, token, apiKey…"))
    if problems:
        raise SandboxError(Code.INPUT_INVALID, "this is no secret", details=problems)
    hosts = tuple(host.lower() for host in lists["hosts"])
    return Secret(cast(Mapping[str, str], values), hosts, lists["tenants"])


def _names(value: object, name: str, problems: list[Problem]) -> tuple[str, ...]:
    listed = re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else value
    items = cast(list[object], listed) if isinstance(listed, list) else []
    if not items or not all(isinstance(item, str) and item for item in items):
        problems.append(Problem(
            f"$.{name}", f"a secret lists the {name} that may receive it", f'add "{name}": ["…"], each in full'))
        return ()
    return tuple(cast(list[str], items))
