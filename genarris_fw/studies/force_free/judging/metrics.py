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
        Where grids differ, or the reference vanishes at a node.
    """
    for other in (found, potential):
        if other is not None and other.grid != reference.grid:
            raise InputError(f"fields on different grids cannot be compared: {reference.grid} and {other.grid}")
    known, field = reference.at_nodes(), found.at_nodes()
    size, length = np.linalg.norm(known, axis=1), np.linalg.norm(field, axis=1)
    if not size.all():
        raise InputError("the reference vanishes at a node, where no relative error is: choose another grid")
    both = np.einsum("ij,ij->i", known, field)
    error = np.linalg.norm(field - known, axis=1)
    energy, reference_energy = float(np.sum(length**2)), float(np.sum(size**2))
    found_metrics = {
        "C_vec": float(both.sum()) / np.sqrt(energy * reference_energy),
        "C_CS": float(np.mean(both / (size * np.where(length > 0, length, 1)))),
        "E_n": 1 - float(error.sum() / size.sum()),
        "E_m": 1 - float(np.mean(error / size)),
        "energy": energy / reference_energy,
    }
    if potential is not None:
        found_metrics["energy_over_potential"] = energy / float(np.sum(potential.values**2))
    return {name: float(value) for name, value in found_metrics.items()}
