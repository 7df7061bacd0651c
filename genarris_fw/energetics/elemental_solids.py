"""Which crystals have an all-electron reference: the elemental solids of the Delta project."""

from __future__ import annotations

from collections import Counter

from ase.collections import dcdft

from genarris_fw.crystal.structure import Structure
from genarris_fw.crystal.symmetry import symmetry_dataset
from genarris_fw.energetics.equation_of_state import EquationOfState, wien2k
from genarris_fw.errors import InputError

# Å; the same for both, so that they are described alike.
SYMPREC = 1e-2

Phase = tuple[int, tuple[tuple[str, float], ...]]


def reference_of(structure: Structure) -> EquationOfState:
    """Return WIEN2k's equation of state (PBE, per atom) of an elemental solid.

    Parameters
    ----------
    structure : Structure
        A crystal of one element in the phase that the Delta project computed, in any cell and at any volume.

    Raises
    ------
    InputError
        Where there is no reference for this crystal, with the reason: a compound, a molecule, an element that the
        project has not, another phase, or one that was computed magnetic.
    """
    name = structure.struct_id or "the structure"
    elements = sorted(set(structure.species))
    if structure.lattice is None or len(elements) != 1:
        raise InputError(f"{name} is no elemental solid: no WIEN2k reference")
    element = elements[0]
    curve = wien2k(element)
    atoms = dcdft[element]
    if atoms.get_initial_magnetic_moments().any():
        raise InputError(f"the WIEN2k reference of {element} is magnetic: {name} is not compared with it")
    theirs, ours = phase(Structure.from_ase(atoms)), phase(structure)
    if ours != theirs:
        raise InputError(
            f"{name} is not the phase of {element} of the WIEN2k reference: space group {ours[0]}, not {theirs[0]}, or "
            "other sites"
        )
    return curve


def phase(structure: Structure) -> Phase:
    """Return what tells phases of an element apart: space group, and site symmetries of the primitive cell's atoms."""
    dataset = symmetry_dataset(structure, SYMPREC)
    if dataset is None:
        return 0, ()
    primitive = len(set(dataset.mapping_to_primitive))
    share = primitive / len(structure)
    sites = Counter(str(symbol) for symbol in dataset.site_symmetry_symbols)
    return int(dataset.number), tuple((symbol, round(n * share, 3)) for symbol, n in sorted(sites.items()))
