"""One measured crystal against the crystals of a pool."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import chain, islice
from typing import Any

import numpy as np

from genarris_fw.clustering.matching import PreparedCrystal, prepare
from genarris_fw.comparing.cluster_match import ClusterMatch, Tolerances, match_clusters
from genarris_fw.comparing.experiment import Experiment, Form, common_form, of_crystal
from genarris_fw.comparing.powder import pattern, similarity
from genarris_fw.comparing.variable_cell import variable_cell_similarity
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.threads import default_threads

NEAREST = 5  # structures that are looked at more closely
FEW_ORDERS = 2  # ways to lay a molecule upon itself
TRIED = 20  # of the first structures, for the form in which the pool is compared
BATCH = 256  # structures that are in memory at a time


@dataclass(frozen=True)
class Compared:
    """One structure of a pool, compared with the experiment.

    Attributes
    ----------
    struct_id : str
    index : int
        Among the structures that were given.
    matched, of : int
        How many molecules of the cluster have a counterpart, of how many.
    rmsd : float or None
        RMSD_n of these, Å.
    mirrored : bool
        Whether it is the mirror image that lies on the experiment.
    density : float
        g/cm3.
    rank_density : int or None
        1 for the densest; None where that is not known.
    above_lowest : float or None
        Energy above the lowest of the pool, kJ/mol per molecule; None where it has none.
    rank : int or None
        By energy, 1 for the lowest.
    powder, powder_variable_cell : float or None
        Similarities of the powder patterns, 0 to 1: as they are, and with the cell deformed to that of the experiment.
        None where there is no pattern.
    """

    struct_id: str
    index: int
    matched: int
    of: int
    rmsd: float | None
    mirrored: bool
    density: float
    rank_density: int | None = None
    above_lowest: float | None = None
    rank: int | None = None
    powder: float | None = None
    powder_variable_cell: float | None = None

    @property
    def is_experiment(self) -> bool:
        """Whether all molecules of the cluster have a counterpart."""
        return self.matched == self.of


@dataclass(frozen=True)
class PoolComparison:
    """What a measured crystal is in a pool.

    Attributes
    ----------
    experiment : str
        What it is called.
    molecules : int
        Of the clusters.
    structures : int
        How many were given.
    found : Compared or None
        The structure that is the experiment: of those whose molecules all match, the one of the lowest RMSD.
    nearest : tuple of Compared
        The closest, the closest first; `found` is the first of them.
    matching : int
        How many structures match with all molecules.
    energies : int
        How many structures have an energy.
    remarks : tuple of str
        Disorder, missing hydrogens, independent molecules, structures that could not be compared; one line each.
    best : Structure or None
        The first of `nearest` itself.
    """

    experiment: str
    molecules: int
    structures: int
    found: Compared | None
    nearest: tuple[Compared, ...]
    matching: int
    energies: int
    remarks: tuple[str, ...]
    best: Structure | None = field(default=None, repr=False, compare=False)

    @property
    def words(self) -> str:
        """Return in a line where the experiment is in the pool; where it is not, how near the nearest comes."""
        if self.found is None:
            one = self.nearest[0]
            return f"not among them (the nearest has {one.matched} of {one.of} molecules in place)"
        return _place(self.found)

    def summary(self) -> dict[str, Any]:
        """Return what a step's summary says of it (``experiment``, see docs/catalogue.md).

        Returns
        -------
        dict
            ``words``, ``found``, ``molecules`` (matched in the nearest) and ``of``, ``structures``, ``matching``,
            ``remarks``; ``nearest``: of the nearest structures ``struct_id``, ``molecules``, ``rmsd`` (Å), ``rank``,
            ``above_lowest`` (kJ/mol per molecule), ``rank_density``, ``powder``, ``powder_variable_cell``; None for
            what is not known. Where the experiment was found, these of it, with its struct_id as ``structure``.
        """
        nearest = [_told(one) for one in self.nearest]
        about: dict[str, Any] = {
            "words": self.words,
            "found": self.found is not None,
            "molecules": self.nearest[0].matched,
            "of": self.molecules,
            "structures": self.structures,
            "matching": self.matching,
            "remarks": list(self.remarks),
            "nearest": nearest,
        }
        if self.found is not None:
            own = _told(self.found)
            about |= {"structure": own.pop("struct_id")} | own
        return about

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the structure as plain values, for json."""
        kept = {name.name: getattr(self, name.name) for name in fields(self) if name.name != "best"}
        return kept | {
            "found": None if self.found is None else asdict(self.found),
            "nearest": [asdict(one) for one in self.nearest],
            "remarks": list(self.remarks),
        }


def _told(one: Compared) -> dict[str, Any]:
    """What a summary says of one structure."""
    return {
        "struct_id": one.struct_id,
        "molecules": one.matched,
        "rmsd": one.rmsd,
        "rank": one.rank,
        "above_lowest": one.above_lowest,
        "rank_density": one.rank_density,
        "powder": one.powder,
        "powder_variable_cell": one.powder_variable_cell,
    }


def _place(one: Compared) -> str:
    """Where a structure is in its pool, and how well it agrees, in words."""
    agreement = f"RMSD_{one.matched} {one.rmsd:.2f} Å"
    if one.rank is not None:
        return f"rank {one.rank}, {one.above_lowest:.2f} kJ/mol above the lowest, {agreement}"
    return agreement if one.rank_density is None else f"rank {one.rank_density} by density, {agreement}"


@dataclass(frozen=True)
class _Seen:
    """A structure once it is compared: what is kept of it."""

    index: int
    struct_id: str
    density: float
    matched: int
    rmsd: float
    mirrored: bool
    comparable: bool

    @property
    def order(self) -> tuple[int, float, int]:
        return -self.matched, self.rmsd if self.matched else math.inf, self.index


def compare_pool(
    structures: Iterable[Structure],
    experiment: Experiment | Structure,
    molecules: int = 15,
    energies: Sequence[float | None] | None = None,
    nearest: int = NEAREST,
    tolerances: Tolerances | None = None,
    threads: int | None = None,
    pool: str = "the pool",
    watch: Callable[[int], object] | None = None,
) -> PoolComparison:
    """Compare the crystals of a pool with the measured one.

    Parameters
    ----------
    structures : iterable of Structure
        Crystals of one compound; not all of them are held in memory.
    experiment : Experiment or Structure
        See `genarris_fw.comparing.experiment.read_experiment`.
    molecules : int, optional
        Of the clusters.
    energies : sequence of float or None, optional
        Of each structure, kJ/mol per molecule, all comparable; None or NaN where there is none.
    nearest : int, optional
        How many of the closest structures are told.
    tolerances : Tolerances, optional
        Its `molecules` give way to those above.
    threads : int, optional
        As many as there are cores by default.
    pool : str, optional
        What errors call it.
    watch : callable, optional
        Told now and then how many structures are compared.

    Returns
    -------
    PoolComparison

    Raises
    ------
    InputError
        For no structures, an experiment of another compound, energies of another number, or a crystal that cannot be
        taken apart into molecules.

    Examples
    --------
    >>> from genarris_fw.crystal import read
    >>> from genarris_fw.comparing import compare_pool
    >>> [urea] = read("examples/urea/urea.cif")
    >>> found = compare_pool([urea], urea)
    >>> found.words, found.found.matched
    ('rank 1 by density, RMSD_15 0.00 Å', 15)
    """
    chosen = replace(tolerances or Tolerances(), molecules=molecules)
    measured = of_crystal(experiment)
    ordered = iter(structures)
    first = list(islice(ordered, TRIED))
    form = _form(measured, first, pool)
    target = prepare(form.experiment, chosen.matching, form.molecule)
    seen: list[_Seen] = []
    kept: list[tuple[_Seen, Structure]] = []
    with ThreadPoolExecutor(threads or default_threads()) as workers:
        for batch in _batches(enumerate(chain(first, ordered))):
            now = list(workers.map(lambda pair: _compared(pair[0], pair[1], form, target, chosen), batch))
            seen += now
            near = [*kept, *zip(now, (structure for _, structure in batch), strict=True)]
            if watch is not None:
                watch(len(seen))
            kept = sorted(near, key=lambda pair: pair[0].order)[: max(1, nearest)]
    rows = _ranked(seen, energies)
    closest = tuple(_with_powder(_row(one, rows, chosen.molecules), structure, form) for one, structure in kept)
    found = closest[0] if closest[0].is_experiment else None
    strange = sum(not one.comparable for one in seen)
    remarks = [*form.remarks]
    if strange:
        remarks.append(f"{strange} of {len(seen)} structures are of other molecules, or bonded otherwise: not compared")
    return PoolComparison(
        measured.name,
        chosen.molecules,
        len(seen),
        found,
        closest[:nearest],
        sum(one.matched == chosen.molecules for one in seen),
        rows.energies,
        tuple(remarks),
        kept[0][1],
    )


def _form(measured: Experiment, first: Sequence[Structure], pool: str) -> Form:
    """The form for the crystals of a pool: one with all atoms, where the first of them have one.

    An engine may have torn some of them, or moved their hydrogens.
    """
    if not first:
        raise InputError(f"{pool} has no structures to compare {measured.name} with")
    if all(structure.lattice is None for structure in first):
        raise InputError(f"{pool} holds molecules, not crystals: there is nothing to compare {measured.name} with")
    forms: list[Form] = []
    refused: list[InputError] = []
    for structure in first:
        try:
            forms.append(common_form(measured, structure, pool))
        except InputError as error:
            refused.append(error)
            continue
        if not forms[-1].heavy:
            return forms[-1]
    if not forms:
        raise refused[0]
    return forms[0]


def _batches(pairs: Iterator[tuple[int, Structure]]) -> Iterator[list[tuple[int, Structure]]]:
    while batch := list(islice(pairs, BATCH)):
        yield batch


def _compared(index: int, structure: Structure, form: Form, target: PreparedCrystal, chosen: Tolerances) -> _Seen:
    """Compare one structure."""
    name = structure.struct_id or f"structure {index + 1}"
    density = math.nan if structure.lattice is None else structure.density
    nothing = _Seen(index, name, density, 0, math.inf, False, False)
    # Molecules that can be laid upon themselves in many ways are laid upon as few others as will do.
    symmetric = int(target.orders[2].max()) > FEW_ORDERS
    try:
        ready: PreparedCrystal = prepare(form.of(structure), chosen.matching, form.molecule, symmetric)
    except InputError:  # bonds without end, in a structure that an engine has torn: the others are compared
        return nothing
    if ready.kinds != target.kinds:
        return nothing
    found: ClusterMatch = match_clusters(target, ready, chosen)
    return replace(nothing, matched=found.matched, rmsd=found.rmsd, mirrored=found.mirrored, comparable=True)


def _with_powder(row: Compared, structure: Structure, form: Form) -> Compared:
    """The row with the similarities of the powder patterns."""
    there, here = form.experiment, form.of(structure)
    try:
        return replace(
            row,
            powder=similarity(pattern(there), pattern(here)),
            powder_variable_cell=variable_cell_similarity(there, here),
        )
    except InputError:  # an element without scattering factors
        return row


@dataclass(frozen=True)
class _Ranks:
    density: list[int]
    energy: list[int | None]
    above: list[float | None]
    energies: int


def _ranked(seen: Sequence[_Seen], energies: Sequence[float | None] | None) -> _Ranks:
    """Ranks by density and energy of all structures; equal ones have one rank."""
    n = len(seen)
    if energies is not None and len(energies) != n:
        raise InputError(f"there are {n} structures and {len(energies)} energies; give one each, or None")
    values = np.array([math.nan if value is None else value for value in energies or [None] * n], dtype=float)
    known = np.isfinite(values)
    densities = np.array([one.density for one in seen])
    by_density = np.searchsorted(np.sort(-densities), -densities) + 1
    by_energy = np.searchsorted(np.sort(values[known]), values) + 1
    lowest = values[known].min() if known.any() else math.nan
    return _Ranks(
        by_density.tolist(),
        [rank if there else None for rank, there in zip(by_energy.tolist(), known)],
        [value if there else None for value, there in zip((values - lowest).tolist(), known)],
        int(known.sum()),
    )


def _row(one: _Seen, ranks: _Ranks, of: int) -> Compared:
    k = one.index
    return Compared(
        one.struct_id,
        k,
        one.matched,
        of,
        one.rmsd if one.matched else None,
        one.mirrored,
        one.density,
        ranks.density[k],
        ranks.above[k],
        ranks.energy[k],
    )
