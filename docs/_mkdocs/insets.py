"""What is put into pages when the site is built: rows of generated tables, and drawings.

`<!-- gains: tornado -->` becomes the rows that the table of docs/hosts.md has for a host (several,
with a semicolon between them): figures stand in one place, where a command writes them. A figure
in a table is not torn from its unit. An SVG of docs/assets on a line of its own that asks for the
page's colours becomes part of the page, so that it gets them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.pages import Page

DOCS = Path(__file__).parents[1]
GAINS = re.compile(r"^<!-- gains: (.+) -->$", re.M)
TABLE = re.compile(r"<!-- hosts: begin -->\n(.*?\.)\n+(\|.*?)\n\n", re.S)
DRAWING = re.compile(r"^!\[([^\]]+)\]\(((?:\.\./)*assets/[\w-]+\.svg)\)$", re.M)
COLOUR = "var(--md-"
ROW = re.compile(r"^\|.*", re.M)
FIGURE = re.compile(r"(?<=\d) (?=(?:[nµm]s|[KM]iB|B)\b|→)|(?<=→) ")
INTRODUCTION = """\
Processor time of its process for one message, stock and with fastws, and how many times less that
is. {made}

"""


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put in what a page asks for."""
    markdown = GAINS.sub(lambda match: gains(match[1].split("; ")), markdown)
    markdown = ROW.sub(lambda match: FIGURE.sub("\N{NO-BREAK SPACE}", match[0]), markdown)
    here = (DOCS / page.file.src_uri).parent
    return DRAWING.sub(lambda match: drawing(match, here / match[2]), markdown)


def gains(names: list[str]) -> str:
    """Give the rows of these hosts as a table.

    Raises:
        PluginError: the table has no such row.
    """
    found = TABLE.search((DOCS / "hosts.md").read_text(encoding="utf-8"))
    if found is None:
        raise PluginError("docs/hosts.md has no table between its marks")
    made, table = found.groups()
    head, rule, *rows = table.splitlines()
    groups = dict(groups_of(rows))
    missing = [name for name in names if name not in groups]
    if missing:
        raise PluginError(f"the table of docs/hosts.md has no rows for {', '.join(missing)}")
    chosen = [row for name in names for row in groups[name]]
    return INTRODUCTION.format(made=made) + "\n".join([head, rule, *chosen]) + "\n"


def groups_of(rows: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Cut a table's rows where the first cell is not empty."""
    name, group = "", []
    for row in rows:
        first = row.split("|")[1].strip()
        if first and group:
            yield name, group
            group = []
        name = first or name
        group.append(row)
    if group:
        yield name, group


def drawing(match: re.Match[str], file: Path) -> str:
    """Give an SVG as a part of the page; one that has colours of its own stays a picture."""
    if not file.is_file() or COLOUR not in (svg := file.read_text(encoding="utf-8")):
        return match[0]
    svg = re.sub(r"<\?xml.*?\?>|<!--.*?-->|\n\s*(?=\n)", "", svg)
    start = f'<figure class="drawing" role="img" aria-label="{escape(match[1])}">'
    return f"{start}\n{svg.strip()}\n</figure>"
