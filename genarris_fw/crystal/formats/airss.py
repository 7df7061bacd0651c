"""The title of AIRSS' res files: name, pressure, volume, enthalpy, spin, number of atoms, group, how often found.

``TITL <name> <pressure> <volume> <enthalpy> <spin> <absolute spin> <atoms> (<group>) n - <copies>``, in GPa, Å3, eV
and Bohr magnetons, as ``cabal`` and ``cryan`` of AIRSS (C. J. Pickard) write and read it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_REAL = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
_TITLE = re.compile(
    rf"(?P<name>\S+)\s+{_REAL}\s+{_REAL}\s+{_REAL}\s+{_REAL}\s+{_REAL}\s+(?P<atoms>\d+)\s+\((?P<group>[^)]*)\)"
    r"(?:\s+n\s*-\s*(?P<copies>\d+))?",
    flags=re.ASCII,
)


class Title(NamedTuple):
    """What a title says; the properties are pressure, energy (the enthalpy), spin, absolute_spin, group, copies."""

    name: str
    volume: float
    n_atoms: int
    properties: dict[str, Any]


def parse_title(text: str) -> Title | None:
    """Read what follows TITL; None for the title of another program."""
    match = _TITLE.match(text.strip())
    if match is None:
        return None
    pressure, volume, energy, spin, absolute = (float(match[k]) for k in range(2, 7))
    properties: dict[str, Any] = {"energy": energy} if energy else {}  # 0 stands for none
    properties["pressure"] = pressure
    if spin or absolute:
        properties |= {"spin": spin, "absolute_spin": absolute}
    properties["group"] = match["group"].strip()
    if match["copies"] and int(match["copies"]) != 1:
        properties["copies"] = int(match["copies"])
    return Title(match["name"], volume, int(match["atoms"]), properties)


def format_title(name: str, volume: float, n_atoms: int, group: str, properties: Mapping[str, Any]) -> str:
    """Return what follows TITL; a number that is not known is 0, as AIRSS writes it."""
    numbers = [properties.get("pressure"), volume, properties.get("energy")]
    numbers += [properties.get("spin"), properties.get("absolute_spin")]
    words = [repr(float(number)) if isinstance(number, int | float) else "0.0" for number in numbers]
    copies = properties.get("copies")
    return f"{name} {' '.join(words)} {n_atoms} ({group or 'n/a'}) n - {copies if isinstance(copies, int) else 1}"
