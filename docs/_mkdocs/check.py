"""See that a built site stands on its own: it loads nothing from elsewhere, its links lead on.

    python docs/_mkdocs/check.py build/site

mkdocs has looked at the links of the pages' own text; this looks at what came out, with whatever
theme and plugins have put in. Links to other sites are for readers to follow, and are not tried.
"""

from __future__ import annotations

import argparse
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What makes a browser load something, beside links to follow.
LOADS = {("img", "src"), ("link", "href"), ("script", "src"), ("source", "src"), ("iframe", "src")}
FOLLOWS = {("a", "href")}
URL_IN_CSS = re.compile(r"""(?:url\(|@import )["']?(?!data:|#)([^"')]+)""")
NAMES = {"canonical", "next", "prev"}  # of `rel`: says where, loads nothing


class Page(HTMLParser):
    """One HTML page: its anchors, what it loads and where it leads."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors = {""}
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element's anchor and links."""
        given = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := given.get(key))}
        for key, value in attrs:
            if value and (tag, key) in LOADS and given.get("rel") not in NAMES:
                self.loads.append(value)
            elif value and (tag, key) in FOLLOWS:
                self.leads.append(value)


def faults(site: Path) -> list[str]:
    """Say what is wrong with a site, each with the file where it is."""
    pages = {file: Page(file) for file in sorted(site.rglob("*.html"))}
    found = []
    for file, page in pages.items():
        name = file.relative_to(site)
        found += [f"{name} loads {url}" for url in page.loads if is_elsewhere(url)]
        here = [url for url in page.loads + page.leads if not is_elsewhere(url)]
        if file != site / "404.html":  # which stands in for pages of any depth
            lost = [url for url in here if not leads_somewhere(url, file, pages)]
            found += [f"{name} leads to {url}" for url in lost]
    for file in sorted(site.rglob("*.css")):
        loaded = URL_IN_CSS.findall(file.read_text(encoding="utf-8"))
        found += [f"{file.relative_to(site)} loads {url}" for url in loaded if is_elsewhere(url)]
    return found if pages else [f"{site} has no pages"]


def is_elsewhere(url: str) -> bool:
    return bool(urlsplit(url).scheme or urlsplit(url).netloc)


def leads_somewhere(url: str, file: Path, pages: dict[Path, Page]) -> bool:
    """Tell whether a link of a page leads to a file, and to an anchor that is there."""
    parts = urlsplit(url)
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if target.is_dir():
        target /= "index.html"
    if target not in pages:
        return target.is_file()
    return unquote(parts.fragment) in pages[target].anchors


def main() -> int:
    """Print what is wrong; that decides about the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path, help="the folder that mkdocs has made")
    found = faults(parser.parse_args().site.resolve())
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
