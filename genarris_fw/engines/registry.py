"""Engines by name: what installed packages, this one among them, bring under ``genarris_fw.engines``."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import Any

from genarris_fw.declaring.door import ENGINES
from genarris_fw.engines.base import Engine
from genarris_fw.errors import InputError


def get(name: str, **settings: Any) -> Engine:
    """Return an engine.

    Parameters
    ----------
    name : str
        ``tblite``, ``sevennet``, ``so3lr``, ``gfnff``, ``ase``, ``aims``, ``lapw`` or one that another package brings.
    **settings
        The engine's settings; None means the default.

    Returns
    -------
    Engine

    Raises
    ------
    InputError
        For an unknown name or setting, naming the valid ones, and for a package that cannot be used here.
    EngineError
        Kind ``missing`` where the engine is known but cannot be used here.

    Examples
    --------
    >>> from genarris_fw import engines
    >>> from genarris_fw.crystal import read
    >>> engine = engines.get("ase", calculator="ase.calculators.lj:LennardJones")
    >>> engine.name
    'ase'
    """
    return _brought(name)(**settings)


def engine_class(name: str) -> type[Engine]:
    """Return the class that says what an engine can do and needs, without making an engine.

    Of an engine that a package brings as a mere function that makes it nothing is known: it is taken to be as
    `Engine` says, without settings.

    Raises
    ------
    InputError
        As of `get`.
    """
    found = _brought(name)
    return found if isinstance(found, type) and issubclass(found, Engine) else Engine


def title(name: str) -> str:
    """Return how an engine is called in tables and messages."""
    return engine_class(name).title or name


def working() -> dict[str, type[Engine]]:
    """Return name -> class of all engines whose packages can be loaded here."""
    found = {}
    for name in ENGINES.names():
        try:
            found[name] = engine_class(name)
        except InputError:  # told by whoever asks for it
            continue
    return found


def installed(names: Collection[str] | None = None) -> dict[str, tuple[bool, str]]:
    """Return what can be used here.

    Parameters
    ----------
    names : collection of str, optional
        Ask no others: an engine may start its program to see whether it is there.

    Returns
    -------
    dict
        Name -> (available, remark for the user: the version, or how to get it).
    """
    found: dict[str, tuple[bool, str]] = {}
    for name in ENGINES.names():
        if names is not None and name not in names:
            continue
        try:
            available, remark = engine_class(name).installed()
            found[name] = available, remark or f"brought by {ENGINES.package(name)}"
        except Exception as error:  # whatever another package's engine does when it is asked
            found[name] = False, str(error) if isinstance(error, InputError) else f"cannot be asked: {error!r}"
    return found


def _brought(name: str) -> Callable[..., Engine]:
    """Return what is registered under a name: a class, or a function that makes an engine."""
    known = ENGINES.names()
    if name in known:
        found: Callable[..., Engine] = ENGINES.load(name)
        called = getattr(found, "name", name)
        if called != name:  # energies are kept with the class's name
            raise InputError(f"engine '{name}': its class calls it '{called}'; its package must register it as that")
        return found
    near = difflib.get_close_matches(str(name), known, 1)
    usable = ", ".join(n for n, (available, _) in installed().items() if available) or "none"
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise InputError(f"unknown engine '{name}'; {hint}known: {', '.join(known)}; installed: {usable}")
