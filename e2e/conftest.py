"""Real browsers for the tests beside this file.

``browser``: one a worker and engine, for the whole run; each test that asks for it (or for ``page``) runs once in each
engine of PYSANDBOX_ENGINES. ``@pytest.mark.chromium_only`` and ``@pytest.mark.engines("chromium", "firefox")`` narrow
that. An engine that is not on this machine skips its tests, and the end of the run says so; with CI=true it fails them.
"""

import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer  # pyright: ignore[reportMissingTypeStubs]  # its types are in the package
from xdist.scheduler import LoadScopeScheduling, Scheduling  # pyright: ignore[reportMissingTypeStubs]

from e2e.kit.lab import Lab, LabPlugin
from e2e.kit.server import LabServer
from e2e.variants import frozen
from pysandbox.gateway.dist import DEFAULT_DIST
from pysandbox.gateway.serve import DevServer
from pysandbox.testing.browsers import ENGINES, Browser, Engine, Page, cure, missing_parts

OUTPUT = Path(__file__).parent / "output"
PAGES = Path(__file__).parent / "pages"
EXAMPLES = Path(__file__).parents[1] / "examples"
MANIFESTS = [*EXAMPLES.glob("*/manifest.json"), *PAGES.parent.glob("plugins/*/manifest.json")]
PLUGINS = sorted(path.parent for path in MANIFESTS)
MISSING = "engine missing: "
FULL = os.environ.get("PYSANDBOX_FULL") == "1"
"""Whether what shows that a test can fail (the attacks' controls), and what takes long, runs in every engine too."""
IN_CI = os.environ.get("CI") == "true"


def wanted_engines() -> list[Engine]:
    names = [name.strip() for name in os.environ.get("PYSANDBOX_ENGINES", ",".join(ENGINES)).split(",")]
    unknown = [name for name in names if name not in ENGINES]
    if unknown or not names:
        raise pytest.UsageError(f"PYSANDBOX_ENGINES names {unknown}; there are {', '.join(ENGINES)}")
    return [engine for engine in ENGINES if engine in names]


def need_chromium() -> None:
    """For a test that starts a Chromium of its own: skipped where that is not asked for, loud where there is none."""
    if "chromium" not in wanted_engines():
        pytest.skip("Chromium is not asked for")
    if missing_parts("chromium"):
        (pytest.fail if IN_CI else pytest.skip)(MISSING + "chromium")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "browser" not in metafunc.fixturenames:
        return
    engines = wanted_engines()
    if metafunc.definition.get_closest_marker("chromium_only"):
        engines = [engine for engine in engines if engine == "chromium"]
    for marker in metafunc.definition.iter_markers("engines"):
        engines = [engine for engine in engines if engine in marker.args]
    if not FULL and (metafunc.definition.name.startswith("test_control") or metafunc.definition.get_closest_marker(
            "one_engine")):
        engines = engines[:1]
    metafunc.parametrize("browser", engines, indirect=True, scope="session")


class ByEngine(LoadScopeScheduling):
    """The tests of one engine are one worker's: it has one browser at a time, and starts each once.

    Chromium, which the controls run in, takes about as long as the other two together.
    """

    def _split_scope(self, nodeid: str) -> str:
        found = re.search(rf"[\[-]({'|'.join(ENGINES)})[\]-]", nodeid)
        return found[1] if found else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """For ``-n 2``, whatever ``--dist`` says."""
    return ByEngine(config, log)


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """The running browser of this test's engine (``browser.engine``)."""
    engine: Engine = request.param
    if missing_parts(engine):
        (pytest.fail if IN_CI else pytest.skip)(MISSING + engine)
    with Browser.launch(engine) as running:
        yield running


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh tab for this test alone. When the test fails, e2e/output/ keeps a picture of it."""
    tab = browser.new_page()
    try:
        yield tab
        if request.node.stash.get(FAILED, False):
            OUTPUT.mkdir(exist_ok=True)
            tab.screenshot(OUTPUT / (re.sub(r"[^\w.-]+", "_", request.node.nodeid) + ".png"))
    finally:
        tab.close()


@pytest.fixture(scope="session")
def server() -> Iterator[DevServer]:
    """Both origins on free ports, one pair a worker, with every example plugin."""
    with DevServer(sorted(path.parent for path in EXAMPLES.glob("*/manifest.json"))) as running:
        yield running


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The browser bundle as it was when the run began: a build meanwhile changes nothing under a test.

    PYSANDBOX_TEST_DIST names another bundle to test.
    """
    return frozen(Path(os.environ.get("PYSANDBOX_TEST_DIST", DEFAULT_DIST)), tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def lab_server(dist: Path) -> Iterator[LabServer]:
    """The product as it is, with the tests' page and plugins and every example."""
    with LabServer(PLUGINS, dist=dist, pages=PAGES) as running:
        yield running


@pytest.fixture
def lab(page: Page, lab_server: LabServer) -> Lab:
    """A tab of this test's own with an open sandbox."""
    return Lab(page, f"{lab_server.api_origin}/pages/lab.html").open(lab_server)


@pytest.fixture(scope="module")
def shared_lab(browser: Browser, lab_server: LabServer) -> Iterator[Lab]:
    """One open sandbox for the tests of a module that leave it whole."""
    tab = browser.new_page()
    try:
        yield Lab(tab, f"{lab_server.api_origin}/pages/lab.html").open(lab_server)
    finally:
        tab.close()


@pytest.fixture(scope="module")
def spine(shared_lab: Lab) -> LabPlugin:
    """The plugin of e2e/plugins/spine, loaded once a module."""
    return shared_lab.load("test.spine@1.0.0")


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call":
        item.stash[FAILED] = report.failed
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not FULL:
        terminalreporter.line("controls and the longest attacks ran in one engine; in every one: make attack-full")
    reports = [*terminalreporter.stats.get("skipped", []), *terminalreporter.stats.get("error", [])]
    for engine in ENGINES:
        count = sum(f"{MISSING}{engine}" in str(report.longrepr) for report in reports)
        if count:
            terminalreporter.section("ENGINE MISSING", red=True, bold=True)
            terminalreporter.line(f"{engine} is not on this machine: {count} tests did NOT run. Mend it with:")
            terminalreporter.line(f"  {cure(engine)}")
