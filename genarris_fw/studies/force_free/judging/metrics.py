"""How near a field comes to its reference: the metrics of Schrijver et al. 2006 (Solar Phys. 235, 161)."""

from __future__ import annotations

import numpy as np

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field


def metrics(reference: Field, found: Field, potential: Field | None = None) -> dict[str, float]:
    """Compare a field with its reference at all nodes; 1 is best for all but the last.

    Parameters
    ----------
    reference, found : Field
        Of one grid.
    potential : Field, optional
        The potential field, for the free energy.

    Returns
    -------
    dict
        ``C_vec``, the correlation of all vectors; ``C_CS``, the mean cosine between them (Cauchy and Schwarz);
        ``E_n`` and ``E_m``, 1 minus the normalised and the mean error of the vectors; ``energy``, that of the field
        found over the reference's; with `potential`, ``energy_over_potential``.

    Raises
    ------
    InputError
        Where grids differ, the reference vanishes at a node, or the potential field everywhere.
    """
    for other in (found, potential):
        if other is not None and other.grid != reference.grid:
            raise InputError(f"fields on different grids cannot be compared: {reference.grid} and {other.grid}")
    known, field = reference.at_nodes(), found.at_nodes()
    size, length = np.linalg.norm(known, axis=1), np.linalg.norm(field, axis=1)
    if not size.all():
        raise InputError("the reference vanishes at a node, where no relative error is: choose another grid")
    product = np.einsum("ij,ij->i", known, field)
    error = np.linalg.norm(field - known, axis=1)
    known_energy, energy = np.sum(size**2), np.sum(length**2)
    # A field that vanishes has no direction: its cosine is 0.
    figures = {
        "C_vec": product.sum() / np.sqrt(known_energy * (energy or 1)),
        "C_CS": np.mean(product / (size * np.where(length > 0, length, 1))),
        "E_n": 1 - error.sum() / size.sum(),
        "E_m": 1 - np.mean(error / size),
        "energy": energy / known_energy,
    }
    if potential is not None:
        if not potential.values.any():
            raise InputError("the potential field is nothing, so no energy can be compared with its: Bz is 0 below")
        figures["energy_over_potential"] = energy / np.sum(potential.values**2)
    return {name: float(figure) for name, figure in figures.items()}
