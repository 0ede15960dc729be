"""The rules of a proxy route's parts. Each method adds what is wrong to the list, and gives what is good or a default.

Must not know: what the parts are put together to (`pysandbox.gateway.proxy.route`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from ipaddress import ip_network
from typing import Final, NamedTuple, cast

from pysandbox.core.errors import SandboxError
from pysandbox.core.manifest_checks import Checks, Form, join, kind, show
from pysandbox.core.weburl import DEFAULT_PORTS, parse_url
from pysandbox.gateway.proxy.guards import BreakerSettings
from pysandbox.gateway.proxy.headers import may_be_answered, may_be_asked
from pysandbox.gateway.proxy.pattern import Pattern, allowed, parse_pattern
from pysandbox.gateway.vault.secret import SecretRef

FORM_TYPE: Final = "application/x-www-form-urlencoded"
MAX_ITEMS: Final = 100

_ANY: Final = re.compile(r"(?s).*")
_NAME: Final = Form(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*"), 100, "is no name: letters, digits and ._-",
    'Write it like "VendorRiskScoringProxy".')
_TEXT: Final = Form(_ANY, 2048, "", "Write a string.")
_FIELD: Final = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_KEY_FIELD: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PLUGIN: Final = re.compile(r"(?=.{1,128}\Z)[a-z][a-z0-9-]{0,62}(\.[a-z0-9-]{1,63})+")
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_NOTHING: Final[Mapping[str, object]] = {}
_PLACES: Final = ("header", "query", "body")

_Test = Callable[[str], object]


class Credentials(NamedTuple):
    """Where the credentials are, and where they go."""

    secret_ref: SecretRef | None = None
    refresh_s: int = 300
    placement: str = "header"
    name: str = "X-Api-Key"


class Limits(NamedTuple):
    """How often, how many in a row, how many at once."""

    per_minute: int
    burst: int
    concurrency: int


class Transform(NamedTuple):
    """What becomes of an answer."""

    stripped: frozenset[str]
    passed: frozenset[str]
    masked: tuple[str, ...]
    non_json: str


class RouteChecks(Checks):
    """See `Checks`: the problems so far are in ``problems``."""

    def name(self, told: Mapping[str, object]) -> str:
        return self.text(told, "$", "name", _NAME) or ""

    def pattern(self, told: Mapping[str, object], allowlist: Sequence[str]) -> Pattern:
        text = self.text(told, "$", "routePattern", _TEXT)
        if text is not None:
            cure = 'Write it like "/proxy/vendor/risk/*".'
            try:
                found = parse_pattern(text)
                if allowed(found, allowlist):
                    return found
                rule, cure = f"{show(text)} is covered by nothing that this deployment allows", (
                    f"Use what is allowed ({', '.join(allowlist) or 'nothing'}), or have the operator allow it.")
            except ValueError as error:
                rule = f"{show(text)} is refused: {error}"
            self.fault("$.routePattern", rule, cure)
        return Pattern("", False)

    def upstream(self, told: Mapping[str, object]) -> tuple[str, str, int, tuple[str, ...], SecretRef | None] | None:
        """Base URL, host, port, networks, client certificate."""
        if "upstream" not in told:
            return None
        given = self.fields(
            told["upstream"], "$.upstream", required=("baseUrl",), optional=("allowAddresses", "mtlsSecretRef"))
        allow = self._items(given, "$.upstream", "allowAddresses", _network, "is no IP address or network in its "
                            "canonical form", 'Write it like "10.1.2.0/24".')
        mtls = self._secret_ref(given, "$.upstream", "mtlsSecretRef")
        text = self.text(given, "$.upstream", "baseUrl", _TEXT)
        if text is None:
            return None
        try:
            url = parse_url(text)
            if url.scheme not in {"https", "http"} or url.query or "?" in text or "//" in url.path:
                raise ValueError("an upstream is https://host[:port][/path], without a query")
            if url.scheme == "http" and not allow:
                raise ValueError("credentials travel by https; http is for upstreams inside, named in allowAddresses")
        except ValueError as error:
            self.fault("$.upstream.baseUrl", f"{show(text)} is refused: {error}", 'Write "https://api.vendor.com/v1".')
            return None
        base = url.origin + url.path.rstrip("/")
        return base, url.host, url.port or DEFAULT_PORTS[url.scheme], allow, mtls

    def credentials(self, told: Mapping[str, object], auth: str) -> Credentials:
        path, at = "$.credentials", "credentials"
        if at not in told:
            if auth != "none":
                self.fault(path, f'is missing, and authMethod is "{auth}"', 'Add {"secretRef": "vault://…"}.')
            return Credentials()
        given = self.fields(
            told[at], path, required=("secretRef",),
            optional=("tokenRefreshIntervalSeconds", "placement", "name"))
        if auth == "none":
            self.fault(path, 'is there, and authMethod is "none"', "Remove it, or say how the upstream knows us.")
        place = self.choice(given, path, "placement", _PLACES) or "header"
        if auth != "api_key":
            for name in {"placement", "name"} & given.keys():
                self.fault(join(path, name), 'is for authMethod "api_key" alone', "Remove it.")
        default = "X-Api-Key" if place == "header" else "api_key"
        name = default if "name" not in given else self.text(given, path, "name", _TEXT)
        if name is not None and not _can_hold_key(place, name):
            self.fault(join(path, "name"), f"{show(name)} is no {place} that a key can go into",
                       "Write the name that the upstream's documentation gives.")
        return Credentials(
            self._secret_ref(given, path, "secretRef"),
            self.whole(given, path, "tokenRefreshIntervalSeconds", 10, 86_400, 300), place, name or default)

    def rate(self, told: Mapping[str, object]) -> Limits:
        path = "$.rateLimit"
        given = self._part(told, "rateLimit", ("requestsPerMinute", "burstSize", "concurrency"))
        return Limits(
            self.whole(given, path, "requestsPerMinute", 1, 1_000_000, 60),
            self.whole(given, path, "burstSize", 1, 100_000, 10),
            self.whole(given, path, "concurrency", 1, 10_000, 16))

    def transform(self, told: Mapping[str, object]) -> Transform:
        path = "$.responseTransform"
        given = self._part(told, "responseTransform", ("stripHeaders", "passHeaders", "maskFields", "nonJson"))
        strip = self._headers(given, path, "stripHeaders", lambda _name: True)
        passed = self._headers(given, path, "passHeaders", may_be_answered)
        masked = self._items(given, path, "maskFields", _FIELD.fullmatch, "is no field's name", 'Write "ssn".')
        return Transform(strip, passed, masked, self.choice(given, path, "nonJson", ("refuse", "pass")) or "refuse")

    def request_headers(self, told: Mapping[str, object]) -> frozenset[str]:
        return self._headers(told, "$", "requestHeaders", may_be_asked)

    def plugins(self, told: Mapping[str, object]) -> frozenset[str]:
        return frozenset(self._items(
            told, "$", "plugins", _PLUGIN.fullmatch, "is no plugin's id", 'Write "com.vendor.risk-scoring".'))

    def content_types(self, told: Mapping[str, object], default: tuple[str, ...]) -> tuple[str, ...]:
        if "contentTypes" not in told:
            return default
        return self._items(
            told, "$", "contentTypes", _TYPE.fullmatch, "is no media type in lower case without parameters",
            'Write "application/json".')

    def key_in_body(self, methods: Collection[str], types: Collection[str]) -> None:
        """A key can be put into bodies whose form is known."""
        cure = "Put the key into a header, or narrow the route."
        if "GET" in methods:
            self.fault("$.methods", "has GET, which has no body for the key to go into", cure)
        if not all(kind == FORM_TYPE or _is_json(kind) for kind in types):
            self.fault("$.contentTypes", "has a type whose body no key can be put into", cure)

    def cache(self, told: Mapping[str, object]) -> int | None:
        if "cache" not in told:
            return None
        given = self.fields(told["cache"], "$.cache", required=("ttlSeconds",))
        return self.whole(given, "$.cache", "ttlSeconds", 1, 86_400, 60)

    def breaker(self, told: Mapping[str, object]) -> BreakerSettings:
        path = "$.circuitBreaker"
        given = self._part(told, "circuitBreaker", ("failures", "baseMs", "maxMs", "probes", "probeMs"))
        base_ms = self.whole(given, path, "baseMs", 10, 600_000, 1000)
        return BreakerSettings(
            self.whole(given, path, "failures", 1, 1000, 5), base_ms,
            self.whole(given, path, "maxMs", base_ms, 3_600_000, max(base_ms, 60_000)),
            self.whole(given, path, "probes", 1, 100, 1), self.whole(given, path, "probeMs", 10, 600_000, 10_000))

    def flag(self, told: Mapping[str, object], path: str, name: str, default: bool) -> bool:
        value = told.get(name, default)
        if isinstance(value, bool):
            return value
        self.fault(join(path, name), f"is {kind(value)}, not a boolean", "Write true or false.")
        return default

    def whole(self, told: Mapping[str, object], path: str, name: str, floor: int, ceiling: int, default: int) -> int:
        """A whole number from ``floor`` to ``ceiling``."""
        value = told.get(name, default)
        if type(value) is int and floor <= value <= ceiling:
            return value
        self.fault(
            join(path, name), f"{show(value)} is no whole number from {floor} to {ceiling}",
            f"Write one, or leave it out for {default}.")
        return default

    def listed(
        self, told: Mapping[str, object], path: str, name: str, choices: Sequence[str], default: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Some of ``choices``."""
        if name not in told:
            return default
        return self._items(told, path, name, choices.__contains__, "is not accepted", f"Use {', '.join(choices)}.")

    def _part(self, told: Mapping[str, object], name: str, known: Sequence[str]) -> Mapping[str, object]:
        return self.fields(told[name], f"$.{name}", required=(), optional=known) if name in told else _NOTHING

    def _headers(
        self, told: Mapping[str, object], path: str, name: str, good: _Test
    ) -> frozenset[str]:
        found = self._items(
            told, path, name, lambda text: _HEADER.fullmatch(text) is not None and good(text),
            "is no header that may be listed here", 'Write a name such as "X-Request-Cost".')
        return frozenset(text.lower() for text in found)

    def _items(
        self, told: Mapping[str, object], path: str, name: str, good: _Test, rule: str, cure: str
    ) -> tuple[str, ...]:
        """The strings of the list ``name``, each once."""
        if name not in told:
            return ()
        at = join(path, name)
        if not isinstance(told[name], list):
            self.fault(at, f"is {kind(told[name])}, not a list", "Write a list of strings.")
            return ()
        items = cast(list[object], told[name])
        if len(items) > MAX_ITEMS:
            self.fault(at, f"has more than {MAX_ITEMS} entries", "Shorten it.")
            return ()
        found: list[str] = []
        for index, item in enumerate(items):
            if not isinstance(item, str) or not good(item):
                self.fault(join(at, index), f"{show(item)} {rule}", cure)
            elif item not in found:
                found.append(item)
        return tuple(found)

    def _secret_ref(self, told: Mapping[str, object], path: str, name: str) -> SecretRef | None:
        text = self.text(told, path, name, _TEXT)
        if text is None:
            return None
        try:
            return SecretRef.parse(text)
        except SandboxError as error:
            # Without the text: somebody may have put the secret itself here.
            self.fault(join(path, name), f"is no reference: {error.message}", 'Write "embedded://NAME".')
            return None


def _can_hold_key(place: str, name: str) -> bool:
    if place == "header":
        return may_be_asked(name) or name.lower() == "authorization"
    return _KEY_FIELD.fullmatch(name) is not None


def _is_json(media: str) -> bool:
    return media == "application/json" or media.endswith("+json")


def _network(text: str) -> bool:
    try:
        return "%" not in text and str(ip_network(text, strict=True)) in {text, f"{text}/32", f"{text}/128"}
    except ValueError:
        return False
