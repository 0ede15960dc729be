"""The documents as data: their code blocks, links, anchors and tables. The tests beside this file judge them.

A shell block says how it is tested by the words after ``sh``:

* ``sh``: run in a scratch folder that has the files of the same document, and must end with 0;
* ``sh browser``, ``sh runtime``: the same, where there is Chromium or a built browser bundle;
* ``sh serve``: a server; it must be up and then be stopped;
* ``sh gateway``: the document's of this kind make one session in one shell, servers in its background;
* ``sh attack``: likewise, of docs/attacking.md: a gateway, and an attack on it;
* ``sh function``: a function in the background, and its call;
* ``sh make``: each line is one of the Makefile's tasks.

A block right below a line that ends with "`folder/name`:" or names it first is that file of the scratch folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATED = ("docs/errors.md", "docs/flow-blocks.md", "docs/limits.md", "docs/settings.md")
NAMES = sorted(
    str(path.relative_to(ROOT))
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md")])

_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r'\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^()\s]+)(?:\s+"([^"]*)")?\)')
_FILE = re.compile(r"^`([\w./-]+\.\w+)`[^`]*:$")
_HEADING = re.compile(r"^#{1,6} +(.*?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: ``info`` stands behind the fence, ``line`` is the fence's, ``file`` the file that it is."""

    info: str
    text: str
    line: int
    file: str

    @property
    def language(self) -> str:
        return self.info.split(" ", 1)[0]


@dataclass(frozen=True, slots=True)
class Document:
    """``name`` is relative to the repository."""

    name: str
    text: str

    @property
    def blocks(self) -> list[Block]:
        found: list[Block] = []
        for match in _FENCE.finditer(self.text):
            before = self.text[: match.start()].rstrip().rpartition("\n")[2]
            named = _FILE.match(before) or _FILE.match(before.rpartition(". ")[2])
            line = self.text.count("\n", 0, match.start()) + 1
            found.append(Block(match[1], match[2], line, named[1] if named else ""))
        return found

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def links(self) -> list[tuple[str, str]]:
        """Targets and titles, pictures' too."""
        return [(match[1], match[2] or "") for match in _LINK.finditer(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """What GitHub makes of the headings."""
        return {slug(match[1]) for match in _HEADING.finditer(self.prose)}

    def rows(self, marker: str) -> list[list[str]]:
        """The cells of the table right below the comment ``marker``, its head left out."""
        table = self.text.partition(f"<!-- {marker} -->\n")[2].partition("\n\n")[0].splitlines()
        return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[2:]]


def slug(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@lru_cache
def document(name: str) -> Document:
    return Document(name, (ROOT / name).read_text("utf-8"))


def write_files(found: Document, folder: Path) -> None:
    """Write the files that a document's blocks are."""
    for block in found.blocks:
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
