"""Engines by name. Another package adds its own through the entry-point group ``genarris_fw.engines``."""

from __future__ import annotations

import difflib
import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from genarris_fw.engines.base import Engine
from genarris_fw.errors import InputError

# Name -> (module, class); the module also has installed() -> (available, remark). Loaded only when asked for.
BUILT_IN = {
    "tblite": ("genarris_fw.engines.tblite.engine", "TBLiteEngine"),
    "ase": ("genarris_fw.engines.ase.engine", "ASEEngine"),
    "aims": ("genarris_fw.engines.aims", "AimsEngine"),
    "lapw": ("genarris_fw.engines.lapw", "LAPWEngine"),
}
GROUP = "genarris_fw.engines"


def _brought() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in BUILT_IN}


def get(name: str, **settings: Any) -> Engine:
    """Return an engine.

    Parameters
    ----------
    name : str
        ``tblite``, ``ase``, ``aims``, ``lapw`` or one that another package brings.
    **settings
        The engine's settings; None means the default.

    Returns
    -------
    Engine

    Raises
    ------
    InputError
        For an unknown name or setting, naming the valid ones.
    EngineError
        Kind ``missing`` where the engine is known but cannot be used here.
    """
    if name in BUILT_IN:
        module, cls = BUILT_IN[name]
        engine: Engine = getattr(importlib.import_module(module), cls)(**settings)
        return engine
    brought = _brought()
    if name in brought:
        made: Engine = brought[name].load()(**settings)
        return made
    known = [*BUILT_IN, *brought]
    near = difflib.get_close_matches(str(name), known, 1)
    usable = ", ".join(n for n, (available, _) in installed().items() if available) or "none"
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise InputError(f"unknown engine '{name}'; {hint}known: {', '.join(known)}; installed: {usable}")


def installed() -> dict[str, tuple[bool, str]]:
    """Return what can be used here.

    Returns
    -------
    dict
        Name -> (available, remark for the user: the version, or how to get it).
    """
    found: dict[str, tuple[bool, str]] = {}
    for name, (module, _) in BUILT_IN.items():
        try:
            found[name] = importlib.import_module(module).installed()
        except ImportError as error:
            found[name] = (False, f"cannot be loaded: {error}")
    for name, point in _brought().items():
        found[name] = (True, f"brought by {point.dist.name if point.dist else point.value}")
    return found
