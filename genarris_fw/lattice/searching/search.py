"""The search for the lowest minima of the lattice energy of a rigid molecule, until it is complete."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.hydrogens import short_hydrogens
from genarris_fw.crystal.point_group_symbols import hermann_mauguin_symbol, schoenflies_symbol
from genarris_fw.crystal.primitive_cell import primitive_cell_of_molecules
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.crystal.symmetry import space_group
from genarris_fw.errors import InputError
from genarris_fw.generation.asymmetric_unit import asymmetric_unit
from genarris_fw.generation.finishing import SYMPREC, Hits
from genarris_fw.generation.generator import undeformed
from genarris_fw.generation.group_choice import choose
from genarris_fw.generation.occupations import Occupation, occupations
from genarris_fw.generation.sites import check_Z
from genarris_fw.generation.volume import estimate_volume
from genarris_fw.lattice.molecule.rigidity import check_rigid, rotatable_bonds
from genarris_fw.lattice.searching.completeness import Completeness
from genarris_fw.lattice.searching.items import Floats, Found, Integers, Item, MinimisesOnSites, SiteMinimiser, work
from genarris_fw.lattice.searching.merging import Minimum, merge
from genarris_fw.lattice.searching.rounds import MOST_WORK, STOPS, Aim, State, Tally, next_round
from genarris_fw.lattice.searching.starts import Site, cutoffs_of, hopeless
from genarris_fw.telling import Told, untold
from genarris_fw.threads import one_thread

TOLERANCE = 0.03  # Å: a molecule that is so symmetric can lie on a site of that symmetry
SADDLE = "saddle point"  # the reason of what is no minimum and leads to none
SETTLED_ATOMS = 800  # of crystals that are settled together: some tenths of a second
MOST_DEFORMED = 0.01  # Å: an atom is moved by no more to make it exactly symmetric there


@dataclass(frozen=True, eq=False)
class Search:
    """What a search has found.

    Attributes
    ----------
    structures : list of Structure
        Different minima within the window, the lowest first. Properties: ``lattice_energy`` (kJ/mol per molecule),
        ``hits`` (draws that ended there), ``spg`` (spglib's, to 0.01 Å), ``site_symmetry_group``, and where it was
        found first: ``attempted_spg``, ``attempted_wyckoff_position``, ``draw``.
    completeness : (float, float, float)
        Number of minima within the window, seen and unseen: lower end of the 95 % interval, estimate, upper end.
    draws : int
        How many were made.
    cpu_seconds : float
        Of this process.
    reason : str
        Why it ended: ``complete``, ``draws``, ``structures``, ``work`` (as much as is allowed), or ``seconds``.
    window : float
        kJ/mol per molecule.
    estimate : Completeness
        Where `completeness` comes from.
    tallies : dict
        Site -> what was done there.
    failures : dict
        Reason -> draws that gave no minimum.
    model : object
        The energy.
    """

    structures: list[Structure]
    completeness: tuple[float, float, float]
    draws: int
    cpu_seconds: float
    reason: str
    window: float
    estimate: Completeness
    tallies: dict[str, Tally] = field(repr=False)
    failures: dict[str, int] = field(repr=False)
    model: MinimisesOnSites = field(repr=False)


class Ground:
    """All sites of a search, made ready when they are first worked on.

    Parameters
    ----------
    molecule : Molecule
        Rigid.
    Z : int or sequence of int
        Molecules in the conventional cell.
    model : MinimisesOnSites
        The energy, such as a `Model`.
    space_groups : str or sequence of int
        As `choose` takes them.
    seed : int
        0 to 2**64 - 1.

    Raises
    ------
    InputError
        For a molecule that is not one complete piece, a Z that no wanted group offers, or a seed outside its range.

    Warns
    -----
    UserWarning
        For a molecule with rotatable bonds, with short ones to hydrogen, or nearly symmetric, and for a Z of several
        that no wanted group offers.
    """

    def __init__(
        self,
        molecule: Molecule,
        Z: int | Sequence[int],
        model: MinimisesOnSites,
        space_groups: str | Sequence[int] = "all",
        seed: int = 0,
    ) -> None:
        check_rigid(molecule)
        turning = len(rotatable_bonds(molecule))
        if turning:
            warnings.warn(
                f"{molecule.formula} has {turning} rotatable bond{'s' * (turning > 1)}: one conformer is searched, the "
                "given one; crystals of others are not found",
                stacklevel=3,
            )
        if short := short_hydrogens(molecule):
            name, length = short[0]
            warnings.warn(
                f"{molecule.formula} has {len(short)} bond{'s' * (len(short) > 1)} to hydrogen as short as X-rays see "
                f"them ({name} {length:.2f} Å): energies and ranks suffer; see crystal.standard_hydrogens",
                stacklevel=3,
            )
        if isinstance(seed, bool) or int(seed) != seed or not 0 <= seed < 2**64:
            raise InputError(f"seed = {seed}: the seed must be a whole number from 0 to 2**64 - 1")
        self.molecule, self.model, self.seed = molecule, model, int(seed)
        self.volume = estimate_volume(molecule)
        self.occupations = {name_of(one): one for one in _occupations(molecule, Z, space_groups)}
        self._cutoffs = cutoffs_of(molecule)
        self._sites: dict[str, Site] = {}
        self._minimisers: dict[str, SiteMinimiser] = {}

    def site(self, stratum: str) -> Site:
        """Return a site by its name."""
        if stratum not in self._sites:
            occupation = self.occupations[stratum]
            self._sites[stratum] = Site(self.molecule, occupation, self.volume, self.seed, self._cutoffs)
        return self._sites[stratum]

    def aim(self, window: float, stop: str = "complete", limit: int = 0, most_work: float = MOST_WORK) -> Aim:
        """Return what is searched for.

        Raises
        ------
        InputError
            Where molecules cannot be without overlaps in the volume that their fragments take elsewhere.
        """
        if hopeless(self.site(next(iter(self.occupations)))):
            raise InputError(
                f"no crystal fits into {self.volume:.0f} Å3 per molecule, which is what its fragments take elsewhere; "
                "is the molecule right?"
            )
        groups = {name: one.space_group for name, one in self.occupations.items()}
        return Aim(groups, _Modes(self), window, stop, limit, most_work)

    @one_thread()
    def work(self, item: Item, window: float) -> Found:
        """Carry out an item."""
        site = self.site(item.stratum)
        if item.stratum not in self._minimisers:
            self._minimisers[item.stratum] = _OnceThereAreHits(self.model, site)
        return work(site, self._minimisers[item.stratum], item, window)


class _Modes(Mapping[str, str]):
    """How sites are drawn from: asked before their first draws alone, so that later nobody makes all of them ready."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def __getitem__(self, stratum: str) -> str:
        return self.ground.site(stratum).mode

    def __iter__(self) -> Iterator[str]:
        return iter(self.ground.occupations)

    def __len__(self) -> int:
        return len(self.ground.occupations)


class _OnceThereAreHits:
    """What minimises the crystals of a site, made when there are any: many sites give none."""

    def __init__(self, model: MinimisesOnSites, site: Site) -> None:
        self.model, self.site = model, site

    @cached_property
    def minimiser(self) -> SiteMinimiser:
        return self.model.site_minimiser(self.site.placement)

    def minimise_hits(self, hits: Hits) -> tuple[Hits, Floats, Floats, Integers, Integers]:
        return self.minimiser.minimise_hits(hits)


def name_of(occupation: Occupation) -> str:
    """Name a site, such as ``14:4e``."""
    return f"{occupation.space_group}:{occupation.wyckoff}"


@one_thread()
def search(
    molecule: Molecule,
    Z: int | Sequence[int],
    model: MinimisesOnSites,
    space_groups: str | Sequence[int] = "all",
    window: float = 10.0,
    stop: str = "complete",
    max_cpu_seconds: float | None = None,
    seed: int = 0,
    draws: int | None = None,
    structures: int | None = None,
    most_work: float = MOST_WORK,
    progress: Callable[[State], None] | None = None,
    told: Told = untold,
) -> Search:
    """Search for the crystals of lowest lattice energy.

    Parameters
    ----------
    molecule : Molecule
        Rigid; on special positions it is made exactly symmetric where it is so to 0.01 Å.
    Z : int or sequence of int
        Molecules in the conventional cell; energies are compared per molecule.
    model : Model
        The energy.
    space_groups : str or sequence of int
        ``all``, ``chiral``, ``racemic``, ``csd`` or numbers.
    window : float
        Minima so much above the lowest are kept and counted, kJ/mol per molecule.
    stop : str
        ``complete``: when little seems to be missing (`genarris_fw.lattice.searching.rounds.is_complete`). ``draws``,
        ``structures``: after so many draws, or so many different minima within the window.
    max_cpu_seconds : float, optional
        End after so much time of this process. What is found then depends on the machine and is not reproducible; a
        search that ends otherwise is.
    seed : int
        The same seed gives the same search.
    draws, structures : int, optional
        The numbers for `stop`.
    most_work : float
        Steps of minimisations after which the search ends anyhow.
    progress : callable, optional
        Called with the state after every round.
    told : callable, optional
        Told how far it is in words.

    Returns
    -------
    Search

    Raises
    ------
    InputError
        For arguments outside their range, a molecule that is not one complete piece, or a Z that no wanted space group
        offers.

    Examples
    --------
    >>> from genarris_fw import lattice
    >>> from genarris_fw.crystal import read_molecule
    >>> molecule = read_molecule("examples/urea/urea.in")
    >>> model = lattice.Model(molecule, lattice.Potential("W99"), lattice.electrostatics(molecule))
    >>> found = lattice.search(molecule, 2, model, [113], stop="draws", draws=20)
    >>> [structure.properties["spg"] for structure in found.structures][:1]
    [113]
    """
    begin = time.process_time()
    limit = check_stop(window, stop, draws, structures, max_cpu_seconds)
    ground = Ground(molecule, Z, model, space_groups, seed)
    aim = ground.aim(window, stop, limit, most_work)
    state, reason = State(), ""
    rounds = 0
    while not reason:
        following = next_round(state, aim)
        results, reason = [], following.reason
        rounds += 1
        for number, item in enumerate(following.items):
            told(f"round {rounds}, after {state.draws} draws", number, len(following.items))
            results.append(ground.work(item, window))
            if max_cpu_seconds is not None and time.process_time() - begin > max_cpu_seconds:
                reason = "seconds"
                break
        if results:
            state = state.after(results, window)
            if progress is not None:
                progress(state)
    state, saddles = settled(state, [settle(one, model) for one in state.within(window)], window)
    estimate = state.completeness(window)
    return Search(
        [finished(one, ground.occupations) for one in state.within(window)],
        (estimate.low, estimate.estimate, estimate.high),
        state.draws,
        time.process_time() - begin,
        reason,
        window,
        estimate,
        state.tallies,
        state.failures | ({SADDLE: saddles} if saddles else {}),
        model,
    )


def to_settle(state: State, window: float) -> list[list[Minimum]]:
    """Return the minima within the window (kJ/mol per molecule), in lists of much the same work for `settle`."""
    found: list[list[Minimum]] = []
    room = 0
    for one in state.within(window):
        if not found or len(one.structure) > room:
            found.append([])
            room = SETTLED_ATOMS
        found[-1].append(one)
        room -= len(one.structure)
    return found


def settled(state: State, ended: Sequence[Minimum | None], window: float) -> tuple[State, int]:
    """Return what is known once every minimum of a group was followed down to one of the crystal.

    Parameters
    ----------
    state : State
        At the end of a search: minima among crystals of their space groups.
    ended : sequence of Minimum or None
        What `settle` gave of each within the window, in any order.
    window : float
        kJ/mol per molecule.

    Returns
    -------
    state : State
        Minima among all crystals with the same primitive cell; the hits of a saddle point count for the minimum below.
    left_out : int
        Minima of their groups that led to none.
    """
    minima = [one for one in ended if one is not None]
    return State(state.rounds, merge(minima, window), state.tallies), len(ended) - len(minima)


@one_thread()
def settle(one: Minimum, model: MinimisesOnSites) -> Minimum | None:
    """Return the minimum that is left when symmetry is broken, most often the same one; None where there is none.

    Its structure says its own space group and its site's symmetry. What holds several primitive cells is tested in one
    of these: which larger cell a crystal was found in is chance.
    """
    size = len(one.structure) // one.molecules
    structure = primitive_cell_of_molecules(one.structure, size, SYMPREC)
    curvature = model.hessian(structure)
    if curvature.modes()[0][0] >= -curvature.zero:
        return _with_symmetry(one)
    try:
        ended = model.minimise(structure, break_symmetry=True)
    except InputError:  # without symmetry the crystal falls apart: its cell gets flat
        return None
    if not ended.is_minimum:
        return None
    molecules = len(ended.structure) // size
    below = Minimum.of(ended.structure, ended.energy, molecules, one.origin, equivalent=False)
    return _with_symmetry(replace(below, hits=one.hits))


def _with_symmetry(one: Minimum) -> Minimum:
    structure = one.structure.copy()
    structure.properties |= {
        "spg": space_group(structure, SYMPREC),
        "site_symmetry_group": site_symmetry(structure),
    }
    return replace(one, structure=structure)


def check_stop(
    window: float,
    stop: str,
    draws: int | None = None,
    structures: int | None = None,
    max_cpu_seconds: float | None = None,
) -> int:
    """Return the number that a search stops at, 0 for ``complete``.

    Raises
    ------
    InputError
        For a window, a word or a number outside their range.
    """
    if isinstance(window, bool) or not (math.isfinite(window) and window > 0):
        raise InputError(f"window = {window}: minima are kept up to so much above the lowest; give kJ/mol above 0")
    if stop not in STOPS:
        raise InputError(f"stop = {stop!r}: expected {', '.join(STOPS[:-1])} or {STOPS[-1]}")
    if max_cpu_seconds is not None and not max_cpu_seconds > 0:
        raise InputError(f"max_cpu_seconds = {max_cpu_seconds}: give seconds above 0, or nothing")
    limits = {"draws": draws, "structures": structures}
    for name, number in limits.items():
        if number is not None and (isinstance(number, bool) or int(number) != number or number < 1):
            raise InputError(f"{name} = {number}: expected a whole number, 1 or more")
        if number is not None and stop != name:
            raise InputError(f'{name} = {number} has no effect with stop = {stop!r}; give stop = "{name}"')
    if stop == "complete":
        return 0
    number = limits[stop]
    if number is None:
        raise InputError(f"stop = {stop!r}: say how many, {stop} = 1000 for example")
    return int(number)


def finished(one: Minimum, sites: dict[str, Occupation]) -> Structure:
    """Return the structure of a minimum that was settled, with its properties."""
    structure, occupation = one.structure.copy(), sites[one.origin.stratum]
    structure.properties |= {
        "lattice_energy": one.energy,
        "hits": one.total,
        "site_symmetry_group": structure.properties["site_symmetry_group"] or occupation.site_symmetry,
        "attempted_spg": occupation.space_group,
        "attempted_wyckoff_position": occupation.wyckoff,
        "draw": one.origin.draw,
    }
    return structure


def site_symmetry(structure: Structure) -> str:
    """Return the point group of the sites of a crystal's independent molecules, such as ``-1``; empty where unknown."""
    try:
        unit = asymmetric_unit(structure, SYMPREC)
    except InputError:
        return ""
    tolerance = 10 * SYMPREC / float(np.linalg.norm(unit.lattice, axis=1).min())
    turns = [unit.operations.turns[unit.operations.stabiliser(centre, tolerance)] for centre in unit.centres]
    return "+".join(hermann_mauguin_symbol(schoenflies_symbol(_different(some))) for some in turns)


def _different(operations: NDArray[np.float64]) -> NDArray[np.float64]:
    """The operations, each once: in a centred cell several differ by translations alone."""
    return np.unique(np.round(operations, 3), axis=0)


def _occupations(molecule: Molecule, Z: int | Sequence[int], space_groups: str | Sequence[int]) -> list[Occupation]:
    """All sites of the wanted groups that so many molecules can fill."""
    numbers = sorted({check_Z(number) for number in ([Z] if isinstance(Z, int | np.integer) else Z)})
    if not numbers:
        raise InputError("Z is an empty list: say how many molecules the cell holds")
    found: list[Occupation] = []
    missing, deformed = [], 0
    for number in numbers:
        every = occupations(molecule, number, TOLERANCE)
        wanted = set(choose(space_groups, [one.space_group for one in every]))
        possible = [one for one in every if one.space_group in wanted]
        usable = undeformed(possible, MOST_DEFORMED)
        found += usable
        deformed += len(possible) - len(usable)
        if not usable:
            missing.append(str(number))
    if deformed:
        warnings.warn(
            f"{molecule.formula} is nearly symmetric, to more than {MOST_DEFORMED:g} Å: special positions that its "
            f"exact form could lie on ({deformed}) are not searched; make it symmetric first (crystal.symmetrize)",
            stacklevel=4,
        )
    if not missing:
        return found
    line = (
        f"Z = {', '.join(missing)}: no wanted space group offers this molecule a site for so many molecules in the "
        "conventional cell; give another Z or more space groups"
    )
    if not found:
        raise InputError(line)
    warnings.warn(line, stacklevel=4)
    return found
