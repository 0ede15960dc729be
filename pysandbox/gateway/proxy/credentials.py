"""A route's credentials, from the vault to the request: checked against where they would go, then put in place.

Reading a secret or a token is I/O; putting it into a request is pure. Policy has dropped or refused whatever of the
plugin's own could stand in the same place, so that nothing here has to choose between two.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import quote

from pysandbox.core import strict_json
from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.proxy.connector import Certificate
from pysandbox.gateway.proxy.forward import Outgoing
from pysandbox.gateway.proxy.oauth import Post, Tokens
from pysandbox.gateway.proxy.redaction import forms
from pysandbox.gateway.proxy.token_request import token_host
from pysandbox.gateway.vault.secret import Secret, SecretRef, Vault, unavailable

Method = Literal["none", "api_key", "basic", "bearer", "oauth2_client_credentials", "mtls"]
Place = Literal["header", "query", "body"]
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Auth:
    """How a route's upstream knows us. ``certificate_ref`` is for mutual TLS beside any other method."""

    method: Method = "none"
    secret_ref: SecretRef | None = None
    place: Place = "header"
    name: str = "X-Api-Key"
    refresh_s: float = 300.0
    certificate_ref: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where credentials would go, and for whom."""

    host: str
    port: int
    tenant: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What goes into a request, and every spelling of it that must not come back."""

    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    query: tuple[str, str] | None = field(default=None, repr=False)
    body: tuple[str, str] | None = field(default=None, repr=False)
    certificate: Certificate | None = field(default=None, repr=False)
    echoes: tuple[bytes, ...] = field(default=(), repr=False)
    token: str | None = field(default=None, repr=False)
    token_secret: Secret | None = None


class CredentialReader:
    """``post``: makes token requests, within the address checks."""

    def __init__(self, vault: Vault, tokens: Tokens) -> None:
        self._vault = vault
        self._tokens = tokens

    async def read(self, auth: Auth, destination: Destination, post: Post) -> Credentials:
        """Raises `SandboxError` ``CREDENTIALS_UNAVAILABLE`` or ``CREDENTIALS_NOT_ALLOWED``."""
        found = await self._main(auth, destination, post)
        if auth.certificate_ref is None:
            return found
        certificate = _certificate(await self._secret(auth.certificate_ref, destination))
        return replace(found, certificate=certificate)

    def refused(self, auth: Auth, destination: Destination, used: Credentials) -> bool:
        """The upstream answered 401. Whether `read` gives something else now."""
        if used.token is None or used.token_secret is None:
            return False
        return self._tokens.refused(
            _key(auth, destination), used.token_secret, used.token, interval_s=auth.refresh_s)

    async def _main(self, auth: Auth, destination: Destination, post: Post) -> Credentials:
        if auth.method == "none":
            return Credentials()
        if auth.secret_ref is None:
            raise unavailable("the route names no secretRef")
        secret = await self._secret(auth.secret_ref, destination)
        match auth.method:
            case "api_key":
                (key,) = secret.require("apiKey")
                return _placed(auth, key)
            case "basic":
                user, password = secret.require("username", "password")
                pair = base64.b64encode(f"{user}:{password}".encode()).decode()
                return Credentials([("Authorization", f"Basic {pair}")], echoes=_echoes(password, pair))
            case "bearer":
                (token,) = secret.require("token")
                return Credentials(_bearer_line(token), echoes=_echoes(token))
            case "oauth2_client_credentials":
                host, port = token_host(*secret.require("tokenUrl"))
                secret.check(host=host, port=port, tenant=destination.tenant)
                token = await self._tokens.get(_key(auth, destination), secret, post, interval_s=auth.refresh_s)
                return Credentials(
                    _bearer_line(token), echoes=_echoes(token, *secret.require("clientSecret")), token=token,
                    token_secret=secret)
            case "mtls":
                return Credentials(certificate=_certificate(secret))

    async def _secret(self, ref: SecretRef, destination: Destination) -> Secret:
        secret = await self._vault.read(ref)
        secret.check(host=destination.host, port=destination.port, tenant=destination.tenant)
        return secret


def inject(outgoing: Outgoing, credentials: Credentials) -> Outgoing:
    """``outgoing`` with the credentials in their places. Raises `SandboxError` where there is no such place."""
    url, body = outgoing.url, outgoing.body
    if credentials.query is not None:
        name, value = credentials.query
        url += f"{'&' if '?' in url else '?'}{quote(name, safe='')}={quote(value, safe='')}"
    if credentials.body is not None:
        body = _with_field(outgoing, *credentials.body)
    return Outgoing(
        outgoing.method, url, [*outgoing.headers, *credentials.headers], body, connect_ms=outgoing.connect_ms,
        first_byte_ms=outgoing.first_byte_ms, response_bytes=outgoing.response_bytes)


def _with_field(outgoing: Outgoing, name: str, value: str) -> bytes:
    """The body with one field more, its other bytes as they were: numbers keep their spelling."""
    kind = next((value for name, value in outgoing.headers if name.lower() == "content-type"), "")
    kind = kind.partition(";")[0].strip().lower()
    body = outgoing.body.strip()
    if kind == FORM:
        return body + (b"&" if body else b"") + f"{quote(name, safe='')}={quote(value, safe='')}".encode()
    if (kind == "application/json" or kind.endswith("+json")) and body[:1] == b"{" and body[-1:] == b"}":
        field_text = f"{strict_json.dumps(name)}:{strict_json.dumps(value)}".encode()
        rest = body[1:].lstrip()
        return b"{" + field_text + (b"" if rest == b"}" else b",") + rest
    raise SandboxError(
        Code.INPUT_INVALID, "this route's key goes into the body, which has to be a JSON object or a form")


def _placed(auth: Auth, key: str) -> Credentials:
    pair, echoes = (auth.name, key), _echoes(key)
    if auth.place == "query":
        return Credentials(query=pair, echoes=echoes)
    if auth.place == "body":
        return Credentials(body=pair, echoes=echoes)
    return Credentials([(auth.name, _line(key))], echoes=echoes)


def _bearer_line(token: str) -> Sequence[tuple[str, str]]:
    return [("Authorization", f"Bearer {_line(token)}")]


def _certificate(secret: Secret) -> Certificate:
    certificate, key = secret.require("certificate", "privateKey")
    return certificate, key


def _line(value: str) -> str:
    """A value that goes into a header. A newline that came with it from a file would end the header."""
    if not value.isascii() or not value.isprintable():
        raise unavailable("the route's secret holds a character that no header can carry (a line end, perhaps)")
    return value


def _key(auth: Auth, destination: Destination) -> tuple[str, ...]:
    return destination.tenant, str(auth.secret_ref)


@lru_cache(maxsize=512)
def _echoes(*credentials: str) -> tuple[bytes, ...]:
    return forms(credentials)
