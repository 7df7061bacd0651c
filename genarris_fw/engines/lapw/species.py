"""Elk's species files: what an element's basis is made of, read, changed and written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ase.data import atomic_numbers

from genarris_fw.errors import EngineError

# Hartree. A d or f state of an inner shell deeper than this is semicore (In 4d, Hf 4f), a higher one takes part in
# bonds (Cu 3d, Zn 3d); s and p states of an inner shell always are.
SEMICORE_ENERGY = -0.45
FIRST_D = 2
FIRST_OF_PERIOD = (1, 3, 11, 19, 37, 55, 87)


@dataclass(frozen=True)
class RadialFunction:
    """A radial function at an energy (Hartree), or its energy derivative of some order."""

    energy: float
    derivative: int
    varies: bool

    def __str__(self) -> str:
        """Return the function as a species file of Elk has it."""
        return f"{self.energy:.4f} {self.derivative} {_flag(self.varies)}"


Functions = tuple[RadialFunction, ...]


@dataclass(frozen=True)
class State:
    """A state of the free atom: quantum numbers n, ell and k, its electrons, and whether it is a core state."""

    n: int
    ell: int
    k: int
    electrons: float
    core: bool

    def __str__(self) -> str:
        """Return the state as a species file of Elk has it."""
        return f"{self.n} {self.ell} {self.k} {self.electrons:.5f} {_flag(self.core)}"


@dataclass(frozen=True)
class Channel:
    """The radial functions of one angular momentum."""

    ell: int
    functions: Functions

    @property
    def linearises(self) -> bool:
        """Whether a local orbital is that of the linearisation: a function and its own energy derivative."""
        energies = {function.energy for function in self.functions}
        return len(energies) == 1 and [function.derivative for function in self.functions] == [0, 1]


@dataclass(frozen=True)
class Species:
    """A species file.

    Attributes
    ----------
    symbol, name : str
    charge, mass : float
        Of the nucleus, in atomic units; the charge is negative in Elk.
    r_min, radius, r_max : float
        Bohr; the ends of the radial mesh and the muffin-tin radius.
    points : int
        Of the mesh up to the muffin-tin radius.
    states : tuple of State
    apw : tuple of RadialFunction
        Of the augmented plane waves; as many as derivatives are matched at the sphere.
    exceptions : tuple of Channel
        Angular momenta with other functions.
    local_orbitals : tuple of Channel
    """

    symbol: str
    name: str
    charge: float
    mass: float
    r_min: float
    radius: float
    r_max: float
    points: int
    states: tuple[State, ...]
    apw: Functions
    exceptions: tuple[Channel, ...]
    local_orbitals: tuple[Channel, ...]

    def text(self) -> str:
        """Return the file."""
        lines = [f"'{self.symbol}'", f"'{self.name}'", f"{self.charge}", f"{self.mass}"]
        lines += [f"{self.r_min:.6e} {self.radius:.8f} {self.r_max:.4f} {self.points}"]
        lines += [str(len(self.states)), *map(str, self.states)]
        lines += [str(len(self.apw)), *map(str, self.apw)]
        for channels in (self.exceptions, self.local_orbitals):
            lines.append(str(len(channels)))
            for channel in channels:
                lines += [f"{channel.ell} {len(channel.functions)}", *map(str, channel.functions)]
        return "\n".join(lines) + "\n"


def read_species(folder: Path, symbol: str) -> Species:
    """Read an element's species file.

    Parameters
    ----------
    folder : Path
        Of the species files.
    symbol : str
        The element.

    Raises
    ------
    EngineError
        Kind ``input``, permanent: there is no such file, or it is none of Elk's.
    """
    path = folder / f"{symbol}.in"
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise EngineError(
            f"engine lapw: there is no species file for {symbol} ({path}); write one with Elk's species generator, "
            "or take another engine",
            kind="input",
            permanent=True,
        ) from None
    try:
        return _parse(text)
    except (ValueError, IndexError, StopIteration):
        raise EngineError(
            f"engine lapw: {path} is not a species file of Elk 8; take the one that comes with the program",
            kind="input",
            permanent=True,
        ) from None


def _parse(text: str) -> Species:
    lines = iter([line.partition(":")[0].split() for line in text.splitlines() if line.strip()])
    symbol, name = " ".join(next(lines)).strip("'"), " ".join(next(lines)).strip("'")
    charge, mass = float(next(lines)[0]), float(next(lines)[0])
    r_min, radius, r_max, points = next(lines)[:4]
    rows = [next(lines) for _ in range(int(next(lines)[0]))]
    states = [State(int(n), int(ell), int(k), float(e), _true(core)) for n, ell, k, e, core in rows]
    apw = _functions(lines, int(next(lines)[0]))
    exceptions, local_orbitals = _channels(lines), _channels(lines)
    ends = float(r_min), float(radius), float(r_max)
    return Species(symbol, name, charge, mass, *ends, int(points), tuple(states), apw, exceptions, local_orbitals)


def _functions(lines: Iterator[list[str]], count: int) -> Functions:
    rows = [next(lines) for _ in range(count)]
    return tuple(RadialFunction(float(energy), int(order), _true(varies)) for energy, order, varies in rows)


def _channels(lines: Iterator[list[str]]) -> tuple[Channel, ...]:
    found = []
    for _ in range(int(next(lines)[0])):
        ell, count = (int(word) for word in next(lines)[:2])
        found.append(Channel(ell, _functions(lines, count)))
    return tuple(found)


def with_basis(species: Species, basis: str, core: str, local_orbitals: bool) -> Species:
    """Return the species with another basis.

    As it ships a species is APW+lo in the channels of the valence states and plain APW, at a fixed energy, in the
    higher ones. The error of the latter is seen (2 % of the bulk modulus of Si), so that ``apw+lo`` has LAPW there:
    G. Madsen et al., Phys. Rev. B 64, 195134 (2001), https://doi.org/10.1103/PhysRevB.64.195134.

    Parameters
    ----------
    species : Species
        As it ships.
    basis, core : str
        See `LAPWSettings`.
    local_orbitals : bool
        Keep those that do not linearise.
    """
    if core == "semicore" or not local_orbitals:
        species = _semicore_in_core(species)
    linearising = tuple(orbital for orbital in species.local_orbitals if orbital.linearises)
    others = tuple(orbital for orbital in species.local_orbitals if local_orbitals and not orbital.linearises)
    if basis == "apw":
        return replace(species, local_orbitals=others)
    given = {channel.ell: channel.functions for channel in species.exceptions}
    if basis == "apw+lo":
        channels = {orbital.ell: species.apw for orbital in linearising} | given
        kept = linearising + others
    else:
        channels = {ell: _linearised(functions) for ell, functions in given.items()}
        kept = tuple(_matched(orbital) for orbital in others)
    exceptions = tuple(Channel(ell, functions) for ell, functions in sorted(channels.items()))
    return replace(species, apw=_linearised(species.apw), exceptions=exceptions, local_orbitals=kept)


def _matched(orbital: Channel) -> Channel:
    """A local orbital beside LAPWs: it vanishes in value and slope at the sphere, which takes a third function.

    D. Singh, Phys. Rev. B 43, 6388 (1991), https://doi.org/10.1103/PhysRevB.43.6388.
    """
    return Channel(orbital.ell, _linearised(orbital.functions[:1]) + orbital.functions[1:])


def _linearised(functions: Functions) -> Functions:
    """A radial function and its energy derivative, as the LAPW method matches them."""
    first = functions[0]
    return RadialFunction(first.energy, 0, first.varies), RadialFunction(first.energy, 1, first.varies)


def _semicore_in_core(species: Species) -> Species:
    """Make semicore states core states, and take away their local orbitals."""
    number = atomic_numbers[species.symbol]
    outermost = sum(number >= first for first in FIRST_OF_PERIOD)
    inner = {state.ell for state in species.states if not state.core and state.n < outermost}
    orbitals = [o for o in species.local_orbitals if not o.linearises and o.ell in inner]
    semicore = [o for o in orbitals if o.ell < FIRST_D or o.functions[-1].energy < SEMICORE_ENERGY]
    deep = {orbital.ell for orbital in semicore}
    states = tuple(
        replace(state, core=True) if state.ell in deep and state.n < outermost else state for state in species.states
    )
    return replace(species, states=states, local_orbitals=tuple(o for o in species.local_orbitals if o not in semicore))


def _true(word: str) -> bool:
    value = word.strip(".").upper()[:1]
    if value not in ("T", "F"):
        raise ValueError(word)
    return value == "T"


def _flag(value: bool) -> str:
    return "T" if value else "F"
