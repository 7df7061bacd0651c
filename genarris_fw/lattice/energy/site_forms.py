"""A model's molecule as it lies on the sites of a placement; many sites of many space groups hold it alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.generation.placement import Placement
from genarris_fw.lattice.energy.rigid import ASYMMETRIC, fit
from genarris_fw.lattice.sums.arguments import Terms, Told, told
from genarris_fw.lattice.sums.kinds import Kind

Floats = NDArray[np.float64]


class SiteForms:
    """What is known of a molecule that was laid on sites before.

    Parameters
    ----------
    kind : Kind
        The molecule.
    terms : Terms
        Its interactions.

    Notes
    -----
    How the molecule lies depends on the operations that keep it in place alone. The 271 sites that four urea molecules
    can take differ in 20 ways in that, so that what is made for one is kept for all others. What is equal but for
    rounding is not the same here: an item's result must not depend on what its process has done before.
    """

    def __init__(self, kind: Kind, terms: Terms) -> None:
        self.kind, self.terms = kind, terms
        self._known: dict[bytes, Told] = {}

    def of(self, placement: Placement) -> Told:
        """Return what the kernel of the lattice sums is told of a placement's molecules.

        Raises
        ------
        InputError
            Where the placement's molecule is not the model's, or the charges lack a site's symmetry.
        """
        if list(placement.molecule.species) != self.kind.species:
            raise InputError("the placement's molecule is not the model's (or its atoms come in another order)")
        stabilisers = [
            placement.crystal.turns[placement.crystal.stabiliser(position.point)] for position in placement.positions
        ]
        parts = [placement.coordinates, placement.starts, *stabilisers]
        key = b"|".join(np.ascontiguousarray(part).tobytes() for part in parts)
        if key not in self._known:
            forms = self._laid(placement, stabilisers)
            self._known[key] = told(self.terms, forms, [0] * len(forms))
        return self._known[key]

    def _laid(self, placement: Placement, stabilisers: Sequence[Floats]) -> list[Kind]:
        forms = []
        ends = zip(placement.starts[:-1], placement.starts[1:], stabilisers, strict=True)
        for start, end, stabiliser in ends:
            for atoms in placement.coordinates[start:end]:
                rotation, _, moved = fit(self.kind.atoms, atoms)
                form, changed = self.kind.turned(rotation).symmetrised(stabiliser)
                if changed == np.inf:
                    raise InputError(
                        f"the model's charges do not have the symmetry of site {placement.occupation.wyckoff} of group "
                        f"{placement.occupation.space_group}; fit charges that are symmetric as the molecule is"
                    )
                if max(moved, changed) > ASYMMETRIC:
                    raise InputError(
                        f"the model's molecule lies {max(moved, changed):.2f} Å off the placement's; use the molecule "
                        "that crystals are generated of (symmetrised where sites have symmetry)"
                    )
                forms.append(form)
        return forms
