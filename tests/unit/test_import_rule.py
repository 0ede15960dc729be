"""The rule of who may import whom, which keeps ``core`` pure and the realms apart.

``core`` imports nothing of ours. The packages beside it import ``core`` and never each other, save what ALSO lists.
``cli`` and ``testing`` sit on top. Only ``host`` and ``plugin`` run in the browser, and there only ``boot`` and the
private modules beside it touch it.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pysandbox"
TOP = {"cli", "testing"}
ALSO = {"gateway": {"invoker"}}
BROWSER_MODULES = {"js", "pyodide", "pyodide_js", "_pyodide", "_pyodide_core"}
IN_BROWSER = ("core", "host", "plugin")


def imported_by(source: str, module: str) -> Iterator[str]:
    """Every module name that the source of ``module`` imports, relative ones made absolute, wherever they stand."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def violations(source: str, path: Path) -> list[str]:
    """What in the file at ``path`` (relative to the package's parent) breaks the rule."""
    module = ".".join(path.with_suffix("").parts)
    realm = path.parts[1] if len(path.parts) > 2 else ""
    found: list[str] = []
    for name in sorted(set(imported_by(source, module))):
        top, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if top in BROWSER_MODULES and not may_touch_browser(path):
            found.append(f"{path}: imports {name}; only host/boot.py, plugin/boot.py and private modules beside may")
        if top == "pysandbox" and (PACKAGE / target).is_dir() and target and not may_import(realm, target):
            found.append(f"{path}: {realm or 'the package itself'} must not import pysandbox.{target}")
        if realm in IN_BROWSER and top not in {"pysandbox", *BROWSER_MODULES, *sys.stdlib_module_names}:
            found.append(f"{path}: imports {name}; what runs in the browser has the standard library only")
    return found


def may_touch_browser(path: Path) -> bool:
    return (
        path.parts[1] in {"host", "plugin"}
        and (path.name == "boot.py" or path.name.startswith("_"))
        and (path.name != "__init__.py")
    )


def may_import(realm: str, target: str) -> bool:
    if realm in TOP or realm == target:
        return True
    if realm == "core":
        return False
    return target == "core" or target in ALSO.get(realm, set())


def files() -> list[Path]:
    return [path.relative_to(ROOT) for path in sorted(PACKAGE.rglob("*.py")) if "dist" not in path.parts]


def test_every_module_keeps_the_import_rule() -> None:
    found = [line for path in files() for line in violations((ROOT / path).read_text(), path)]
    assert len(files()) > 10
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("pysandbox/core/envelope.py", "from pysandbox.gateway import app"),
        ("pysandbox/core/envelope.py", "import js"),
        ("pysandbox/core/envelope.py", "def f():\n    import aiohttp"),
        ("pysandbox/core/flow/blocks.py", "from ...host import session"),
        ("pysandbox/host/session.py", "from pyodide.ffi import to_js"),
        ("pysandbox/host/__init__.py", "import js"),
        ("pysandbox/host/session.py", "from pysandbox.plugin.hooks import current"),
        ("pysandbox/plugin/boot.py", "from pysandbox import host"),
        ("pysandbox/gateway/app.py", "import pysandbox.cli"),
        ("pysandbox/gateway/boot.py", "import js"),
        ("pysandbox/__init__.py", "from pysandbox.gateway import app"),
    ],
)
def test_a_forbidden_import_is_found(path: str, source: str) -> None:
    assert violations(source, Path(path))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("pysandbox/host/boot.py", "import js\nfrom pyodide.ffi import to_js"),
        ("pysandbox/plugin/_ports.py", "import js"),
        ("pysandbox/plugin/boot.py", "from . import hooks\nfrom ..core import errors"),
        ("pysandbox/gateway/app.py", "import starlette\nfrom pysandbox.core import errors"),
        ("pysandbox/cli/run.py", "from pysandbox.gateway.serve import DevServer"),
        ("pysandbox/core/errors.py", "from .limits import LIMITS\nimport json"),
    ],
)
def test_an_allowed_import_is_left_alone(path: str, source: str) -> None:
    assert not violations(source, Path(path))
