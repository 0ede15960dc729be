"""Every setting of the gateway: what it is called, what it means, and how it is read.

One setting has one name: ``session_idle_s`` in a TOML file, ``PYSANDBOX_SESSION_IDLE_S`` in the environment, which
wins. All that is wrong is told at once, and a name that nothing knows is refused: a mistyped audience that was left out
without a word would leave a door open. Must not know: what settings mean together; that is `config_checks`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, cast

from pysandbox.core.errors import Code, Problem, SandboxError

PREFIX: Final = "PYSANDBOX_"
_ELSEWHERE: Final = frozenset({
    "PYSANDBOX_PLUGINS", "PYSANDBOX_CONFIG", "PYSANDBOX_CACHE", "PYSANDBOX_ENGINES", "PYSANDBOX_BROWSER",
    "PYSANDBOX_TEST_DIST", "PYSANDBOX_VAULT_KEY", "PYSANDBOX_TELEMETRY_KEY", "PYSANDBOX_URL", "PYSANDBOX_TOKEN",
    "PYSANDBOX_TOKEN_FILE", "PYSANDBOX_KILLS", "PYSANDBOX_FULL"})
"""Variables that others read."""
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


def _setting(default: object, help: str, *, least: int = 0, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"help": help, "least": least, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """Made by `load_settings`; tests may make one by hand. Durations carry their unit in the name."""

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8900, "Port of the API origin; 0 takes a free one.")
    sandbox_port: int = _setting(8901, "Port of the sandbox's own origin; 0 takes a free one.")
    api_origin: str = _setting(
        "", "The API's public origin, such as https://api.example; needed beyond loopback.")
    sandbox_origin: str = _setting(
        "", "The sandbox's public origin, such as https://sandbox.example; needed beyond loopback.")
    gateway_origin: str = _setting(
        "", "What manifests call this gateway in connect-src; empty: the API's public origin.")
    path_prefix: str = _setting("", "Path below which a gateway in front shows the API, such as /pysandbox.")
    trusted_proxies: tuple[str, ...] = _setting(
        (), "Addresses or networks of proxies in front, whose X-Forwarded-Host is believed.")
    allowed_origins: tuple[str, ...] = _setting((), "Origins whose pages may embed the sandbox.")
    dist: Path | None = _setting(  # noqa: RUF009  # makes a field
        None, "Folder of another browser bundle than the package's own.")
    data_dir: Path = _setting(  # noqa: RUF009
        Path(".pysandbox"), "Folder of what is kept here: database, vault, development key.")
    database_url: str = _setting(
        "", "postgresql://… for replicas; empty: SQLite in the data folder.", secret=True)
    redis_url: str = _setting(
        "", "redis://… or rediss://… where replicas share nonces and limits; empty: memory.", secret=True)
    jwt_jwks: str = _setting("", "Public keys of the platform's tokens: a JWKS file, or its https:// address.")
    jwt_issuer: str = _setting("", "What the claim iss of a platform token must be.")
    jwt_audience: str = _setting("", "What the claim aud of a platform token must hold.")
    jwt_algorithms: tuple[str, ...] = _setting(
        ("RS256", "PS256", "ES256", "EdDSA", "Ed25519"), "Signature algorithms that are accepted; never none or HS.")
    jwt_leeway_s: int = _setting(30, "How far the platform's clock may be off.")
    jwks_refresh_s: int = _setting(300, "How long keys are used before they are fetched again.", least=10)
    tenant_claim: str = _setting("tenant", "The claim that names the tenant.")
    scope_claim: str = _setting("scope", "The claim that holds the scopes: text with blanks between, or a list.")
    session_idle_s: int = _setting(3600, "A session that is not used for so long ends.", least=60)
    session_lifetime_s: int = _setting(43_200, "No session lives longer, used or not.", least=60)
    session_per_minute: int = _setting(600, "Proxied requests a minute of one session.", least=1)
    plugin_per_minute: int = _setting(6000, "Proxied requests a minute of one plugin, within a tenant.", least=1)
    route_allowlist: tuple[str, ...] = _setting(("/proxy/*",), "What route patterns must lie within.")
    vault_url: str = _setting("", "Address of a HashiCorp Vault, for vault:// references.")
    vault_token: str = _setting("", "The token that Vault knows us by.", secret=True)
    vault_namespace: str = _setting("", "The namespace in Vault.")
    aws_region: str = _setting("", "Region of AWS Secrets Manager, for aws-sm:// references.")
    vault_cache_s: int = _setting(60, "How long a secret is used before it is read again.", least=1)
    metrics_token_file: Path | None = _setting(  # noqa: RUF009
        None, "File with a scraper's long-lived token, 32 characters or more, which opens /metrics alone.")
    queues: tuple[str, ...] = _setting((), "Queues that flows may route to; none: they are not known, so any may be.")
    flow_runs: int = _setting(2000, "Flows that run here at once; more are refused.", least=1)
    flow_tenant_runs: int = _setting(1000, "Flows of one tenant that run here at once.", least=1)
    flow_plugins: int = _setting(10, "Plugins that have a process here at once, for flows.", least=1)
    flow_lease_s: int = _setting(
        15, "How long a run stays with a server that is not heard of; then another goes on with it.", least=3)
    flow_keep_days: int = _setting(30, "How long the journal of a run that ended is kept.", least=1)
    stop_delay_s: int = _setting(
        0, "How long a stopping server goes on answering once /readyz has said so, for load balancers to hear it.")
    drain_s: int = _setting(30, "How long requests in progress may take when the server stops.", least=1)
    telemetry: bool = _setting(True, "Browsers send records of what plugins did, redacted, to this gateway.")
    alert_webhook: str = _setting("", "Where alerts are sent: Alertmanager's /api/v2/alerts, or PagerDuty's events.")
    alert_format: str = _setting("alertmanager", "What the webhook takes: alertmanager or pagerduty.")
    alert_routing_key: str = _setting("", "PagerDuty's routing key.", secret=True)
    alert_rules: Path | None = _setting(  # noqa: RUF009
        None, "TOML file of alert rules, beside the built-in ones or, by their names, in their place.")
    alert_silences: tuple[str, ...] = _setting(
        (), "Alerts that go into the log alone: RULE or RULE/GROUP, with * for any text.")
    export_otlp_url: str = _setting(
        "", "https://… of an OpenTelemetry Collector, to which traces, logs and metrics are sent (OTLP/HTTP).")
    export_splunk_url: str = _setting("", "https://… of a Splunk HTTP Event Collector, to which records are sent.")
    export_splunk_token: str = _setting("", "The collector's token; indexer acknowledgement is on for it.", secret=True)
    export_ca_file: Path | None = _setting(  # noqa: RUF009
        None, "PEM file of who signs the certificates of export destinations; none: the system's authorities.")
    export_certificate_file: Path | None = _setting(  # noqa: RUF009
        None, "PEM file of the certificate that destinations know this gateway by.")
    export_key_file: Path | None = _setting(None, "PEM file of its private key.")  # noqa: RUF009
    export_backlog: int = _setting(
        1_000_000, "A destination may be so many records behind; then the oldest are left out, counted.", least=1000)
    access_log: bool = _setting(True, "One JSON line for each request on stderr, without addresses, paths or users.")


def settings_help() -> list[tuple[str, str, str]]:
    """For each setting its variable, its default as text, and what it means."""
    return [(PREFIX + one.name.upper(), _shown(one.default), one.metadata["help"]) for one in fields(Settings)]


def load_settings(
    environment: Mapping[str, str], file: Path | None = None, options: Mapping[str, object] | None = None
) -> Settings:
    """The file's settings, over them the environment's, over them the command line's ``options``.

    Raises `SandboxError` ``INPUT_INVALID`` with every problem, its place and its cure.
    """
    problems: list[Problem] = []
    known = {one.name: one for one in fields(Settings)}
    chosen: dict[str, object] = {}
    given = {} if file is None else _read(file)
    for name, value in given.items():
        place = f"{file}: {name}"
        if name in known:
            _take(chosen, known[name], value, place, problems)
        else:
            problems.append(_unknown(place, name, list(known)))
    variables = {PREFIX + name.upper(): one for name, one in known.items()}
    for name, text in environment.items():
        if name in variables:
            _take(chosen, variables[name], _from_text(text, variables[name]), name, problems)
        elif name.startswith(PREFIX) and name not in _ELSEWHERE:
            problems.append(_unknown(name, name, list(variables)))
    for name, value in (options or {}).items():
        _take(chosen, known[name], value, f"--{name.replace('_', '-')}", problems)
    if problems:
        raise SandboxError(Code.INPUT_INVALID, "the settings are not usable", details=problems)
    return Settings(**cast(dict[str, Any], chosen))


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SandboxError(Code.INPUT_INVALID, f"{file} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SandboxError(Code.INPUT_INVALID, f"{file} is not TOML: {error}") from error


def _from_text(text: str, one: Field[Any]) -> object:
    """What a variable's text stands for; left as text where it stands for nothing of the right kind."""
    kind = str(one.type)
    if kind == "int":
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else text
    if kind == "bool":
        word = text.lower()
        return word in _TRUE if word in _TRUE | _FALSE else text
    if kind.startswith("tuple"):
        return text.replace(",", " ").split()
    return text


def _take(
    chosen: dict[str, object], one: Field[Any], value: object, place: str, problems: list[Problem]
) -> None:
    """Keep ``value`` for the setting ``one``, or note what is wrong with it (never the value: it may be a secret)."""
    kind = str(one.type)
    if kind == "int" and isinstance(value, int) and not isinstance(value, bool):
        if value >= one.metadata["least"]:
            chosen[one.name] = value
            return
        problems.append(Problem(place, f"is less than {one.metadata['least']}", one.metadata["help"]))
        return
    if kind.startswith("tuple") and isinstance(value, list | tuple):
        items = cast(list[object], value)
        if all(isinstance(item, str) and item for item in items):
            chosen[one.name] = tuple(cast(list[str], items))
            return
    if kind == "bool" and isinstance(value, bool):
        chosen[one.name] = value
        return
    if kind == "str" and isinstance(value, str):
        chosen[one.name] = value.strip()
        return
    if kind.startswith("Path") and isinstance(value, str | Path) and str(value):
        chosen[one.name] = Path(value)
        return
    problems.append(Problem(place, f"is not {_KINDS[kind.partition(' ')[0].partition('[')[0]]}", one.metadata["help"]))


_KINDS: Final = {
    "int": "a whole number", "bool": "true or false", "str": "text", "Path": "a path", "tuple": "a list of texts"}


def _unknown(place: str, name: str, known: list[str]) -> Problem:
    close = difflib.get_close_matches(name, known, n=1)
    cure = f"write {close[0]}" if close else "remove it; `pysandbox serve --help` lists every setting"
    return Problem(place, "is no setting", cure)


def _shown(default: object) -> str:
    if isinstance(default, tuple):
        return " ".join(cast(tuple[str, ...], default))
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
