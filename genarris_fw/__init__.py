"""Genarris as a database-backed task farm: molecular crystal structure prediction with FireWorks and MongoDB.

From Python::

    import genarris_fw

    with genarris_fw.open("runs/urea") as run:
        print(run.state, run.pools)
        structures = run.structures("clusters")
    genarris_fw.write(structures, "out", "cif")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genarris_fw.crystal import Molecule, Structure, read, write
    from genarris_fw.views.run import Run
    from genarris_fw.views.run import open_run as open

from genarris_fw.version import __version__

# Loaded when they are asked for: a command that prints a list shall not load numpy.
_FROM = {
    "Molecule": "genarris_fw.crystal",
    "Structure": "genarris_fw.crystal",
    "read": "genarris_fw.crystal",
    "write": "genarris_fw.crystal",
    "Run": "genarris_fw.views.run",
    "open": "genarris_fw.views.run:open_run",
}

__all__ = ["Molecule", "Run", "Structure", "__version__", "open", "read", "write"]


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module 'genarris_fw' has no attribute '{name}'")
    module, _, other = _FROM[name].partition(":")
    return getattr(importlib.import_module(module), other or name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
