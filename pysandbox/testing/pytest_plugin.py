"""pytest's fixtures for plugins and pages: ``gateway``, ``sandbox``, ``plugin``. pytest finds them by itself.

    @pytest.mark.sandbox(plugins=["my_plugin"], capabilities={"webchat:session:read": {"tier": "gold"}})
    def test_it_greets(plugin):
        assert expect_outcome(plugin.invoke("greet", {"name": "Mia"})) == {"text": "Hello Mia"}

The marker's arguments are `gateway`'s and `sandbox`'s; without it the plugins are those of the ini option
``pysandbox_plugins``. Each test that asks for a sandbox runs in each engine of ``--sandbox-engine``; the marker
``sandbox_engines("firefox")`` narrows that. A test that fails has the alerts, records and logs in its report.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from pysandbox.gateway.serve import DevServer
    from pysandbox.testing.browsers import Browser
    from pysandbox.testing.sandbox import OpenPlugin, OpenSandbox

# What is imported at the top is imported by every run of pytest on the machine: the rest waits for who uses it.

_OPEN: Final = pytest.StashKey["OpenSandbox"]()
_BOOT_MS: Final = 30_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """The engines, and the plugins of tests that name none."""
    group = parser.getgroup("pysandbox")
    group.addoption(
        "--sandbox-engine", action="append", metavar="ENGINE", default=None,
        help="run tests of sandboxes in this browser: chromium (default), firefox or webkit; may be given again")
    parser.addini("pysandbox_plugins", "plugin folders that tests of sandboxes serve", type="paths", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """The markers."""
    config.addinivalue_line(
        "markers", "sandbox(plugins=[...], capabilities={...}, chaos='hang=1,seed=7', **options): what the fixtures "
        "`gateway` and `sandbox` are made with; options are openSandbox's")
    config.addinivalue_line("markers", "sandbox_engines(*names): tests of sandboxes run in these engines alone")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of a sandbox, once in each engine."""
    if "sandbox_engine" not in metafunc.fixturenames:
        return
    from pysandbox.testing.engines.find import ENGINES  # noqa: PLC0415 - as above

    engines: list[str] = metafunc.config.getoption("--sandbox-engine") or ["chromium"]
    for marker in metafunc.definition.iter_markers("sandbox_engines"):
        unknown = [name for name in marker.args if name not in ENGINES]
        if unknown or not marker.args:
            raise pytest.UsageError(f"sandbox_engines{marker.args}: there are {', '.join(ENGINES)}")
        engines = [engine for engine in engines if engine in marker.args]
    metafunc.parametrize("sandbox_engine", list(dict.fromkeys(engines)), scope="session")


@pytest.fixture(scope="session")
def sandbox_browser(sandbox_engine: str) -> Iterator[Browser]:
    """The running browser. Where there is none the test fails, with the command that brings it."""
    from pysandbox.testing.browsers import ENGINES, Browser  # noqa: PLC0415 - as above

    if sandbox_engine not in ENGINES:
        raise pytest.UsageError(f"--sandbox-engine {sandbox_engine}: there are {', '.join(ENGINES)}")
    with Browser.launch(sandbox_engine) as running:
        yield running


@pytest.fixture
def gateway(request: pytest.FixtureRequest) -> Iterator[DevServer]:
    """A development server with the test's plugins, and with the faults of ``chaos`` at their ports."""
    from pysandbox.core.chaos import parse_chaos  # noqa: PLC0415 - as above
    from pysandbox.gateway.serve import DevServer  # noqa: PLC0415 - as above

    told = _told(request)
    folders = told.get("plugins") or request.config.getini("pysandbox_plugins")
    chaos = parse_chaos(told["chaos"]) if told.get("chaos") else None
    with DevServer(folders, chaos=chaos) as running:
        yield running


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, sandbox_browser: Browser, gateway: DevServer) -> Iterator[OpenSandbox]:
    """An open sandbox in a fresh page."""
    from pysandbox.testing.sandbox import OpenSandbox  # noqa: PLC0415 - as above

    told: dict[str, Any] = {"bootTimeoutMs": _BOOT_MS, **_told(request)}
    options = {name: value for name, value in told.items() if name not in {"plugins", "chaos"}}
    page = sandbox_browser.new_page()
    try:
        page.goto(f"{gateway.api_origin}/pages/run.html")
        opened = OpenSandbox.open(page, gateway.sandbox_origin, gateway.token, **options)
        request.node.stash[_OPEN] = opened
        yield opened
    finally:
        page.close()


@pytest.fixture
def plugin(sandbox: OpenSandbox, gateway: DevServer) -> OpenPlugin:
    """The one plugin that the gateway serves, loaded."""
    [served] = gateway.plugins.all()
    return sandbox.load(served.manifest.key)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the page was told, in the report of a test that failed."""
    report = yield
    opened = item.stash.get(_OPEN, None)
    if opened is not None and call.when != "teardown" and report.failed:
        try:
            seen = {"alerts": opened.alerts(), "records": opened.records(), "logs": opened.logs()}
            told = json.dumps(seen, indent=1)
        except Exception as error:  # noqa: BLE001 - a page that is gone must not hide what the test has to say
            told = f"the page does not answer any more: {error}"
        report.sections.append(("sandbox", told))
    return report


def _told(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The marker's arguments, the nearest one's first."""
    told: dict[str, Any] = {}
    for marker in request.node.iter_markers("sandbox"):
        told = {**marker.kwargs, **told}
    return told
