"""Which energies may be compared: those of one engine, one version of it, and the same settings. Stated here alone.

Selection, duplicates and exemplars refuse what is not comparable; the closing table and pictures take the largest group
that is; `Compare_Engines` sets two groups beside each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

# What an energy comes from: these fields of its record, or nothing where it was read from a file.
FIELDS = ("engine", "engine_version", "settings_hash")


class Source(NamedTuple):
    """Where an energy comes from."""

    engine: str
    engine_version: str = ""
    settings_hash: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        if not self.settings_hash:
            return self.engine
        return f"{self.engine} ({self.engine_version}, settings {self.settings_hash})"

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Source:
        """Return the source that the record of an energy names."""
        return cls(*(str(record.get(field)) for field in FIELDS))


# The source of energies that files state.
FROM_A_FILE = Source("a file")
USUAL_NAMES = ("energy",)


def energy_names(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names that the steps of a run give to energies, the last step's first, then the usual one."""
    named = [step["options"]["energy_name"] for step in reversed(steps) if step["options"].get("energy_name")]
    return list(dict.fromkeys([*named, *USUAL_NAMES]))


def source_of(document: Mapping[str, Any], name: str) -> Source | None:
    """Return where a structure's energy comes from; None where it has none.

    Parameters
    ----------
    document : mapping
        A document of ``structures``, with ``energies.<name>`` and ``properties.<name>``.
    name : str
        The energy's name.
    """
    record = (document.get("energies") or {}).get(name)
    if record:
        return Source.of(record)
    return FROM_A_FILE if (document.get("properties") or {}).get(name) is not None else None


def fields_of(name: str) -> list[str]:
    """Return the fields of a document that `source_of` and `per_molecule` look at."""
    return [*(f"energies.{name}.{field}" for field in ("per_molecule", *FIELDS)), f"properties.{name}", "Z"]


def per_molecule(document: Mapping[str, Any], name: str) -> float | None:
    """Return a structure's energy in eV per molecule, None where it has none.

    An engine's energy is kept with its number of molecules; one that was read from a file is of the cell.
    """
    energy = ((document.get("energies") or {}).get(name) or {}).get("per_molecule")
    of_cell, Z = (document.get("properties") or {}).get(name), document.get("Z")
    if energy is None and of_cell is not None and Z:
        energy = of_cell / Z
    return None if energy is None else float(energy)


def comparable_energies(documents: Iterable[Mapping[str, Any]], name: str) -> list[float | None] | None:
    """Return energies that may be compared, of several sources those of the largest group.

    Parameters
    ----------
    documents : iterable of mapping
        Documents of ``structures`` with the `fields_of` the energy.
    name : str
        The energy's name.

    Returns
    -------
    list of float or None, or None
        eV per molecule, None for a structure that has none or one that is not to be compared; None where all have none.
    """
    found = [(source_of(document, name), per_molecule(document, name)) for document in documents]
    groups = comparable_groups(Counter(source for source, energy in found if energy is not None))
    return [energy if source == groups[0][0] else None for source, energy in found] if groups else None


def comparable_groups(counts: Mapping[Source, int] | Mapping[Source | None, int]) -> list[tuple[Source, int]]:
    """Return the groups within which energies may be compared, the largest first.

    Parameters
    ----------
    counts : mapping
        Source -> how many structures have an energy from it; None: they have none.

    Returns
    -------
    list of (Source, int)
        Energies of two groups are never compared; of two of one size the first by name comes first.
    """
    known = [(source, number) for source, number in counts.items() if source is not None and number]
    return sorted(known, key=lambda group: (-group[1], group[0]))
