"""Atom-atom potentials for lattice energies: A exp(-B r) - C / r^6 between the typed atoms of different molecules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Molecule
from genarris_fw.errors import InputError
from genarris_fw.lattice.potentials.atom_types import Surroundings, surroundings
from genarris_fw.lattice.potentials.files import (
    PathLike,
    PotentialFile,
    named_or_read,
    shipped,
    shipped_names,
    validated,
)
from genarris_fw.lattice.potentials.guards import guard_radius
from genarris_fw.lattice.potentials.pairs import record_of
from genarris_fw.lattice.potentials.parameters import Parameters, Type, of_pair
from genarris_fw.showing import nearest, shown

Floats = NDArray[np.float64]
Taper = tuple[float, float] | None

DEFAULT, GENERAL = "W99star", "DREIDING"
_AS_IN_THE_FILE: Any = object()


class Potential:
    """An atom-atom potential: one that comes with the package, or the user's own.

    Parameters
    ----------
    source : str or path, optional
        The name of a shipped potential (`Potential.names`), in any case of letters, or the path of a file in the layout
        of ``docs/potentials.md``. Without it the shipped default.
    taper : (float, float) or None, optional
        Å between which interactions are smoothly switched off; None: converged, with the analytic tail of C / r^6. By
        default what the potential's file says, which is converged for all shipped ones; (15.0, 17.0) is that of the
        reference energies of DMACRYS.

    Raises
    ------
    InputError
        For a name that is none, a file that cannot be used, or a taper that does not rise.

    Examples
    --------
    >>> from genarris_fw.lattice import Potential
    >>> Potential().name, Potential("w99").name
    ('W99star', 'W99')
    >>> Potential.names()
    ['DREIDING', 'FIT', 'isoPAHAP', 'UNI', 'W99', 'W99rev631', 'W99rev6311', 'W99revPCM', 'W99sp', 'W99star']
    """

    def __init__(self, source: PathLike | None = None, *, taper: Taper = _AS_IN_THE_FILE) -> None:
        self._adopt(named_or_read(DEFAULT if source is None else source), taper)

    def _adopt(self, file: PotentialFile, taper: Taper) -> None:
        self._file = file
        self._taper = (file.taper[0], file.taper[1]) if file.taper is not None else None
        if taper is not _AS_IN_THE_FILE:
            self._taper = _checked_taper(taper)
        self._own = _of_kinds(file)
        self._elements = {entry.element for entry in file.types.values()}
        self._general = shipped(file.general) if file.general is not None else None
        self._lent = _of_kinds(self._general) if self._general is not None else {}

    @classmethod
    def from_pairs(
        cls,
        pairs: Mapping[tuple[str, str], Sequence[float]],
        taper: Taper = None,
        *,
        name: str = "pairs",
        hydrogen_shift: float = 0.0,
        damping: float = 0.0,
        rho20: Mapping[str, float] | None = None,
    ) -> Potential:
        """Make a potential of pairs of parameters.

        Parameters
        ----------
        pairs : dict of (str, str) to (A, B, C)
            A exp(-B r) - C / r^6: kJ/mol, 1/Å, kJ/mol Å^6. Each of the two is an element, a type of a shipped potential
            (``H_F2``, ``C_W3``), or a kind of atom (``H on N``); of several that fit an atom the most particular
            counts.
        taper : (float, float) or None, optional
            As of the class.
        name : str, optional
            What the potential is called.
        hydrogen_shift : float, optional
            Å by which hydrogens act nearer to their bond partner.
        damping : float, optional
            1/Å, for all pairs; 0 for none.
        rho20 : dict of str to float, optional
            Å, anisotropy of the repulsion by the names used in `pairs`.

        Returns
        -------
        Potential

        Raises
        ------
        InputError
            For a name that says nothing, or numbers that cannot be.
        """
        record = record_of(pairs, name, hydrogen_shift, damping, rho20 or {})
        potential = cls.__new__(cls)
        potential._adopt(validated(record, shown(name)), taper)
        return potential

    @classmethod
    def from_record(cls, record: Mapping[str, Any], name: str = "the potential") -> Potential:
        """Make a potential of the content of a file of ours; `name` says in errors where it is from.

        Raises
        ------
        InputError
            For content that is none.
        """
        potential = cls.__new__(cls)
        potential._adopt(validated(dict(record), shown(name)), _AS_IN_THE_FILE)
        return potential

    @staticmethod
    def names() -> list[str]:
        """Return the names of the potentials that come with the package."""
        return shipped_names()

    @property
    def name(self) -> str:
        """What the potential is called."""
        return self._file.name

    @property
    def title(self) -> str:
        """What the potential is, in a line."""
        return self._file.title

    @property
    def papers(self) -> list[str]:
        """The papers that its parameters come from."""
        return list(self._file.papers)

    @property
    def notes(self) -> list[str]:
        """What a user should know about it."""
        return list(self._file.notes)

    @property
    def experimental(self) -> bool:
        """Whether its numbers are second-hand or were fitted to no crystals."""
        return self._file.experimental

    @property
    def taper(self) -> Taper:
        """Å (start, end) of the switching function; None: converged sums with the analytic tail."""
        return self._taper

    @property
    def hydrogen_shift(self) -> float:
        """Å by which hydrogens act nearer to their bond partner."""
        return self._file.hydrogen_shift

    def record(self) -> dict[str, Any]:
        """Return all that energies depend on, as plain values: the file, the taper, the general potential's file."""
        return {
            "potential": _what_counts(self._file),
            "taper": None if self._taper is None else list(self._taper),
            "general": None if self._general is None else _what_counts(self._general),
        }

    def __repr__(self) -> str:
        """Return the call that makes it, as far as it has a name."""
        taper = "" if self._taper is None else f", taper={self._taper}"
        return f"Potential({self.name!r}{taper})"

    def types_of(self, molecule: Molecule) -> list[str]:
        """Find the type of each atom of a molecule.

        An atom of an element that the potential knows must be one of its types. One of any other element, or a hydrogen
        on one, is of a type of the general potential where there is one; such a type is called ``DREIDING Si``.

        Parameters
        ----------
        molecule : Molecule
            n atoms.

        Returns
        -------
        list of str
            n types.

        Raises
        ------
        InputError
            For an atom that no type covers: which, what it is bonded to, and what covers the molecule.
        """
        around = surroundings(molecule)
        return [self._type(around, i) or self._refuse(molecule, around, i) for i in range(len(molecule))]

    def covers(self, molecule: Molecule) -> bool:
        """Tell whether all atoms of a molecule, and all their pairs, have parameters."""
        around = surroundings(molecule)
        types = [self._type(around, i) for i in range(len(molecule))]
        if not all(types):
            return False
        try:
            self.parameters(sorted({name for name in types if name}))
        except InputError:
            return False
        return True

    def sites_of(self, molecule: Molecule) -> Floats:
        """Return where the atoms of a molecule act.

        Parameters
        ----------
        molecule : Molecule
            n atoms.

        Returns
        -------
        (n, 3) ndarray
            Å: the atoms, hydrogens nearer to their (nearest) bond partner by `hydrogen_shift`; those of the general
            potential's types by its own, which is 0.
        """
        sites = np.array(molecule.positions, dtype=float)
        around = surroundings(molecule)
        for i, symbol in enumerate(molecule.species):
            if symbol == "H" and around.neighbours[i]:
                name = self._type(around, i)
                shift = self.hydrogen_shift if name is None else self._entry(name).file.hydrogen_shift
                bond = molecule.positions[around.neighbours[i][0]] - molecule.positions[i]
                sites[i] += shift * bond / np.linalg.norm(bond)
        return sites

    def axes_of(self, molecule: Molecule) -> Floats:
        """Return the axes of the atoms whose repulsion is anisotropic.

        Parameters
        ----------
        molecule : Molecule
            n atoms.

        Returns
        -------
        (n, 3) ndarray
            Unit vectors along the bond outwards, from the bond partner to the atom; zeros for isotropic atoms.

        Raises
        ------
        InputError
            As of `types_of`.
        """
        axes = np.zeros((len(molecule), 3))
        around = surroundings(molecule)
        for i, name in enumerate(self.types_of(molecule)):
            if self._entry(name).entry.rho20:
                bond = molecule.positions[i] - molecule.positions[around.neighbours[i][0]]
                axes[i] = bond / np.linalg.norm(bond)
        return axes

    def parameters(self, types: Sequence[str]) -> Parameters:
        """Return the parameters of types of atoms and of their pairs.

        Parameters
        ----------
        types : sequence of str
            t distinct types, as `types_of` names them.

        Returns
        -------
        numbers : Parameters
            Of all pairs of the t types.

        Raises
        ------
        InputError
            For a type that is none, a pair without parameters, or one that attracts at all distances.
        """
        t = len(types)
        A, B, C, damping, guard = (np.zeros((t, t)) for _ in range(5))
        rho20 = np.array([self._entry(name).entry.rho20 for name in types], dtype=float)
        # P2 lies between -1/2 and 1, so this is the furthest in that anisotropy can move the repulsion.
        inwards = np.minimum(rho20, -0.5 * rho20)
        for i, one in enumerate(types):
            for j, other in enumerate(types[: i + 1]):
                a, b, c, d = of_pair(self._file, self._entry(one), self._entry(other))
                radius = guard_radius(a, b, c, d, float(inwards[i] + inwards[j]), f"{self.name}, {one} and {other}")
                for matrix, value in zip((A, B, C, damping, guard), (a, b, c, d, radius), strict=True):
                    matrix[i, j] = matrix[j, i] = value
        general = [name for name in types if self._is_general(name)]
        return Parameters(tuple(types), A, B, C, rho20, damping, guard, general)

    def _type(self, around: Surroundings, i: int) -> str | None:
        kinds = around.kinds(i)
        found = next((self._own[kind] for kind in kinds if kind in self._own), None)
        if found is not None or self._general is None:
            return found
        neighbours = around.neighbours[i]
        foreign = around.species[i] not in self._elements
        if around.species[i] == "H" and neighbours:
            foreign = foreign or around.species[neighbours[0]] not in self._elements
        lent = next((self._lent[kind] for kind in kinds if kind in self._lent), None) if foreign else None
        return None if lent is None else f"{self._general.name} {lent}"

    def _refuse(self, molecule: Molecule, around: Surroundings, i: int) -> str:
        symbol = around.species[i]
        known = [f"{', '.join(entry.atoms)}" for entry in self._file.types.values() if entry.element == symbol]
        covering = [name for name in shipped_names() if name != self.name and Potential(name).covers(molecule)]
        has = f"for {symbol} it has {'; '.join(known)}" if known else f"it has nothing for {symbol}"
        if covering:
            advice = f"the whole molecule is covered by {', '.join(covering)}"
        else:
            advice = "no shipped potential covers this molecule: give a file of your own (docs/potentials.md)"
        raise InputError(f"{self.name} has no type for {around.describe(i)}: {has}; {advice}")

    def _entry(self, name: str) -> Type:
        if name in self._file.types:
            return Type(name, self._file, self._file.types[name], name)
        if self._general is not None:
            lent = name.removeprefix(f"{self._general.name} ")
            if lent != name and lent in self._general.types:
                return Type(name, self._general, self._general.types[lent], lent)
        raise InputError(f"{self.name} has no type {shown(name)}{nearest(name, self._file.types)}")

    def _is_general(self, name: str) -> bool:
        file = self._entry(name).file
        return file is self._general or file is shipped(GENERAL)


def _what_counts(file: PotentialFile) -> dict[str, Any]:
    return file.model_dump(exclude_defaults=True, exclude={"title", "papers", "notes"})


def _of_kinds(file: PotentialFile) -> dict[str, str]:
    """The type of each kind of atom that a file names."""
    return {kind: name for name, entry in file.types.items() for kind in entry.atoms}


def _checked_taper(taper: Taper) -> Taper:
    if taper is None:
        return None
    try:
        start, end = (float(value) for value in taper)
    except (TypeError, ValueError):
        raise InputError("taper is two distances in Å, such as (15.0, 17.0), or None") from None
    if not 0.0 < start < end < math.inf:
        raise InputError(f"taper = ({start}, {end}): give start < end in Å, or None for converged sums")
    return start, end
