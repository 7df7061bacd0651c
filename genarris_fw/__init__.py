"""Genarris as a database-backed task farm: molecular crystal structure prediction with FireWorks and MongoDB.

From Python (docs/python.md)::

    import genarris_fw as gfw

    with gfw.open("urea") as run:
        frame = run.pool("minima").to_dataframe()
        for structure in run.pool("minima"):
            print(structure.struct_id, structure.density)

The science needs no database: `crystal`, `generation`, `lattice`, `descriptors`, `clustering`, `comparing`, `pictures`,
`engines` and `energetics` are attributes, each loaded when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genarris_fw.crystal import Molecule, Structure, read, read_molecule, write
    from genarris_fw.crystal.conversions import from_ase, from_pymatgen, to_ase, to_pymatgen
    from genarris_fw.views.python.opening import KnownRun, runs
    from genarris_fw.views.python.opening import open_run as open
    from genarris_fw.views.python.pool import Pool
    from genarris_fw.views.python.run import Run

from genarris_fw.version import __version__

# Loaded when they are asked for: a command that prints a list shall not load numpy.
_FROM = {
    **dict.fromkeys(("Molecule", "Structure", "read", "read_molecule", "write"), "crystal"),
    **dict.fromkeys(("from_ase", "from_pymatgen", "to_ase", "to_pymatgen"), "crystal.conversions"),
    **dict.fromkeys(("KnownRun", "runs"), "views.python.opening"),
    "Pool": "views.python.pool",
    "Run": "views.python.run",
    "open": "views.python.opening:open_run",
}
_ROOMS = (
    *("clustering", "comparing", "crystal", "descriptors", "energetics", "engines", "errors", "generation"),
    *("lattice", "pictures"),
)

__all__ = [
    "KnownRun",
    "Molecule",
    "Pool",
    "Run",
    "Structure",
    "__version__",
    "from_ase",
    "from_pymatgen",
    "open",
    "read",
    "read_molecule",
    "runs",
    "to_ase",
    "to_pymatgen",
    "write",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"genarris_fw.{name}")
    if name not in _FROM:
        raise AttributeError(f"module 'genarris_fw' has no attribute '{name}'")
    module, _, other = _FROM[name].partition(":")
    return getattr(importlib.import_module(f"genarris_fw.{module}"), other or name)


def __dir__() -> list[str]:
    own = {name for name in globals() if name.startswith("__")}  # no Any or importlib among what a notebook completes
    return sorted({*own, *__all__, *_ROOMS})
