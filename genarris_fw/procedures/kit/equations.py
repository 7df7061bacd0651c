"""Equations of state: as the catalogue keeps them, which of them have a reference, tables and pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genarris_fw.crystal import Structure
from genarris_fw.energetics.elemental_solids import reference_of
from genarris_fw.energetics.equation_of_state import EquationOfState
from genarris_fw.errors import InputError
from genarris_fw.procedures.kit.tables import write_table

# Pictures of so many structures; beyond, the tables have to do.
MOST_PICTURES = 200
MEV = 1000.0
COLUMNS = (
    *("struct_id", "formula", "atoms", "points", "V0 (A3/cell)", "V0 (A3/atom)", "B0 (GPa)", "B1", "E0 (eV/cell)"),
    *("residual (meV/atom)", "Delta to WIEN2k (meV/atom)", "remark"),
)
POINT_COLUMNS = ("struct_id", "volume (A3/cell)", "energy (eV/cell)", "distance from the curve (meV/atom)")
WIEN2K = "WIEN2k PBE (Delta project)"


def curve_of(record: Mapping[str, Any]) -> EquationOfState:
    """Return the curve (of the cell) that a structure's property holds."""
    return EquationOfState(*(float(record[field]) for field in ("V0", "E0", "B0", "B1", "residual")))


def wien2k_reference(structure: Structure, functional: str | None) -> tuple[EquationOfState | None, str]:
    """Return WIEN2k's curve (per atom) for a structure, or None and the reason.

    Parameters
    ----------
    structure : Structure
        A crystal.
    functional : str or None
        That of the calculation, where it is known: the reference is one of PBE.
    """
    try:
        reference = reference_of(structure)
    except InputError as error:
        return None, str(error)
    if functional not in (None, "PBE"):
        return None, f"the WIEN2k reference is one of PBE, not {functional}"
    return reference, ""


def label_of(record: Mapping[str, Any]) -> str:
    """Return what a curve is called: its method, and the program that computed it."""
    return f"{record.get('method') or record['engine']}, {record['engine_version']}"


def file_name(struct_id: str) -> str:
    """Return a struct_id as part of a file's name."""
    return re.sub(r"[^\w.+-]", "_", struct_id)


def formula(structure: Structure) -> str:
    """Return the formula of a cell."""
    return str(structure.to_ase().get_chemical_formula())


def write_equations(
    folder: Path,
    structures: Mapping[str, Structure],
    found: Mapping[str, Mapping[str, Any]],
    left_out: Mapping[str, str],
) -> None:
    """Write equations_of_state.csv, points.csv, and a picture of each curve (up to 200).

    Parameters
    ----------
    folder : Path
        Where.
    structures : mapping
        By struct_id.
    found : mapping
        Equations of state as they are kept, by struct_id.
    left_out : mapping
        Why the others have none.
    """
    rows: list[tuple[Any, ...]] = []
    points: list[tuple[Any, ...]] = []
    for name in sorted({*found, *left_out}):
        head = (name, formula(structures[name]), len(structures[name]))
        if name in found:
            rows.append(head + _numbers(found[name]))
            points += _points(name, found[name])
        else:
            rows.append((*head, *[""] * (len(COLUMNS) - 4), left_out[name]))
    write_table(folder / "equations_of_state.csv", COLUMNS, rows)
    write_table(folder / "points.csv", POINT_COLUMNS, points)
    _draw(folder, structures, dict(list(found.items())[:MOST_PICTURES]))


def _numbers(record: Mapping[str, Any]) -> tuple[Any, ...]:
    curve, atoms = curve_of(record), record["atoms"]
    delta = record.get("delta_wien2k")
    return (
        len(record["volumes"]),
        *(f"{curve.V0:.4f}", f"{curve.V0 / atoms:.4f}", f"{curve.B0:.3f}", f"{curve.B1:.3f}", f"{curve.E0:.6f}"),
        f"{MEV * curve.residual / atoms:.4f}",
        "" if delta is None else f"{delta:.3f}",
        "; ".join(record[field] for field in ("remark", "no_reference") if field in record),
    )


def _points(name: str, record: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    curve = curve_of(record)
    return [
        (
            name,
            f"{volume:.6f}",
            f"{energy:.8f}",
            f"{MEV * (energy - float(curve.energy(volume))) / record['atoms']:.4f}",
        )
        for volume, energy in zip(record["volumes"], record["energies"])
    ]


def _draw(folder: Path, structures: Mapping[str, Structure], found: Mapping[str, Mapping[str, Any]]) -> None:
    # Only where pictures are made: matplotlib is slow to load.
    from genarris_fw.pictures.equation_of_state import Curve, equation_of_state
    from genarris_fw.pictures.saving import save

    for name, record in found.items():
        drawn = {label_of(record): Curve(curve_of(record), record["atoms"], record["volumes"], record["energies"])}
        title = f"{name} ({formula(structures[name])})"
        if "delta_wien2k" in record:
            drawn[WIEN2K] = Curve(reference_of(structures[name]))
            title += f": Delta {record['delta_wien2k']:.2f} meV per atom"
        save(equation_of_state(drawn, title), folder / f"eos_{file_name(name)}")
