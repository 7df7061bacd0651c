"""What a prediction begins with when nothing is said: decided from the molecule and from what is installed."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genarris_fw.crystal.hydrogens import short_hydrogens, standard_hydrogens
from genarris_fw.crystal.point_groups import point_group, symmetrize
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.declaring.door import ENGINES
from genarris_fw.errors import InputError

NEARLY = 0.03  # Å: a molecule so nearly symmetric is made so
TOLD = 1e-3  # Å: what is moved by more is told

WAVE_FUNCTION, FURTHER_WAVE_FUNCTION, TIGHT_BINDING = "HF/6-31G**", "HF/6-311G**", "GFN2"
# What pyscf's 6-31G** is taken for, and what 6-311G** has beside these.
LIGHT = frozenset(["H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar"])
HEAVIER = frozenset(["Ga", "Ge", "As", "Se", "Br", "Kr", "I"])

# In this order: the second opinion is that of the first that has all atoms and is not the one searched with.
POTENTIALS = ("W99star", "FIT", "DREIDING")


@dataclass(frozen=True)
class Extent:
    """How far is searched for molecules of some size.

    Attributes
    ----------
    atoms : float
        For molecules of up to so many atoms.
    Z : tuple of int
        Molecules per cell.
    space_groups : str
        As `Crystal_Search` takes them.
    window : float
        kJ/mol per molecule above the lowest.
    work : float
        Steps of minimisations after which a run's search ends anyhow.
    """

    atoms: float
    Z: tuple[int, ...]
    space_groups: str
    window: float
    work: float


# Most crystals have two or four molecules in the cell; the smallest molecules, on special positions, often one.
# Of large molecules, whose minimisations take long, the 20 commonest space groups (csd) are searched.
EXTENTS = (
    Extent(4, (1, 2, 4), "all", 10.0, 1.5e6),
    Extent(40, (2, 4), "all", 10.0, 1.5e6),
    Extent(math.inf, (2, 4), "csd", 5.0, 5e5),
)


def extent_for(molecule: Molecule) -> Extent:
    """Return how far is searched for a molecule, by its size."""
    return next(one for one in EXTENTS if len(molecule) <= one.atoms)


def numbers_for(molecule: Molecule, experiment: Structure | None = None) -> list[int]:
    """Return the numbers of molecules per cell to search: that of the experiment, else the usual ones."""
    if experiment is not None and len(experiment) % len(molecule) == 0:
        return [len(experiment) // len(molecule)]
    return list(extent_for(molecule).Z)


def numbers_in(text: str, option: str) -> list[int]:
    """Read numbers of molecules per cell, with commas between them.

    Raises
    ------
    InputError
        For another text; `option` is what the message calls it.
    """
    try:
        return sorted({int(word) for word in text.split(",")})
    except ValueError:
        raise InputError(f"{option} {text}: expected whole numbers with commas, 2,4 for example") from None


def charge_method(species: Sequence[str]) -> str:
    """Return by what a molecule's charges are computed: the best that is installed and has its elements.

    Raises
    ------
    InputError
        Where there is nothing: how to get it.
    """
    from genarris_fw.lattice.molecule.gfn2 import gfn2_installed

    elements = frozenset(species)
    if importlib.util.find_spec("pyscf") is not None:
        if elements <= LIGHT:
            return WAVE_FUNCTION
        if elements <= LIGHT | HEAVIER:
            return FURTHER_WAVE_FUNCTION
    if gfn2_installed():
        return TIGHT_BINDING
    raise InputError(
        "the molecule's charges need pyscf (HF/6-31G**), or tblite (GFN2), which are missing; expected one of them: "
        "pip install 'genarris_fw[pyscf]'"
    )


def potentials_for(molecule: Molecule) -> list[str]:
    """Return the potentials that have all of a molecule's atoms: to search with, then for a second opinion.

    Raises
    ------
    InputError
        Where none has: what the usual one lacks.
    """
    from genarris_fw.lattice.potentials.potential import Potential

    found, lacking = [], None
    for name in POTENTIALS:
        try:
            Potential(name).types_of(molecule)
            found.append(name)
        except InputError as error:
            lacking = lacking or error
    if lacking is not None and not found:
        raise lacking
    return found


def remarks_on(potential: str, molecule: Molecule) -> list[str]:
    """Return what is to be said where the usual potential does not have all of a molecule's atoms."""
    if potential == POTENTIALS[0]:
        return []
    return [f"{POTENTIALS[0]} has not all atoms of {molecule.formula}: {potential} is used in its place"]


def ranking_engine(species: Sequence[str]) -> str | None:
    """Return the best engine to rank crystals again with that is installed and knows the elements, or None."""
    from genarris_fw.engines import installed

    for name, known in second_opinions().items():
        if (known is None or known.issuperset(species)) and installed([name]).get(name, (False, ""))[0]:
            return name
    return None


def second_opinions() -> dict[str, frozenset[str] | None]:
    """Return the engines to rank crystals again with, the best first, with the elements that they know; None: all."""
    from genarris_fw.engines import engine_class

    places = {}
    for name in ENGINES.names():
        try:
            kind = engine_class(name)
        except InputError:  # its package cannot be loaded, which `check` says
            continue
        if kind.second_opinion:
            places[name] = kind.second_opinion, kind.made_for
    return {name: places[name][1] for name in sorted(places, key=lambda name: places[name][0])}


def prepared(
    molecule: Molecule, method: str, relax: bool = False, as_given: bool = False
) -> tuple[Molecule, list[str]]:
    """Relax a molecule, or put short hydrogens right, and make it exactly symmetric; say what was done.

    Parameters
    ----------
    molecule : Molecule
        As a file gives it.
    method : str
        What it is relaxed by, where it is.
    relax, as_given : bool
        Whether it is relaxed first, and whether nothing else is done to it.

    Returns
    -------
    Molecule, list of str
        Its atoms in the same order, and a line for each thing that was done.

    Raises
    ------
    InputError
        For a molecule that is not one complete piece.
    """
    from genarris_fw.lattice.molecule.rigidity import check_rigid

    check_rigid(molecule)
    said = []
    if relax:
        from genarris_fw.lattice.molecule.relaxation import relaxed

        molecule = relaxed(molecule, method)
        said.append(f"{molecule.formula}: relaxed by {method}")
    if as_given:
        return molecule, said
    if short := short_hydrogens(molecule):
        name, length = short[0]
        molecule = standard_hydrogens(molecule)
        said.append(f"{molecule.formula}: hydrogens as X-rays see them ({name} {length:.2f} Å) put where neutrons do")
    exact = symmetrize(molecule, tol=NEARLY)
    moved = float(np.linalg.norm(exact.positions - molecule.positions, axis=1).max())
    if moved > TOLD:
        symbol = point_group(molecule, NEARLY).symbol
        said.append(f"{molecule.formula}: made exactly {symbol}; atoms moved by up to {moved:.3f} Å")
    return exact, said


@dataclass(frozen=True, eq=False)
class Start:
    """What a search of a molecule's crystals begins with.

    Attributes
    ----------
    molecule : Molecule
        As it is searched.
    changes : list of str
        What was done to it.
    remarks : list of str
        What a search warns of: bonds that can turn, numbers of molecules for which there is no group.
    Z : list of int
        Molecules per cell.
    extent : Extent
        How far is searched.
    method : str
        Of the charges.
    potential : str
        To search with.
    second : str or None
        A potential for a second opinion.
    engine : str or None
        An engine to rank the lowest again with.
    """

    molecule: Molecule
    changes: list[str]
    remarks: list[str]
    Z: list[int]
    extent: Extent
    method: str
    potential: str
    second: str | None
    engine: str | None


def start_of(molecule: Molecule, Z: Sequence[int] | None = None, experiment: Structure | None = None) -> Start:
    """Decide what a search of a molecule begins with, and see that it can be searched.

    Parameters
    ----------
    molecule : Molecule
        As a file gives it.
    Z : sequence of int, optional
        Molecules per cell, in place of the usual ones.
    experiment : Structure, optional
        The measured crystal, for its Z.

    Returns
    -------
    Start

    Raises
    ------
    InputError
        What a search of it would: for a molecule in pieces or without its hydrogens, of an odd number of electrons,
        with an atom that no potential has, without a space group for so many molecules.
    """
    import warnings

    from genarris_fw.lattice.energy.model import Model
    from genarris_fw.lattice.molecule.wave_function import even_electrons
    from genarris_fw.lattice.potentials.potential import Potential
    from genarris_fw.lattice.searching.search import Ground

    method = charge_method(molecule.species)
    exact, changes = prepared(molecule, method)
    even_electrons(exact.species, 0)
    usable = potentials_for(exact)
    model, extent = Model(exact, Potential(usable[0])), extent_for(exact)
    numbers = list(Z) if Z is not None else numbers_for(exact, experiment)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        Ground(exact, numbers, model, extent.space_groups).aim(extent.window)
    remarks = remarks_on(usable[0], exact) + [
        str(one.message) for one in caught if issubclass(one.category, UserWarning)
    ]
    return Start(
        exact,
        changes,
        remarks,
        numbers,
        extent,
        method,
        usable[0],
        usable[1] if len(usable) > 1 else None,
        ranking_engine(exact.species),
    )
