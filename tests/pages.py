"""The pages of the documentation, the code blocks on them, and the docstrings of the package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import fastws

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
# A copy of the checkout need not have more of the root than README.md.
IS_WHOLE = (ROOT / "CHANGELOG.md").exists()
DOCUMENTS = [
    page
    for page in (README, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md")
    if page.exists()
]
PAGES = [*DOCUMENTS, *sorted(DOCS.rglob("*.md"))]

FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


class Block(NamedTuple):
    """A fenced code block.

    Attributes:
        page: where it stands.
        number: which of the page's it is, of all languages.
        language: what it says that it is.
        text: what is in it.
    """

    page: Path
    number: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.stem}-{self.number}"


def blocks_of(page: Path) -> list[Block]:
    """Give the code blocks of a page."""
    found = FENCED.findall(page.read_text(encoding="utf-8"))
    return [Block(page, at, language, text) for at, (language, text) in enumerate(found)]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def blocks_in(language: str) -> list[Block]:
    """Give all code blocks in a language."""
    return [block for block in BLOCKS if block.language == language]


def block_with(page: Path, text: str) -> str:
    """Give the one block of a page that has this text."""
    (block,) = [block for block in BLOCKS if block.page == page and text in block.text]
    return block.text


def prose_of(page: Path) -> str:
    """Give a page without its code blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def spans_of(page: Path) -> list[str]:
    """Give what stands in single backticks on a page."""
    return [span.replace("\\|", "|") for span in SPAN.findall(prose_of(page))]


def docstring_blocks() -> Iterator[tuple[str, str]]:
    """Give the indented code blocks in docstrings of fastws: (module.name, text) of each."""
    package = Path(fastws.__file__).parent
    for file in sorted(package.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        module = ".".join(file.relative_to(package.parent).with_suffix("").parts)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                continue
            name = f"{module}.{node.name}" if hasattr(node, "name") else module
            for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
                lines = paragraph.splitlines()
                if all(line.startswith("    ") for line in lines) and lines:
                    yield name, "\n".join(line[4:] for line in lines)
