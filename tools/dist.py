"""Makes what is published, in dist/: the wheel with the browser bundle in it, the page client for npm, an SBOM.

usage: dist.py [--verify]

``--verify``: the wheel is made twice and must be the same byte for byte; then it is installed into a fresh virtual
environment from a folder of wheels, with no index, and must serve the browser bundle from there without Deno; and the
sample suite of QA's, copied out of this checkout, must pass against it.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / "pysandbox" / "runtime" / "dist"
DIST = ROOT / "dist"
LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)")
PAGE_CLIENT = ("pysandbox.js", "pysandbox.d.ts", "pysandbox-element.js", "pysandbox-element.d.ts")
STARTS_WITHIN_S = 60.0
SUITE = ("qa", "risk_scoring", "misbehaving")
SUITE_S = 300.0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--verify", action="store_true", help="install it elsewhere, offline, and serve from there")
    arguments = parser.parse_args()
    shutil.rmtree(DIST, ignore_errors=True)
    wheel = make_wheel(DIST)
    print(f"· {wheel.relative_to(ROOT)} {wheel.stat().st_size / 1e6:.1f} MB")
    version = wheel.name.split("-")[1]
    bom = DIST / f"pysandbox-{version}.cdx.json"
    bom.write_text(json.dumps(sbom(version), indent=1) + "\n", "utf-8")
    print(f"· {bom.relative_to(ROOT)} {len(json.loads(bom.read_text('utf-8'))['components'])} components")
    make_npm_package(DIST / "npm", version)
    print("· dist/npm pysandbox.js with its types")
    if arguments.verify:
        verify(wheel)
    return 0


def make_wheel(folder: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    return next(folder.glob("*.whl"))


def sbom(version: str) -> dict[str, object]:
    """CycloneDX 1.6: the Python packages of the lock, and what of Pyodide's the browser bundle is made from."""
    pyodide = json.loads((BUILT / "integrity.json").read_text("utf-8"))["pyodide"]
    pinned = [match.groups() for match in map(PINNED.match, LOCK.read_text("utf-8").splitlines()) if match]
    packages = [(name, number, f"pkg:pypi/{name}@{number}") for name, number in pinned]
    packages.append(("pyodide", pyodide, f"pkg:npm/pyodide@{pyodide}"))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {
            "type": "application", "name": "pysandbox", "version": version, "purl": f"pkg:pypi/pysandbox@{version}",
            "bom-ref": "pysandbox", "licenses": [{"license": {"id": "Apache-2.0"}}]}},
        "components": [
            {"type": "library", "name": name, "version": number, "purl": purl, "bom-ref": purl}
            for name, number, purl in packages
        ],
        "dependencies": [{"ref": "pysandbox", "dependsOn": [purl for *_, purl in packages]}],
    }  # fmt: skip


def make_npm_package(folder: Path, version: str) -> None:
    """For pages that are bundled: they name the sandbox origin themselves (``openSandbox({ origin })``)."""
    folder.mkdir(parents=True)
    for name in PAGE_CLIENT:
        shutil.copy(BUILT / name, folder / name)
    shutil.copy(ROOT / "LICENSE", folder / "LICENSE")
    (folder / "package.json").write_text(json.dumps({
        "name": "pysandbox",
        "version": version,
        "description": "Runs third-party Python plugins in a web page, sealed off from the page",
        "license": "Apache-2.0",
        "type": "module",
        "exports": {
            ".": {"types": "./pysandbox.d.ts", "default": "./pysandbox.js"},
            "./element": {"types": "./pysandbox-element.d.ts", "default": "./pysandbox-element.js"}},
        "types": "./pysandbox.d.ts",
        "files": [*PAGE_CLIENT],
        "sideEffects": ["./pysandbox-element.js"],
    }, indent=2) + "\n", "utf-8")  # fmt: skip


def verify(wheel: Path) -> None:
    """Raises SystemExit with what is wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        again = make_wheel(folder / "again")
        if again.read_bytes() != wheel.read_bytes():
            raise SystemExit("two wheels of one checkout differ")
        print("· made again: the same, byte for byte")
        house, home = folder / "wheels", folder / "home"
        run(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes",
            "--only-binary", ":all:", "--dest", str(house), "--requirement", str(LOCK))
        for left_out in (*house.glob("deno-*"), *house.glob("brotli-*")):  # what only builds need
            left_out.unlink()
        run(sys.executable, "-m", "venv", str(home))
        python = home / "bin" / "python"
        run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index",
            "--find-links", str(house), str(wheel))
        print(f"· installed from {len(list(house.iterdir()))} wheels, without an index")
        serves(home / "bin" / "pysandbox", folder)
        suite_passes(python, wheel, house, folder)


def suite_passes(python: Path, wheel: Path, house: Path, folder: Path) -> None:
    """What QA installs beside the wheel, and QA's own suite in a folder that knows nothing of this checkout."""
    pins = folder / "constraints.txt"
    found = [line.rstrip(" \\") for line in DEV_LOCK.read_text("utf-8").splitlines() if PINNED.match(line)]
    pins.write_text("\n".join(found) + "\n", "utf-8")  # without hashes, which constraints may not have
    testing = f"pysandbox[testing] @ {wheel.as_uri()}"
    run(str(python), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:",
        "--dest", str(house), "--find-links", str(house), "--constraint", str(pins), testing)
    run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--find-links",
        str(house), testing)
    for name in SUITE:
        shutil.copytree(ROOT / "examples" / name, folder / "suite" / name)
    browsers = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", str(Path.home() / ".cache" / "ms-playwright"))
    environment = {"PATH": os.defpath + ":/usr/local/bin", "HOME": str(folder), "PLAYWRIGHT_BROWSERS_PATH": browsers}
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=folder / "suite" / "qa", env=environment,
        capture_output=True, text=True, check=False, timeout=SUITE_S)
    if done.returncode:
        raise SystemExit(f"the sample suite fails against the installed wheel:\n{done.stdout}{done.stderr}")
    print(f"· the sample suite, elsewhere, against it: {done.stdout.strip().splitlines()[-1]}")


def serves(command: Path, folder: Path) -> None:
    """A gateway of the installed wheel comes up and gives the page client that was built."""
    api, sandbox = 8990, 8991
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYSANDBOX_DATA_DIR": str(folder / "state")}
    plugin = ROOT / "examples" / "risk_scoring"
    server = subprocess.Popen(
        [command, "serve", "--plugins", plugin, "--port", str(api), "--sandbox-port", str(sandbox)],
        cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wanted = (BUILT / "pysandbox.js").read_bytes()
        end = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < end and server.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{sandbox}/pysandbox.js", timeout=5) as answer:
                    if answer.read() != wanted:
                        raise SystemExit("what the installed wheel serves is not what was built")
                    print("· it serves: pysandbox.js is the one that was built")
                    return
            except OSError:
                time.sleep(0.2)
        raise SystemExit("the installed wheel does not serve")
    finally:
        server.terminate()
        server.wait(30)


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:5])} … failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
