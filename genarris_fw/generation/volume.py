"""Volume of a molecule in its crystal: van der Waals volume plus what its bonded fragments add or take away."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.bonds import bonds
from genarris_fw.crystal.radii import VDW
from genarris_fw.crystal.structure import Molecule
from genarris_fw.errors import InputError

# Å3 in the solid per Å3 of van der Waals volume, and Å3 per occurrence of a fragment (Genarris 2.0's linear model).
VDW_COEFFICIENT = 1.38732781
FRAGMENT_COEFFICIENTS: dict[str, float] = {
    "BrC": 2.23787589,
    "CCC": 1.84458424,
    "CCCC": 0.60461945,
    "CCCN": -0.11118681,
    "CCCS": 1.74777657,
    "CCCSe": -1.11906979,
    "CCCSi": 7.82082655,
    "CCCTe": -2.25206549,
    "CCNN": -2.52236071,
    "CNNN": -3.11453747,
    "CNNS": 1.83284527,
    "ClC": 2.68279888,
    "ClP": 1.68784377,
    "FC": 0.89258333,
    "HB": 1.03917423,
    "HC": 1.09273374,
    "HCCC": -0.22730391,
    "HCCNO": -3.14142807,
    "HCCS": 0.10956046,
    "HCNN": -2.87304195,
    "HHCC": 0.32195421,
    "HHCCN": -0.4613776,
    "HHCCP": 1.37890689,
    "HHCCS": -1.01933284,
    "HHCNN": -2.25539996,
    "HHCOO": -7.94330151,
    "HHHCC": 3.03098325,
    "HHHCN": 2.74767878,
    "HHHCS": 0.4967574,
    "HHHCSi": 4.38654368,
    "HHHNC": -5.11258648,
    "HHNC": -0.23272109,
    "HNCC": 2.78659772,
    "HNCN": -0.49803522,
    "HNCS": 5.54271523,
    "HCCOO": -0.02064372,
    "HO": -3.49700741,
    "HOC": 0.01984596,
    "HOCC": 2.7653278,
    "IC": -0.27383809,
    "ICCC": 5.16266751,
    "NC": 0.34512353,
    "NCC": 2.81809621,
    "NCCC": 1.5332678,
    "NCCN": 1.79623041,
    "NCN": 1.93557232,
    "NCO": 2.73880443,
    "NNN": 0.63538187,
    "NPP": 4.59332838,
    "OC": -3.19448159,
    "OCCO": 5.70153497,
    "OCP": 3.54043547,
    "OCSi": -0.41931587,
    "ON": -2.44819463,
    "ONCC": 0.5797792,
    "ONN": -1.55124899,
    "OOCC": -5.83779431,
    "OONC": 3.00057338,
    "OONN": -0.8123834,
    "SC": 1.09844288,
    "SCN": -4.88660802,
    "SCS": -1.63444334,
    "SP": 6.25311953,
}
# What fraction of a molecular crystal is filled by the molecules' van der Waals volume, as observed (0.67 to 0.77).
PACKING_COEFFICIENT = 0.70
GRID_SPACING = 0.02  # Å; the volume is then right to about 0.005 %


@dataclass(frozen=True)
class VolumeEstimate:
    """What the volume model says about a molecule.

    Attributes
    ----------
    volume : float
        Estimated volume of one molecule in the solid, Å3.
    vdw_volume : float
        Volume of the union of the atoms' van der Waals spheres, Å3.
    fragments : dict of str to int
        How often each fragment occurs.
    unknown_fragments : list of str
        Fragments without a coefficient (they add nothing), sorted.
    """

    volume: float
    vdw_volume: float
    fragments: dict[str, int]
    unknown_fragments: list[str]

    @property
    def packing_volume(self) -> float:
        """The model-free alternative, Å3: van der Waals volume over a packing coefficient of 0.70."""
        return self.vdw_volume / PACKING_COEFFICIENT


def van_der_waals_radii(species: list[str]) -> NDArray[np.float64]:
    """Return (n,) van der Waals radii in Å.

    Raises
    ------
    InputError
        For an element whose radius is unknown.
    """
    radii = [float(VDW.get(name, np.nan)) for name in species]
    missing = sorted({name for name, radius in zip(species, radii) if not np.isfinite(radius)})
    if missing:
        raise InputError(f"no van der Waals radius is known for {', '.join(missing)}; the molecule cannot be used")
    return np.array(radii)


def vdw_volume(molecule: Molecule) -> float:
    """Return the volume of the union of the atoms' van der Waals spheres, in Å3 (see `union_volume`)."""
    return union_volume(molecule.positions, van_der_waals_radii(molecule.species))


def union_volume(centres: NDArray[np.float64], radii: NDArray[np.float64], spacing: float = GRID_SPACING) -> float:
    """Return the volume of a union of spheres.

    The spheres are laid along their principal axes, so that the result does not depend on how they were turned. Columns
    along the longest axis are measured exactly (a union of intervals) and summed over a square grid of columns.

    Parameters
    ----------
    centres : (n, 3) array
        Å.
    radii : (n,) array
        Å.
    spacing : float
        Distance of the columns, Å.

    Returns
    -------
    float
        Å3.
    """
    centred = centres - centres.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred + np.diag([0.0, 1e-9, 2e-9]))
    points = centred @ axes
    low, high = (points[:, :2] - radii[:, None]).min(axis=0), (points[:, :2] + radii[:, None]).max(axis=0)
    rows, columns = (np.arange(a + 0.5 * spacing, b + spacing, spacing) for a, b in zip(low, high, strict=True))
    length = 0.0
    for x in rows:
        near = np.abs(points[:, 0] - x) < radii
        square = radii[near] ** 2 - (points[near, 0] - x) ** 2 - (columns[:, None] - points[near, 1]) ** 2
        half = np.sqrt(np.maximum(square, 0.0))
        start, stop = points[near, 2] - half, points[near, 2] + half
        order = np.argsort(start, axis=1)
        start, stop = np.take_along_axis(start, order, axis=1), np.take_along_axis(stop, order, axis=1)
        # What an interval adds lies beyond everything that the intervals before it have reached.
        reached = np.maximum.accumulate(stop, axis=1)
        before = np.concatenate([np.full((len(columns), 1), -np.inf), reached[:, :-1]], axis=1)
        length += float(np.maximum(stop - np.maximum(start, before), 0.0).sum())
    return length * spacing**2


def fragments(molecule: Molecule) -> dict[str, int]:
    """Count the fragments of a molecule: one per atom, written as element symbols.

    A terminal atom (one neighbour) is written before its partner (``HC``); any other atom stands between its terminal
    neighbours and its other neighbours, each in alphabetical order (``HCCC`` for an aromatic carbon).
    """
    neighbours: list[list[int]] = [[] for _ in molecule.species]
    for i, j in bonds(molecule.species, molecule.positions):
        neighbours[i].append(j)
        neighbours[j].append(i)
    names = molecule.species

    def fragment(atom: int) -> str:
        around = neighbours[atom]
        if len(around) == 1:
            return names[atom] + names[around[0]]
        terminal = sorted(names[k] for k in around if len(neighbours[k]) == 1)
        inner = sorted(names[k] for k in around if len(neighbours[k]) > 1)
        return "".join([*terminal, names[atom], *inner])

    return dict(sorted(Counter(fragment(atom) for atom in range(len(names))).items()))


def volume_estimate(molecule: Molecule) -> VolumeEstimate:
    """Estimate the volume of a molecule in its crystal, with all that went into it.

    V = 1.38732781 V_vdW + sum over fragments of (occurrences x coefficient), the linear model of Genarris 2.0.

    Raises
    ------
    InputError
        For a molecule without atoms or with an element of unknown radius.
    """
    if len(molecule) == 0:
        raise InputError("a molecule without atoms has no volume")
    found = fragments(molecule)
    spheres = vdw_volume(molecule)
    volume = VDW_COEFFICIENT * spheres + sum(
        count * FRAGMENT_COEFFICIENTS.get(name, 0.0) for name, count in found.items()
    )
    return VolumeEstimate(volume, spheres, found, [name for name in found if name not in FRAGMENT_COEFFICIENTS])


def estimate_volume(molecule: Molecule) -> float:
    """Return the estimated volume of one molecule in its crystal, in Å3 (see `volume_estimate`).

    Examples
    --------
    >>> from genarris_fw.crystal import read_molecule
    >>> from genarris_fw.generation import estimate_volume
    >>> round(estimate_volume(read_molecule("examples/urea/urea.in")), 1)
    71.0
    """
    return volume_estimate(molecule).volume
