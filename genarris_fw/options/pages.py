"""The reference of all options as Markdown, made from the models: a page for each section and each engine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from genarris_fw.declaring.option import Declared
from genarris_fw.options.base import ProcedureOptions, SharedOptions
from genarris_fw.options.engine_settings import EngineOptions
from genarris_fw.options.registered import OF_THE_RUN, models
from genarris_fw.options.tables import Row, purpose, row, rows

SHARED = "every_procedure"
_SHARED_PAGE = f"[the options of every procedure]({SHARED}.md)"


def pages() -> dict[str, str]:
    """Return the name of a page, without ending -> its text: sections in their order, what they share, engines."""
    return {
        **{page_name(model): section(model) for model in models()},
        SHARED: shared(),
        **{f"engine_{name}": engine(name) for name in _engines()},
    }


def page_name(model: type[ProcedureOptions]) -> str:
    """Return the name of a section's page: the section's own."""
    return model.procedure.lower()


def as_markdown(chosen: Sequence[type[ProcedureOptions]]) -> str:
    """Return the pages of some sections, one after the other; of all sections, all pages."""
    whole = set(chosen) >= set(models())
    return "\n".join(pages().values() if whole else [section(model) for model in chosen])


def section(model: type[ProcedureOptions]) -> str:
    """Return the page of a section: what it is for and its own options, each under a heading.

    What all procedures share, and the settings of engines, are on pages of their own, and only named here.
    """
    settings = set(model.settings()) if issubclass(model, EngineOptions) else set()
    same = {one.option for one in _shared_rows()} if model not in OF_THE_RUN else set()
    own = [one for one in rows(model) if one.option not in settings and not (one.option in same and _is_shared(one))]
    lines = [f"# {model.procedure}", "", _sentence(purpose(model)), "", f"Section: `[{_section_name(model)}]`."]
    if model.synonyms:
        lines += ["", f"Also called {_listed(model.synonyms)}."]
    lines += _definitions(model, own)
    if settings:
        named = ", ".join(f"[{name}](engine_{name}.md)" for name in _engines())
        lines += ["", "## Settings of the engine", "", f"They stand in the same section: those of {named}."]
    if same:
        lines += ["", "## Options of every procedure", "", f"{_listed(sorted(same))}: {_SHARED_PAGE}."]
    if model.no_effect:
        lines += ["", "## Known, without effect", ""]
        lines += [f"- `{name}`: {_escaped(why)}" for name, why in model.no_effect.items()]
    return "\n".join(lines) + "\n"


def shared() -> str:
    """Return the page of what every procedure's section takes."""
    lines = ["# Options of every procedure", "", "They can stand in the section of any procedure."]
    return "\n".join([*lines, *_definitions(SharedOptions, _shared_rows())]) + "\n"


def engine(name: str) -> str:
    """Return the page of an engine's settings."""
    from genarris_fw.engines import registry

    model = registry.engine_class(name).model
    lines = [
        f"# Settings of the engine {registry.title(name)}",
        "",
        f"They stand beside `engine = {name}`, in the section of a procedure or in `[Genarris_master]`.",
    ]
    return "\n".join([*lines, *_definitions(model, [row(model, option) for option in model.declared()])]) + "\n"


def _engines() -> list[str]:
    from genarris_fw.engines import registry

    return list(registry.working())


def _shared_rows() -> list[Row]:
    return [row(SharedOptions, name) for name in SharedOptions.declared()]


def _is_shared(one: Row) -> bool:
    return one in _shared_rows()


def _section_name(model: type[ProcedureOptions]) -> str:
    return model.procedure if model in OF_THE_RUN else model.procedure.lower()


def _definitions(model: type[Declared], listed: Iterable[Row]) -> list[str]:
    """Return a heading for each option, what it is for, and what it takes."""
    lines = []
    for one in listed:
        default, older = _default(model, one, one.default), _default(model, one, one.default_2_0)
        lines += ["", f"## {one.option}", "", f"{_sentence(one.description)}", ""]
        lines += [f"- Takes: {_escaped(one.expected)}"]
        lines += [f"- Default: {default}" + (f"; with `defaults = 2.0` {older}" if older != default else "")]
        if one.category == "inferred":
            lines += ["- Inferred: given once, in any section that has it, it holds for all"]
        if one.aliases:
            lines += [f"- Also called {_listed(one.aliases)}"]
    return lines


def _default(model: type[Declared], one: Row, text: str) -> str:
    if text == "required":
        return "none, it must be given"
    if text in ("None", ""):
        return "none"
    return _escaped(text) if model.info(one.option).default_words else f"`{text}`"


def _sentence(text: str) -> str:
    """Return a description as a sentence; a name at its beginning stays as it is."""
    first = text.split(" ", 1)[0]
    begun = text[:1].upper() + text[1:] if first.strip(",:;").isalpha() else text
    return _escaped(begun.rstrip(".")) + "."


def _escaped(text: str) -> str:
    """Return text of which nothing means anything in Markdown."""
    return re.sub(r"([*_<>\[\]`$])", r"\\\1", text)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
