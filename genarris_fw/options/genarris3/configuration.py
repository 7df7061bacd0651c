"""What a configuration of Genarris 3 says: its tasks in their order, and the options of each.

Genarris 3 (3.0 and 3.1) reads INI files with Python literals as values, JSON and YAML. Sections are ``master``,
``workflow`` with the list ``tasks``, and one for each task, each optimiser, energy method, clustering and selection. A
task that is listed twice has ``_1`` and ``_2`` behind its name, in sections too.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genarris_fw.errors import InputError
from genarris_fw.options.problems import Remarks
from genarris_fw.options.reading import Section, read_text
from genarris_fw.showing import shown

_OF_WORKFLOW = ("workflow",)
MOST_TASKS = 100


@dataclass
class Genarris3:
    """A configuration of Genarris 3.

    Attributes
    ----------
    sections : dict
        Name in lower case -> option in lower case -> value.
    tasks : list of str
        What ``[workflow] tasks`` lists.
    used : set of (str, str)
        The options that somebody has asked for.
    """

    sections: dict[str, dict[str, Any]]
    tasks: list[str]
    used: set[tuple[str, str]] = field(default_factory=set)

    def take(self, places: Iterable[str], *options: str) -> Any:
        """Return what the first of some sections gives for an option (by any of its names), None for nothing."""
        found = None
        for place in places:
            for option in options:
                values = self.sections.get(place, {})
                if option in values:
                    self.used.add((place, option))
                    found = values[option] if found is None else found
        return found

    def left(self) -> list[tuple[str, str, Any]]:
        """Return section, option and value of all that nobody has asked for."""
        return [
            (section, option, value)
            for section, values in self.sections.items()
            for option, value in values.items()
            if (section, option) not in self.used
        ]


def told_by_sections(sections: Iterable[Section]) -> bool:
    """Tell whether the sections of a ui.conf are those of Genarris 3: a workflow with tasks, and no list of ours."""
    by_name: dict[str, set[str]] = {}
    for section in sections:
        by_name.setdefault(section.name.lower(), set()).update(entry.name.lower() for entry in section.entries)
    ours = "genarris_master" in by_name or any("procedures" in options for options in by_name.values())
    return not ours and any("tasks" in by_name.get(name, ()) for name in _OF_WORKFLOW)


def is_genarris_3(text: str) -> bool:
    """Tell whether a text is a configuration of Genarris 3, in any of its three forms."""
    try:
        return bool(parse(text, "").tasks)
    except InputError:
        return False


def parse(text: str, where: str) -> Genarris3:
    """Read a configuration of Genarris 3.

    Parameters
    ----------
    text : str
        INI, JSON or YAML.
    where : str
        The file, for errors.

    Raises
    ------
    InputError
        For what is none.
    """
    sections = _of_ini(text) or _of_json(text) or _of_yaml(text)
    tasks = sections.get("workflow", {}).get("tasks")
    if isinstance(tasks, str):
        tasks = [tasks]
    if not isinstance(tasks, list) or not tasks or len(tasks) > MOST_TASKS:
        raise InputError(
            f"{where}: no configuration of Genarris 3; expected a section [workflow] with tasks = ['generation', ...]"
        )
    if not all(isinstance(task, str) for task in tasks):
        raise InputError(f"{where}: [workflow] tasks = {shown(tasks)} is not a list of names")
    return Genarris3(sections, [task.strip() for task in tasks])


def _of_ini(text: str) -> dict[str, dict[str, Any]]:
    sections = read_text(text, Remarks(""))
    if not told_by_sections(sections):
        return {}
    return {
        section.name.lower(): {entry.name.lower(): _value(entry.text) for entry in section.entries}
        for section in sections
    }


def _of_json(text: str) -> dict[str, dict[str, Any]]:
    if not text.lstrip().startswith("{"):
        return {}
    try:
        return _checked(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _of_yaml(text: str) -> dict[str, dict[str, Any]]:
    if not re.search(r"^workflow\s*:", text, re.MULTILINE | re.IGNORECASE):
        return {}
    from ruamel.yaml import YAML  # here, since it is needed for this alone
    from ruamel.yaml.error import YAMLError

    try:
        return _checked(YAML(typ="safe", pure=True).load(text))
    except (YAMLError, ValueError, RecursionError):
        return {}


def _checked(found: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(found, Mapping):
        return {}
    return {
        str(name).lower(): {str(option).lower(): value for option, value in options.items()}
        for name, options in found.items()
        if isinstance(options, Mapping)
    }


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
