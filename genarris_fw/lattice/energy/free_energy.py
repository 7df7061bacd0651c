"""The harmonic free energy of a crystal of rigid molecules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.lattice.energy.hessian import hessian_of

if TYPE_CHECKING:
    from genarris_fw.lattice.energy.model import Model

# CODATA 2018: N_A h c in kJ/mol per 1/cm, and the gas constant in kJ/mol/K.
KJ_PER_MOL_PER_CM = 0.0119626565820
GAS = 8.31446261815324e-3
MOST_MOLECULES = 256  # of the supercell; its second derivatives take (6 Z)^2 numbers


def free_energy(model: Model, structure: Structure, temperature: float, mesh: tuple[int, int, int]) -> float:
    """Return the lattice energy and the harmonic vibrations of the rigid molecules.

    F = E + 1/N sum over the frequencies of h nu / 2 + kT ln(1 - exp(-h nu / kT)), the frequencies being those of the
    supercell of the mesh: of all waves of a regular mesh through the zone's centre. The three translations of the whole
    are left out, so a coarse mesh leaves out more than a fine one.

    Parameters
    ----------
    model : Model
        The molecules and what is between them.
    structure : Structure
        A minimum.
    temperature : float
        K; 0: the zero-point energy alone.
    mesh : (int, int, int)
        Cells of the supercell along the axes.

    Returns
    -------
    float
        kJ/mol per molecule.

    Raises
    ------
    InputError
        Where a frequency is imaginary: the crystal is no minimum; for a negative temperature; for too large a mesh.
    """
    name = structure.struct_id or "the crystal"
    if not temperature >= 0:
        raise InputError(f"temperature = {temperature!r}: expected 0 or more (K)")
    if len(mesh) != 3 or any(not isinstance(n, (int, np.integer)) or n < 1 for n in mesh):
        raise InputError(f"mesh = {mesh!r}: expected three whole numbers above 0")
    crystal = model.rigid(structure)
    single = crystal.structure(model.kinds)
    Z, cells = len(crystal.kinds), int(np.prod(mesh))
    if Z * cells > MOST_MOLECULES:
        raise InputError(f"{name}: {Z * cells} molecules in a supercell of {mesh}; at most {MOST_MOLECULES}")
    assert single.lattice is not None
    shifts = np.array(np.meshgrid(*(range(n) for n in mesh), indexing="ij")).reshape(3, -1).T @ single.lattice
    positions = (single.positions + shifts[:, None]).reshape(-1, 3)
    larger = Structure(single.lattice * np.array(mesh)[:, None], single.species * cells, positions)
    frequencies = hessian_of(model, larger).frequencies()
    waves = np.delete(frequencies, np.argsort(np.abs(frequencies))[:3])
    if waves.min() < 0:
        raise InputError(f"{name}: a frequency is imaginary ({-waves.min():.1f}i 1/cm): it is no minimum on this mesh")
    quanta = waves * KJ_PER_MOL_PER_CM
    vibrations = quanta.sum() / 2
    if temperature > 0:
        thermal = GAS * temperature
        vibrations += thermal * np.log(-np.expm1(-quanta / thermal)).sum()
    return float(model.energy(structure).total + vibrations / (Z * cells))
