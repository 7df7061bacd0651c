"""From sections as written to options by procedure and occurrence: names, synonyms, types, duplicates."""

from __future__ import annotations

import fnmatch
import os
import re
from dataclasses import dataclass, field
from typing import Any

from genarris_fw.errors import InputError
from genarris_fw.options.base import ProcedureOptions
from genarris_fw.options.master import MasterOptions
from genarris_fw.options.names import OTHER_SECTIONS, REPLACED, why_not
from genarris_fw.options.problems import Remarks, nearest, quoted
from genarris_fw.options.reading import Entry, Section
from genarris_fw.options.registered import OF_THE_RUN, in_order, models, named, why_unusable


@dataclass(frozen=True)
class Given:
    """One option that ui.conf gives: its value (None: the default is asked for), line, section, origin and text."""

    value: Any
    line: int
    section: str
    origin: str
    text: str = ""


@dataclass
class Layers:
    """The options of one procedure: of its own section, by suffix ``_n``, and of sections ``[name_n]``."""

    base: dict[str, Given] = field(default_factory=dict)
    suffixed: dict[int, dict[str, Given]] = field(default_factory=dict)
    numbered: dict[int, dict[str, Given]] = field(default_factory=dict)
    headers: dict[int, Section] = field(default_factory=dict)

    def all_of(self, option: str) -> list[tuple[str, Given]]:
        """Return (name, what is given) of all occurrences of an option, the last occurrence first."""
        later = {
            n: options[option]
            for n, options in sorted((self.suffixed | self.numbered).items(), reverse=True)
            if option in options
        }
        first = [(option, self.base[option])] if option in self.base else []
        return [(f"{option}_{n}", given) for n, given in later.items()] + first


@dataclass
class Sections:
    """All options of a file by procedure (in the manual's spelling)."""

    layers: dict[str, Layers] = field(default_factory=dict)
    invalid: set[str] = field(default_factory=set)  # options that have a value of the wrong type somewhere

    def of(self, procedure: str) -> Layers:
        """Return a procedure's options, empty ones if it has no section."""
        return self.layers.setdefault(procedure, Layers())

    def models(self) -> list[type[ProcedureOptions]]:
        """Return the models of the sections that are written, the master's first, then in the workflow's order."""
        written = {model for procedure, layers in self.layers.items() if layers.headers and (model := named(procedure))}
        master = [MasterOptions] if MasterOptions in written else []
        return [*master, *in_order(written - {MasterOptions})]

    def find(self, option: str, procedures: list[str]) -> Given | None:
        """Return what the first of the procedures' sections that gives an option says."""
        for procedure in procedures:
            given = self.of(procedure).base.get(option)
            if given and given.value is not None:
                return given
        return None

    def given(self, model: type[ProcedureOptions], occurrence: int) -> dict[str, Given]:
        """Return the options that hold for one occurrence of a procedure.

        The first has its section's options. A later one inherits them as `Option.again` says, then takes
        the options with its suffix, then those of its own section ``[name_n]``.
        """
        layers = self.of(model.procedure)
        if occurrence == 1:
            return dict(layers.base)
        found = {}
        for name, given in layers.base.items():
            value = again(model, name, given.value, occurrence)
            if model.again(name) == "keep":
                found[name] = given
            elif value is not None:
                found[name] = Given(
                    value,
                    given.line,
                    given.section,
                    f"inferred from [{given.section}] {name} (line {given.line})",
                )
        return found | layers.suffixed.get(occurrence, {}) | layers.numbered.get(occurrence, {})


def again(model: type[ProcedureOptions], name: str, value: Any, occurrence: int) -> Any:
    """Return what an option's value becomes for a later occurrence, None where it starts anew."""
    way = model.again(name)
    if way == "reset":
        return None
    if way == "keep" or not isinstance(value, str) or (model.path_role(name) and not model.is_path(name, value)):
        return value
    mark = f"_{occurrence}" if way == "suffix" else str(occurrence - 1)
    role = model.path_role(name)
    return marked(value, mark) if role and role.kind == "file" else value.rstrip("/") + mark


def marked(file: str, mark: str) -> str:
    """Return a file's path with a mark before its ending."""
    stem, extension = os.path.splitext(file)  # noqa: PTH122 - keeps the folder as it is written
    return stem + mark + extension


def match_section(name: str) -> tuple[type[ProcedureOptions], int] | None:
    """Return the model and the occurrence that a section's name stands for, None for an unknown one."""
    if model := named(name):
        return model, 1
    numbered = re.fullmatch(r"(.+)_([1-9]\d{0,3})", name)
    if numbered and int(numbered[2]) > 1 and (model := named(numbered[1])) and model not in OF_THE_RUN:
        return model, int(numbered[2])
    return None


def section_names() -> list[str]:
    """Return the names of all sections, as the manual writes them."""
    return [model.procedure if model is MasterOptions else model.procedure.lower() for model in models()]


def sort_sections(written: list[Section], remarks: Remarks) -> Sections:
    """Give every option its procedure, occurrence and typed value; what is odd is a problem or a notice."""
    sections = Sections()
    for section in written:
        match = match_section(section.name)
        if match is None:
            _unknown_section(section, remarks)
            continue
        model, occurrence = match
        layers = sections.of(model.procedure)
        if occurrence in layers.headers:
            first = layers.headers[occurrence]
            remarks.problem(
                section.line,
                f"this section was there before: [{first.name}] at line {first.line}",
                section.name,
            )
        else:
            layers.headers[occurrence] = section
        _sort_options(section, model, occurrence, sections, remarks)
    return sections


def _unknown_section(section: Section, remarks: Remarks) -> None:
    if broken := why_unusable(re.sub(r"_\d+$", "", section.name)):
        remarks.problem(section.line, broken, section.name)
        return
    reason = why_not(section.name) or next(
        (why for name, why in OTHER_SECTIONS.items() if name.lower() == section.name.lower()), ""
    )
    if reason:
        remarks.notice(section.line, f"this section has no effect: {reason}", section.name)
        return
    names = section_names()
    likely = nearest(section.name, [*names, *(s.lower() for model in models() for s in model.synonyms), *REPLACED])
    remarks.problem(section.line, f"unknown section; expected one of {', '.join(names)}{likely}", section.name)


def _sort_options(
    section: Section, model: type[ProcedureOptions], occurrence: int, sections: Sections, remarks: Remarks
) -> None:
    layers = sections.of(model.procedure)
    names = model.names()
    for entry in section.entries:
        lower, target = (
            entry.name.lower(),
            layers.base if occurrence == 1 else layers.numbered.setdefault(occurrence, {}),
        )
        suffix = re.fullmatch(r"(.+)_([2-9]|[1-9]\d{1,3})", lower)
        if lower not in names and suffix and suffix[1] in names and occurrence == 1 and model not in OF_THE_RUN:
            lower, target = suffix[1], layers.suffixed.setdefault(int(suffix[2]), {})
        if lower not in names:
            _odd_option(section, entry, model, remarks)
            continue
        name = names[lower]
        if name in target:
            before = target[name].line
            remarks.problem(entry.line, f"option {quoted(entry.name)} was given before at line {before}", section.name)
            continue
        value = _typed(section, entry, model, name, remarks)
        if value is None and entry.text != "None":
            sections.invalid.add(name)
        target[name] = Given(value, entry.line, section.name, f"ui.conf line {entry.line}", entry.text)


def _odd_option(section: Section, entry: Entry, model: type[ProcedureOptions], remarks: Remarks) -> None:
    lower = entry.name.lower()
    plain = re.sub(r"_[2-9]$", "", lower)
    for pattern, reason in model.no_effect.items():
        if fnmatch.fnmatchcase(lower, pattern) or fnmatch.fnmatchcase(plain, pattern):
            remarks.notice(entry.line, f"option {quoted(entry.name)} has no effect: {reason}", section.name)
            return
    names = [
        *model.declared(),
        *(alias for name in model.declared() for alias in model.info(name).aliases),
    ]
    likely = nearest(entry.name, names)
    if not likely:
        homes = [other.procedure.lower() for other in models() if lower in other.names()]
        likely = f" (it belongs to [{homes[0]}])" if homes else ""
    remarks.problem(
        entry.line,
        f"unknown option {quoted(entry.name)}; expected an option of {model.procedure}{likely}, "
        f"see genarris-fw options {model.procedure}",
        section.name,
    )


def _typed(section: Section, entry: Entry, model: type[ProcedureOptions], name: str, remarks: Remarks) -> Any:
    if entry.text == "None":
        return None
    try:
        return model.read(name, entry.text)
    except InputError as error:
        remarks.problem(entry.line, f"{entry.name} = {quoted(entry.text)}: {error}", section.name)
        return None
    except ValueError:
        said = model.expected(name)
        choices = re.findall(r"[\w.-]+", said) if " or " in said or "one of" in said else []
        likely = nearest(entry.text.strip("'\""), [word for word in choices if len(word) > 2])
        remarks.problem(entry.line, f"{entry.name} = {quoted(entry.text)}: expected {said}{likely}", section.name)
        return None
