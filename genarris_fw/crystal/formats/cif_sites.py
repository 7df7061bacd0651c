"""The sites of atoms in a data block of a crystallographic information file."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np

from genarris_fw.crystal.formats.cif_block import Block
from genarris_fw.crystal.formats.elements import (
    HEAVY_HYDROGEN,
    element_of_label,
    element_of_symbol,
    is_dummy,
)
from genarris_fw.crystal.formats.operations import Floats
from genarris_fw.crystal.formats.sites import Sites
from genarris_fw.crystal.reading import Reading
from genarris_fw.errors import InputError
from genarris_fw.showing import shown

_LABELS = ("_atom_site_label", "_atom_site_label_atom_id", "_atom_site_auth_atom_id", "_atom_site_id")
_TELLING = 3  # digits: 0.5 among longer numbers is one half, and not rounded


def has_sites(block: Block) -> bool:
    """Tell whether a data block has coordinates of atoms."""
    return block.has("_atom_site_fract_x") or block.has("_atom_site_cartn_x")


def sites_of(block: Block, lattice: Floats, known: dict[str, float] | None, reading: Reading) -> Sites:
    """Return the sites of a data block; what is no atom is left out and noted.

    Parameters
    ----------
    block : Block
        It has coordinates.
    lattice : (3, 3) ndarray
        Rows are the lattice vectors, Å, in the standard orientation.
    known : dict or None
        The formula, where there is one; it tells what a label means. Else the elements of the _atom_type_ loop do.
    reading : Reading
        Where to note what was left out.

    Returns
    -------
    Sites

    Raises
    ------
    InputError
        For what cannot be read; with the atom's label.
    """
    fractional = any(block.column("_atom_site_fract_x")) or not block.has("_atom_site_cartn_x")
    kind = "fract" if fractional else "cartn"
    texts = [block.column(f"_atom_site_{kind}_{axis}") for axis in "xyz"]
    n_sites = len(texts[0])
    if not n_sites or any(len(column) != n_sites for column in texts):
        raise InputError("the atoms lack a coordinate (_atom_site_fract_x, _y, _z)")
    symbols = _column(block, n_sites, "_atom_site_type_symbol")
    labels = _column(block, n_sites, *_LABELS) or [f"{symbol}{i}" for i, symbol in enumerate(symbols, start=1)]
    if not labels:
        raise InputError("the atoms have neither labels nor type symbols (_atom_site_label)")
    labels = [label or f"{symbols[i] if symbols else 'atom '}{i + 1}" for i, label in enumerate(labels)]
    _refuse_implied(block, labels)
    elements = known or _types(block)
    flags = _column(block, n_sites, "_atom_site_calc_flag")
    kept, species, no_atoms, unknown = [], [], 0, 0
    heavy: set[str] = set()
    for i, label in enumerate(labels):
        symbol = symbols[i] if symbols else ""
        if (flags and flags[i].lower() == "dum") or is_dummy(symbol or label):
            no_atoms += 1
            continue
        if not (texts[0][i] and texts[1][i] and texts[2][i]):
            unknown += 1
            continue
        element = _element(symbol, label, elements)
        if element in HEAVY_HYDROGEN:
            heavy.add(element)
            element = "H"
        kept.append(i)
        species.append(element)
    _note(reading, no_atoms, unknown, heavy)
    if not kept:
        raise InputError("no atoms with coordinates")
    places, units = _numbers(texts, kept, labels)
    if not fractional:
        places, units = _from_cartesian(block, places, units, lattice)
    return Sites(
        [labels[i] for i in kept],
        species,
        places,
        units,
        _occupancies(_column(block, n_sites, "_atom_site_occupancy"), kept, labels),
        _words(_column(block, n_sites, "_atom_site_disorder_assembly"), kept),
        _words(_column(block, n_sites, "_atom_site_disorder_group", "_atom_site_label_alt_id"), kept),
    )


def number(text: str) -> tuple[float, float]:
    """Read a number such as 1.234(5).

    Returns
    -------
    (float, float)
        Its value and one unit of its last digit, or as many as its uncertainty has; (nan, nan) for what is no number.
    """
    plain, _, rest = text.partition("(")
    try:
        value = float(plain)
        uncertain = float(rest.rstrip(") ") or 0) if rest else 0.0
        mantissa, _, power = plain.lower().partition("e")
        unit = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2])) * max(1.0, uncertain)
    except (ValueError, OverflowError):
        return math.nan, math.nan
    return (value, unit) if "_" not in text and math.isfinite(value) else (math.nan, math.nan)


def _types(block: Block) -> set[str]:
    """The elements that a file declares, without saying which atom is of which."""
    found = {element_of_symbol(symbol) for symbol in block.column("_atom_type_symbol")}
    return {"H" if name in HEAVY_HYDROGEN else name for name in found if name}


def _element(symbol: str, label: str, known: Collection[str]) -> str:
    element = element_of_symbol(symbol) if symbol else element_of_label(label, known)
    if element is None:
        what = f"its type symbol {shown(symbol)}" if symbol else "its label"
        raise InputError(f"atom {shown(label)}: {what} is no element; correct _atom_site_type_symbol")
    return element


def _numbers(texts: list[list[str]], kept: list[int], labels: list[str]) -> tuple[Floats, Floats]:
    """Coordinates and their last digits."""
    found = [[number(column[i]) for column in texts] for i in kept]
    places = np.array([[value for value, _ in row] for row in found])
    units = np.array([[unit for _, unit in row] for row in found])
    if not np.isfinite(places).all():
        row, axis = np.argwhere(~np.isfinite(places))[0]
        text = texts[axis][kept[row]]
        raise InputError(f"atom {shown(labels[kept[row]])}: {shown(text)} is no coordinate; expected a number")
    # The numbers of a site have as many digits as its longest; zeros at the end are often left out.
    finest = units.min(axis=1)
    few = finest > 1.5 * 10.0**-_TELLING
    finest[few] = finest.min()
    return places, np.repeat(finest[:, None], 3, axis=1)


def _from_cartesian(block: Block, places: Floats, units: Floats, lattice: Floats) -> tuple[Floats, Floats]:
    """Fractional coordinates of Cartesian ones: by the file's matrix, or a along x and b in the xy plane."""
    to_fractional, origin = np.linalg.inv(lattice).T, np.zeros(3)
    for stem, inverse in (("_atom_sites_fract_tran{}", False), ("_atom_sites_cartn_tran{}", True)):
        for end, brackets in (("_matrix_{}{}", "_vector_{}"), ("sf_matrix[{}][{}]", "sf_vector[{}]")):
            name = stem.format(end)
            entries = [block.value(name.format(i, j)) for i in (1, 2, 3) for j in (1, 2, 3)]
            if all(entries):
                matrix = np.array([number(entry)[0] for entry in entries]).reshape(3, 3)
                vector = np.array([number(block.value(stem.format(brackets).format(i)) or "0")[0] for i in (1, 2, 3)])
                if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-9:
                    raise InputError("the matrix of the Cartesian coordinates (_atom_sites_...) cannot be read")
                to_fractional = np.linalg.inv(matrix) if inverse else matrix
                origin = -to_fractional @ vector if inverse else vector
    lengths = np.linalg.norm(lattice, axis=1)
    return places @ to_fractional.T + origin, units / lengths


def _column(block: Block, n_sites: int, *tags: str) -> list[str]:
    """A column of the loop of atoms; nothing where there is none."""
    column = block.column(*tags)
    if column and len(column) != n_sites:
        raise InputError(f"{tags[0]} has {len(column)} values for {n_sites} atoms; they belong into one loop")
    return column


def _occupancies(column: list[str], kept: list[int], labels: list[str]) -> Floats:
    if not column:
        return np.ones(len(kept))
    found = np.array([number(column[i])[0] if column[i] else 1.0 for i in kept])
    for at in np.flatnonzero(~np.isfinite(found) | (found < 0)):
        text = column[kept[at]]
        raise InputError(
            f"atom {shown(labels[kept[at]])}: {shown(text)} is no occupancy; expected a number from 0 to 1"
        )
    return found


def _words(column: list[str], kept: list[int]) -> list[str]:
    return ["" if column[i] == "0" else column[i] for i in kept] if column else [""] * len(kept)


def _refuse_implied(block: Block, labels: list[str]) -> None:
    """Refuse hydrogens that a file counts without giving their coordinates."""
    counts = block.column("_atom_site_attached_hydrogens")
    having = [label for label, count in zip(labels, counts, strict=False) if number(count or "0")[0] > 0]
    if having:
        names = ", ".join(having[:4])
        raise InputError(
            f"hydrogens at {names} are counted without coordinates (_atom_site_attached_hydrogens): add them to the "
            "file, for example with Mercury or Avogadro"
        )


def _note(reading: Reading, no_atoms: int, unknown: int, heavy: set[str]) -> None:
    if no_atoms:
        reading.note(f"{no_atoms} site{'s' * (no_atoms > 1)} left out: no atoms (dummy atoms, centroids, ...)")
    if unknown:
        reading.note(f"{unknown} atom{'s' * (unknown > 1)} left out: without coordinates (?)")
    if heavy:
        reading.note(f"{' and '.join(sorted(heavy))} taken as H")
