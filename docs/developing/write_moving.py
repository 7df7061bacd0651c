"""Write the tables of docs/moving-from-genarris-2.md and -3.md from the models and from what the converter knows.

    python docs/developing/write_moving.py

replaces what stands between marks; tests/documentation/test_moving.py says when that is old.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from genarris_fw.options.base import ProcedureOptions, SharedOptions
from genarris_fw.options.genarris3.documented import SYNONYMS, TRANSLATED, WITHOUT
from genarris_fw.options.names import REPLACED
from genarris_fw.options.registered import models
from genarris_fw.options.tables import rows

DOCS = Path(__file__).parents[1]
PAGES = tuple(DOCS / f"moving-from-genarris-{version}.md" for version in (2, 3))
MADE = "<!-- made by docs/developing/write_moving.py: {} -->"
END = "<!-- the end of what is made -->"


def table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    named = list(head)
    cells = [named, ["---"] * len(named), *([cell.replace("|", "\\|") for cell in line] for line in lines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _of_its_own(model: type[ProcedureOptions]) -> Iterator:
    shared = set(SharedOptions.declared()) if model.procedure != "Genarris_master" else set()
    return (row for row in rows(model) if row.option not in shared)


def other_names() -> str:
    """Return the options and procedures that have more than one name."""
    lines = [
        (model.procedure, "the procedure itself", ", ".join(f"`{name}`" for name in model.synonyms))
        for model in models()
        if model.synonyms
    ]
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for model in models():
        for row in _of_its_own(model):
            if row.aliases:
                found.setdefault((row.option, row.aliases), []).append(model.procedure)
    lines += [
        (", ".join(procedures), f"`{option}`", ", ".join(f"`{name}`" for name in aliases))
        for (option, aliases), procedures in found.items()
    ]
    return table(("procedure", "name here", "also taken"), lines)


def two_defaults() -> str:
    """Return the options whose defaults differ between the manual and the last code of Genarris 2."""
    lines = [
        (model.procedure, f"`{row.option}`", row.default, row.default_2_0)
        for model in models()
        for row in _of_its_own(model)
        if row.default != row.default_2_0
    ]
    return table(("procedure", "option", "`defaults = manual`", "`defaults = 2.0`"), lines)


def without_effect() -> str:
    """Return the options that are known, and do nothing."""
    lines = [
        (model.procedure, f"`{option}`", why) for model in models() for option, why in sorted(model.no_effect.items())
    ]
    return table(("procedure", "option", "why it does nothing"), lines)


def of_genarris_1() -> str:
    """Return the procedures of Genarris 1.0, and what to use instead."""
    instead: dict[str, list[str]] = {}
    for name, words in REPLACED.items():
        instead.setdefault(words, []).append(f"`{name}`")
    return table(("procedures", "instead"), [(", ".join(names), words) for words, names in instead.items()])


def of_genarris_3() -> str:
    """Return every option that Genarris 3 documents, and what becomes of it."""
    also: dict[str, str] = {option: name for name, option in SYNONYMS.items()}
    lines = []
    for section in [*TRANSLATED, *(name for name in WITHOUT if name not in TRANSLATED)]:
        for option, becomes in TRANSLATED.get(section, {}).items():
            name = f"`{option}`" + (f", `{also[option]}`" if option in also and "generation" in section else "")
            lines.append((f"`{section}`", name, becomes))
        lines += [(f"`{section}`", f"`{name}`", f"*none:* {why}") for name, why in WITHOUT.get(section, {}).items()]
    return table(("section", "option", "here"), lines)


TABLES = {
    "other names": other_names,
    "two sets of defaults": two_defaults,
    "without effect": without_effect,
    "procedures of Genarris 1": of_genarris_1,
    "options of Genarris 3": of_genarris_3,
}


def filled(text: str) -> str:
    """Return a page with its tables made anew."""
    for name, make in TABLES.items():
        begin = MADE.format(name)
        text = re.sub(
            f"{re.escape(begin)}.*?{re.escape(END)}",
            lambda _, begin=begin, make=make: f"{begin}\n\n{make()}\n\n{END}",
            text,
            flags=re.DOTALL,
        )
    return text


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text()))
