"""What a code host shows of itself and a site does not: documents of the root, and linked files.

The pages link to files of the repository, as one reads them there. In the site README.md is the
start page, the other documents of the root are pages too, and each other file that is linked to
becomes a page that shows it. Links lead to those; one that leads nowhere is left as it is, for
mkdocs to find.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCUMENTS = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
ORIGINS = {uri: name for name, uri in DOCUMENTS.items()}
FENCE = re.compile(r"^(?:```.*?^```|~~~.*?^~~~)", re.M | re.S)
# In Markdown, and of pictures in HTML, as a code host takes them for its light and dark colours.
LINK = re.compile(
    r"""(?<=\]\()(?![a-z]+:|\#)([^)\s\#]+)(\#[^)\s]*)?(?=\))
    |(?<=\ src=")(?![a-z]+:)([^"\s]+)(?=")|(?<=\ srcset=")(?![a-z]+:)([^"\s]+)(?=")""",
    re.X,
)
LANGUAGES = {
    ".conf": "nginx",
    ".go": "go",
    ".js": "javascript",
    ".md": "markdown",
    ".pxd": "cython",
    ".py": "python",
    ".pyx": "cython",
    ".sh": "bash",
    ".toml": "toml",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents of the root, and a page for each other file that is linked to."""
    for name, uri in DOCUMENTS.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, uri, content=text))
    shown: set[str] = set()
    for page in list(files.documentation_pages()):
        for match in LINK.finditer(without_code(page.content_string)):
            target = path_of(page.src_uri, link_in(match))
            if target is not None and uri_of(target).startswith("source/") and target not in shown:
                shown.add(target)
                text = page_for(target)
                files.append(
                    File.generated(
                        config, uri_of(target), content=text, inclusion=InclusionLevel.NOT_IN_NAV
                    )
                )
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Lead links to where the site has what they are about."""
    here = page.file.src_uri
    if page.parent is None:  # no others to go to beside it
        page.meta["hide"] = ["navigation"]
    if here.startswith("source/"):
        return markdown

    def lead(match: re.Match[str]) -> str:
        target = path_of(here, link_in(match))
        if target is None:
            return match[0]
        return posixpath.relpath(uri_of(target), posixpath.dirname(here)) + (match[2] or "")

    return "".join(part if code else LINK.sub(lead, part) for code, part in parts_of(markdown))


def link_in(match: re.Match[str]) -> str:
    """Give what a link leads to, without its anchor."""
    return match[1] or match[3] or match[4]


def parts_of(markdown: str) -> Iterator[tuple[bool, str]]:
    """Cut a page into what is a code block and what is not."""
    at = 0
    for match in FENCE.finditer(markdown):
        yield False, markdown[at : match.start()]
        yield True, match[0]
        at = match.end()
    yield False, markdown[at:]


def without_code(markdown: str) -> str:
    """Give a page without its code blocks."""
    return "".join(part for code, part in parts_of(markdown) if not code)


def path_of(here: str, link: str) -> str | None:
    """Give the path in the repository that a link on a page means, where there is such a file."""
    start = (ROOT / ORIGINS.get(here, f"docs/{here}")).parent
    target = Path(posixpath.normpath(start / link))
    if not target.exists() or not target.is_relative_to(ROOT):
        return None
    return target.relative_to(ROOT).as_posix()


def uri_of(path: str) -> str:
    """Give the place in the site of a file of the repository."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return DOCUMENTS.get(path, f"source/{path}.md")


def page_for(path: str) -> str:
    """Make the page that shows a file, or what is in a folder."""
    file = ROOT / path
    head = f"---\nsearch:\n  exclude: true\n---\n\n# {path}\n\n"
    if file.is_dir():
        names = sorted(f.name for f in file.iterdir() if f.is_file())
        return head + "In the source of fastws:\n\n" + "".join(f"- `{name}`\n" for name in names)
    language = LANGUAGES.get(file.suffix, "text")
    text = file.read_text(encoding="utf-8")
    return f"{head}````{language}\n{text}````\n"
