"""Links of the pages lead somewhere: to a file, to a heading, to a well-formed address; and every page is reached."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from documented.blocks import DOCS, PAGES, ROOT, name_of, without_code

from genarris_fw.options.pages import pages as option_pages

LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)|^:link: (\S+)$|<(https?://[^>]+)>", re.M)
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.M | re.S)
LINKING = sorted({*PAGES, *ROOT.glob("*.md")})


def links(page: Path) -> list[str]:
    """Where a page's links and pictures lead to."""
    return [next(filter(None, found)) for found in LINK.findall(without_code(page.read_text(encoding="utf-8")))]


@cache
def anchors(page: Path) -> set[str]:
    """What can stand behind the # of a link to a page: its headings, as GitHub and MyST call them."""
    if page.parent == DOCS / "options":
        text = option_pages()[page.stem]
    else:
        text = without_code(page.read_text(encoding="utf-8"), inline=False)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def is_there(page: Path, target: str) -> bool:
    """Tell whether a link of a page leads somewhere in the checkout."""
    path, _, anchor = target.partition("#")
    other = (page.parent / path).resolve() if path else page
    if not other.exists() and other.with_suffix(".md").is_file():
        other = other.with_suffix(".md")  # as cards name a page
    made = other.parent == DOCS / "options" and other.stem in option_pages()
    return (other.exists() or made) and (not anchor or anchor in anchors(other))


@pytest.mark.parametrize("page", LINKING, ids=name_of)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    ours = [link for link in links(page) if not urlsplit(link).scheme]
    assert [link for link in ours if not is_there(page, link)] == []


@pytest.mark.parametrize("page", LINKING, ids=name_of)
def test_links_to_other_servers_are_well_formed(page: Path) -> None:
    """That they are alive is told by ``make linkcheck``, where there is a network."""
    for link in links(page):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme in ("https", "http", "mailto"), link
            assert parts.scheme == "mailto" or re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?", parts.netloc), link


def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n\n[a](#one) [b](#two) [c](gone.md) [d](page.md#one)\n\n```\n[e](no-link.md)\n```\n")
    assert [link for link in links(page) if not is_there(page, link)] == ["#two", "gone.md"]
    assert is_there(DOCS / "index.md", "options/run_rdf_calc.md#cutoff")
    assert not is_there(DOCS / "index.md", "options/run_rdf_calc.md#cutof")


def below(page: str) -> set[str]:
    """The pages that a page's toctrees name, without those that are made when the documentation is built."""
    found = set()
    for lines in TOCTREE.findall((DOCS / f"{page}.md").read_text()):
        for name in re.findall(r"^(?:.+ <)?([\w./*-]+)>?$", lines, re.M):
            paths = sorted((DOCS / page).parent.glob(f"{name}.md"))
            assert paths or "*" in name, f"{page}: {name} is not there"
            found |= {path.resolve().relative_to(DOCS).with_suffix("").as_posix() for path in paths}
    return {name for name in found - {page} if not name.startswith(("options/", "notebooks/"))}


def test_every_page_is_in_the_index() -> None:
    reached: set[str] = set()
    to_look_at = {"index"}
    while to_look_at:
        reached |= to_look_at
        to_look_at = set().union(*map(below, to_look_at)) - reached
    assert reached == {page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES if DOCS in page.parents}
