"""Makes the site of the docs in build/site/, as zensical.toml says, and fails where anything in it leads nowhere.

The pages are put together in build/docs/ in the repository's own layout, with whatever they link to, so that a link
that is good in the repository is good in the site.
"""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
STAGED = ROOT / "build" / "docs"
SITE = ROOT / "build" / "site"
PAGES = ("README.md", "CHANGELOG.md", "docs/*.md", "examples/*/README.md", "e2e/attacks/README.md")
_FENCE = re.compile(r"^(```\w+) .*$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^()\s#]+)")


def main() -> int:
    names = pages(ROOT)
    shutil.rmtree(STAGED, ignore_errors=True)
    shutil.rmtree(SITE, ignore_errors=True)
    for name in set(names).union(*(files_linked_by(ROOT, page) for page in names)):
        (STAGED / name).parent.mkdir(parents=True, exist_ok=True)
        stage(ROOT / name, STAGED / name)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "--config-file", "zensical.toml"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"}, check=False)
    faults = [f"zensical ended with {done.returncode}"] if done.returncode else site_faults(SITE)
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(f"· {SITE.relative_to(ROOT)}/index.html {len(names)} pages")
    return 1 if faults else 0


def stage(source: Path, target: Path) -> None:
    """Copies a file. What stands behind a fence's language is for the tests of the docs, and is left out."""
    if source.suffix == ".md":
        target.write_text(_FENCE.sub(r"\1", source.read_text("utf-8")), "utf-8")
    else:
        shutil.copyfile(source, target)


def pages(root: Path) -> list[str]:
    """The documents, by their names in the repository."""
    return sorted(str(path.relative_to(root)) for pattern in PAGES for path in root.glob(pattern))


def files_linked_by(root: Path, name: str) -> set[str]:
    """The files of the repository that a document links or shows."""
    targets = [unquote(link) for link in _LINK.findall((root / name).read_text("utf-8")) if "://" not in link]
    found = [(root / name).parent.joinpath(target).resolve() for target in targets]
    return {str(path.relative_to(root)) for path in found if path.is_file() and path.is_relative_to(root)}


class Links(HTMLParser):
    """What a page links, and what in it can be linked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key == "id" and value:
                self.ids.add(value)
            elif key in {"href", "src"} and value and tag != "base":
                self.targets.append(value)


def site_faults(site: Path) -> list[str]:
    """Each link within the site that leads to no file or to no place in its page, and each fence that is none."""
    read = {path: Links(path.read_text("utf-8")) for path in site.rglob("*.html") if path.name != "404.html"}
    faults: set[str] = set()
    for page, links in read.items():
        if "```" in page.read_text("utf-8"):
            faults.add(f"{page.relative_to(site)} has a fence that was not understood")
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            found = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            found = found / "index.html" if found.is_dir() else found
            place = unquote(parts.fragment)
            if not found.is_file() or (place and found in read and place not in {*read[found].ids, "__skip", "__top"}):
                faults.add(f"{page.relative_to(site)} links {target}")
    return sorted(faults)


if __name__ == "__main__":
    sys.exit(main())
