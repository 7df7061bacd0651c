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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import _lru_cache_wrapper, cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any, TypeVar

from genarris_fw.errors import GenarrisError, InputError
from genarris_fw.showing import nearest

# The number of the interface for plug-in packages.
INTERFACE = 1
_STATED = "genarris_fw.interface"
_OURS = "genarris_fw"
T = TypeVar("T")

_remembered: list[Callable[[], None]] = []


def remembered(function: Callable[..., T]) -> _lru_cache_wrapper[T]:
    """Keep what a function has found of the installed packages, until `forget` is called."""
    kept = cache(function)
    _remembered.append(kept.cache_clear)
    return kept


def forget() -> None:
    """Look at what is installed anew: for whoever installs a package, or puts one on the path, while this runs."""
    for clear in _remembered:
        clear()


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
        return list(_names(self.group))

    def package(self, name: str) -> str:
        """Return the package that brings a name, '' for an unknown one."""
        return next((package(entry) for entry in self._entries().get(name, ())), "")

    def is_ours(self, name: str) -> bool:
        """Tell whether this package brings a name."""
        return self.package(name) == _OURS

    def version(self, name: str) -> str:
        """Return the package that brings a name, with its version, such as ``my_package 1.2``.

        Raises
        ------
        InputError
            As of `load`.
        """
        entry = self._only(name)
        return f"{package(entry)} {entry.dist.version if entry.dist else '(version unknown)'}"

    def short_forms(self) -> dict[str, str]:
        """Return short form -> name: of several names that a package gives to one object the longest is its name."""
        by_object: dict[tuple[str, str], list[str]] = {}
        for name, entries in self._entries().items():
            for entry in entries:
                by_object.setdefault((package(entry), entry.value), []).append(name)
        full = {name: max(names, key=len) for names in by_object.values() for name in names}
        return {name: longest for name, longest in full.items() if name != longest}

    def path(self, name: str) -> str:
        """Return ``module.Class`` of what a name stands for, without importing it."""
        entry = self._only(name)
        return f"{entry.module}.{entry.attr}"

    def check(self, name: str) -> None:
        """Look at all that can be wrong with a name without importing anything.

        Raises
        ------
        InputError
            For a name that nobody registers, that two packages register, or that was made for another interface.
        """
        self._only(name)

    def load(self, name: str) -> Any:
        """Return what is registered under a name.

        Raises
        ------
        InputError
            For a name that nobody registers, that two packages register, that was made for another interface, or whose
            package cannot be imported.
        """
        return _loaded(self, name)

    def load_as(self, name: str, *wanted: type[T]) -> T:
        """Return what is registered under a name, which must be an instance of one of some types.

        Raises
        ------
        InputError
            As of `load`, and where the package registers something else.
        """
        found = self.load(name)
        if not isinstance(found, wanted):
            expected = " or ".join(f"{kind.__module__}.{kind.__name__}" for kind in wanted)
            raise InputError(
                f"{self.kind} '{name}': package '{self.package(name)}' registers a {type(found).__name__}, where "
                f"{expected} is expected: mend or uninstall it"
            )
        return found

    def working(self) -> dict[str, Any]:
        """Return name -> what is registered, of all that can be loaded."""
        found = {}
        for name in self.names():
            try:
                found[name] = self.load(name)
            except InputError:
                continue
        return found

    @contextmanager
    def blaming(self, name: str, where: str = "") -> Iterator[None]:
        """Name the package where something that is not ours raises what it should not.

        Raises
        ------
        InputError
            After `where`, such as a path with a colon, in place of any error of a foreign package but `GenarrisError`, which
            speaks for itself.
        """
        try:
            yield
        except GenarrisError:
            raise
        except (Exception, SystemExit) as error:
            if self.is_ours(name):
                raise
            raise InputError(
                f"{where}{self.kind} '{name}' of package '{self.package(name)}' failed ({_words(error)})"
            ) from error

    def problems(self, *wanted: type) -> list[str]:
        """Return one line for each name that cannot be used here, or stands for an instance of no type wanted."""
        lines = []
        for name in self.names():
            try:
                self.load_as(name, *(wanted or (object,)))
            except InputError as error:
                lines.append(str(error))
        return lines

    def _entries(self) -> dict[str, list[EntryPoint]]:
        return _entries(self.group)

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


@remembered
def _names(group: str) -> tuple[str, ...]:
    found = _entries(group)
    return tuple(sorted(found, key=lambda name: (all(package(entry) != _OURS for entry in found[name]), name)))


@remembered
def _loaded(door: Door, name: str) -> Any:
    entry = door._only(name)
    try:
        return entry.load()
    except (Exception, SystemExit) as error:  # whatever a foreign package does when it is imported
        raise InputError(
            f"{door.kind} '{name}': package '{package(entry)}' cannot be loaded ({_words(error)}): mend or uninstall it"
        ) from error


def _words(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


@remembered
def _all() -> dict[str, list[EntryPoint]]:
    """Return the entry points of all our groups, from one look at what is installed (see `forget`)."""
    found: dict[str, list[EntryPoint]] = {}
    every = entry_points()
    for group in every.groups:
        if group.startswith(f"{_OURS}."):
            found[group] = list(every.select(group=group))
    return found


@remembered
def _entries(group: str) -> dict[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for entry in _all().get(group, ()):
        found.setdefault(entry.name, []).append(entry)
    return found


def package(entry: EntryPoint) -> str:
    """Return the name of the distribution that brings an entry point."""
    return _called(entry.dist) if entry.dist else entry.module.partition(".")[0]


@remembered
def _called(distribution: Distribution) -> str:
    # Once for each: its name is read from its whole metadata.
    return re.sub(r"[-.]+", "_", distribution.name)


def _interface_of(entry: EntryPoint) -> int | str:
    mine = next((stated.name for stated in _all().get(_STATED, ()) if package(stated) == package(entry)), "1")
    return int(mine) if mine.isdigit() else mine


PROCEDURES = Door("genarris_fw.procedures", "procedure")
OPTIONS = Door("genarris_fw.options", "options of procedure")
ENGINES = Door("genarris_fw.engines", "engine")
PICTURES = Door("genarris_fw.pictures", "picture")
FORMATS = Door("genarris_fw.formats", "format")  # those that a run may write by itself
EXPORTS = Door("genarris_fw.exports", "format")  # further ones, of the command export
READERS = Door("genarris_fw.readers", "format")  # those that are only read
POTENTIALS = Door("genarris_fw.potentials", "potential")
DOORS = (PROCEDURES, OPTIONS, ENGINES, PICTURES, FORMATS, EXPORTS, READERS, POTENTIALS)
