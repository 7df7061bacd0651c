"""The table of the lowest structures, each with a small drawing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import Molecule
from genarris_fw.pictures.z_primes import z_prime_words
from genarris_fw.pools.documents import from_document
from genarris_fw.units import KJ_PER_MOL_PER_EV
from genarris_fw.views.report.content import Content
from genarris_fw.views.report.points import UNKNOWN, Array, symbol_of
from genarris_fw.views.report.tables import Cell, Head, Row, Table, number
from genarris_fw.views.report.thumbnails import drawing

TITLES = {"energy": "lowest energies", "density": "densest structures", "": "structures"}


def best_table(catalogue: Catalogue, found: Content, molecule: Molecule | None) -> Table:
    """Return the table of the structures that `content_of` has chosen; columns of which nothing is known are left out.

    Parameters
    ----------
    catalogue : Catalogue
        The database, for the geometries.
    found : Content
        With a pool.
    molecule : Molecule, optional
        What its crystals are made of, where that is known.
    """
    pool = found.pool
    assert pool is not None
    drawings = _drawings(catalogue, found, molecule)
    relative = pool.relative_energies()
    with np.errstate(invalid="ignore", divide="ignore"):
        volumes = np.where(pool.Z > 0, pool.property("cell_vol") / pool.Z, np.nan)
    energies = None if pool.energies is None else pool.energies * KJ_PER_MOL_PER_EV
    lattice = pool.property("lattice_energy")
    ranks, groups = pool.property("experiment_rank"), pool.property("spg")

    def numbers(values: Array | None, digits: int) -> Callable[[int], Cell]:
        return lambda row: number(None if values is None else float(values[row]), digits)

    def name_of(row: int) -> str:
        parent = pool.parents[row] if pool.parents else ""
        return pool.ids[row] + (f"\nfrom {parent}" if parent else "")

    columns: list[tuple[str, Callable[[int], Cell]]] = [
        ("", lambda row: Cell(svg=drawings.get(pool.ids[row], ""))),
        ("structure", lambda row: Cell(name_of(row), pool.ids[row], "name", star=bool(np.isfinite(ranks[row])))),
        ("relative, kJ/mol", numbers(relative, 2)),
        ("lattice energy, kJ/mol", numbers(lattice, 2)),
        ("energy, kJ/mol", numbers(None if np.isfinite(lattice).any() else energies, 2)),
        ("space group", lambda row: _group(float(groups[row]))),
        ("density, g/cm³", numbers(pool.property("density"), 4)),
        ("volume, Å³/molecule", numbers(volumes, 1)),
        ("Z", numbers(np.where(pool.Z > 0, pool.Z, np.nan), 0)),
        ("Z′", lambda row: _z_prime(float(found.Z_primes[row]))),
        ("cell, Å and °", lambda row: _lengths(pool.properties[row])),
        ("cluster", numbers(None if pool.labels is None else pool.labels.astype(float), 0)),
        ("hits", numbers(pool.property("hits"), 0)),
    ]
    made = [(name, [cell(row) for row in found.best]) for name, cell in columns]
    kept = [(name, cells) for name, cells in made if any(cell.words or cell.svg for cell in cells)]
    heads = [Head("#", True), *(Head(name, any(cell.kind == "number" for cell in cells)) for name, cells in kept)]
    rows = [
        Row([number(place + 1, 0), *(cells[place] for _, cells in kept)], f"best-{place + 1}")
        for place in range(len(found.best))
    ]
    return Table(TITLES[found.best_by], heads, rows, kind="best", sorts=True)


def _drawings(catalogue: Catalogue, found: Content, molecule: Molecule | None) -> dict[str, str]:
    assert found.pool is not None
    ids = [found.pool.ids[row] for row in found.best]
    fields = ["geometry", "properties.number_of_atoms_in_molecule"]
    documents = catalogue.structures.load(found.run, ids, fields)
    return {
        one["struct_id"]: drawing(from_document(one), f"the cell of {one['struct_id']}", molecule) for one in documents
    }


def _group(value: float) -> Cell:
    words = symbol_of(value)
    return Cell("" if words == UNKNOWN else words, value if np.isfinite(value) else "")


def _z_prime(value: float) -> Cell:
    return Cell(z_prime_words(value), value, "number") if np.isfinite(value) else number(None)


def _lengths(properties: dict[str, object]) -> Cell:
    lengths = [properties.get(name) for name in ("a", "b", "c")]
    angles = [properties.get(name) for name in ("alpha", "beta", "gamma")]
    if not all(isinstance(value, float | int) for value in lengths + angles):
        return Cell()
    words = " ".join(f"{value:.2f}" for value in lengths) + "\n" + " ".join(f"{value:.1f}" for value in angles)
    return Cell(words, kind="cell")
