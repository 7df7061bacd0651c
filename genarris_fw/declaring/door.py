"""The open door: what installed packages, this one among them, bring under the entry-point groups of this package.

A package that was made for another interface than `INTERFACE` says so in a group of its own, such as::

    [options.entry_points]
    genarris_fw.interface =
        1 = my_package

Without that it is taken to be made for the first one. What is wrong with a package stops what needs it, and nothing
else: its name is refused with the reason, and `problems` tells it to those who ask.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from genarris_fw.errors import InputError
from genarris_fw.showing import nearest

INTERFACE = 1
_STATED = "genarris_fw.interface"
_OURS = "genarris_fw"


class Door:
    """One entry-point group.

    Parameters
    ----------
    group : str
        The group's name.
    kind : str
        What is registered there, in a word for messages.
    """

    def __init__(self, group: str, kind: str) -> None:
        self.group = group
        self.kind = kind

    def names(self) -> list[str]:
        """Return all registered names, ours first, each part in alphabetical order."""
        return list(_names(self))

    def package(self, name: str) -> str:
        """Return the package that brings a name, '' for an unknown one."""
        return next((package(entry) for entry in self._entries().get(name, ())), "")

    def path(self, name: str) -> str:
        """Return ``module.Class`` of what a name stands for, without importing it."""
        entry = self._only(name)
        return f"{entry.module}.{entry.attr}"

    def load(self, name: str) -> Any:
        """Return what is registered under a name.

        Raises
        ------
        InputError
            For a name that nobody registers, that two packages register, that was made for another interface, or whose
            package cannot be imported.
        """
        return _loaded(self, name)

    def working(self) -> dict[str, Any]:
        """Return name -> what is registered, of all that can be loaded."""
        found = {}
        for name in self.names():
            try:
                found[name] = self.load(name)
            except InputError:
                continue
        return found

    def problems(self) -> list[str]:
        """Return one line for each name that cannot be used here."""
        lines = []
        for name in self.names():
            try:
                self.load(name)
            except InputError as error:
                lines.append(str(error))
        return lines

    def _entries(self) -> dict[str, list[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = {}
        for entry in _all().get(self.group, ()):
            found.setdefault(entry.name, []).append(entry)
        return found

    def _only(self, name: str) -> EntryPoint:
        entries = self._entries().get(name, [])
        if not entries:
            known = ", ".join(self.names())
            raise InputError(f"unknown {self.kind} '{name}'{nearest(name, self.names())}; installed: {known}")
        if len(entries) > 1:
            packages = " and ".join(sorted(f"'{package(entry)}'" for entry in entries))
            raise InputError(f"{self.kind} '{name}' is brought by two packages, {packages}: uninstall one of them")
        [entry] = entries
        stated = _interface_of(entry)
        if stated != INTERFACE:
            raise InputError(
                f"{self.kind} '{name}': package '{package(entry)}' was made for interface {stated} of genarris_fw, and "
                f"this version has interface {INTERFACE}: install a version of '{package(entry)}' made for it"
            )
        return entry


@cache
def _names(door: Door) -> tuple[str, ...]:
    # Once: the name of a package is read from a file.
    found = door._entries()
    return tuple(sorted(found, key=lambda name: (all(package(entry) != _OURS for entry in found[name]), name)))


@cache
def _loaded(door: Door, name: str) -> Any:
    entry = door._only(name)
    try:
        return entry.load()
    except Exception as error:  # whatever a foreign package does when it is imported
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"{door.kind} '{name}': package '{package(entry)}' cannot be loaded ({what}): mend or uninstall it"
        ) from error


@cache
def _all() -> dict[str, list[EntryPoint]]:
    """Return the entry points of all our groups, from one look at what is installed."""
    found: dict[str, list[EntryPoint]] = {}
    every = entry_points()
    for group in every.groups:
        if group.startswith(f"{_OURS}."):
            found[group] = list(every.select(group=group))
    return found


def package(entry: EntryPoint) -> str:
    """Return the name of the distribution that brings an entry point."""
    return re.sub(r"[-.]+", "_", entry.dist.name) if entry.dist else entry.module.partition(".")[0]


def _interface_of(entry: EntryPoint) -> int | str:
    mine = next((stated.name for stated in _all().get(_STATED, ()) if package(stated) == package(entry)), "1")
    return int(mine) if mine.isdigit() else mine


PROCEDURES = Door("genarris_fw.procedures", "procedure")
OPTIONS = Door("genarris_fw.options", "options of procedure")
ENGINES = Door("genarris_fw.engines", "engine")
PICTURES = Door("genarris_fw.pictures", "picture")
FORMATS = Door("genarris_fw.formats", "format")
POTENTIALS = Door("genarris_fw.potentials", "potential")
DOORS = (PROCEDURES, OPTIONS, ENGINES, PICTURES, FORMATS, POTENTIALS)
