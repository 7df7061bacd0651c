"""The wave function of one molecule by PySCF: its electrostatic potential and its distributed multipoles."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase.data import atomic_numbers
from ase.units import Hartree as HARTREE
from numpy.typing import NDArray

from genarris_fw.errors import EngineError, InputError
from genarris_fw.lattice.molecule.distributed import analysed
from genarris_fw.lattice.multipoles import BOHR, COULOMB
from genarris_fw.threads import one_thread

Array = NDArray[np.float64]

# Sun et al., J. Chem. Phys. 153, 024109 (2020).
MISSING = "pyscf is missing: pip install 'genarris_fw[pyscf]', or method = GFN2"
MOST_EXACT = (
    12  # atoms: beyond, the electrons' repulsion by density fitting, some µhartree off and several times faster
)
FITTING_BASIS = "def2-universal-jkfit"  # hydrogen to radon; Weigend, J. Comput. Chem. 29, 167 (2008)
CONVERGED = 1e-8  # hartree; potentials are then good to 0.01 kJ/mol per e
MOST_CYCLES = 100
BATCH = 240  # points of the potential at a time
MEMORY = 2000  # MB


def installed() -> bool:
    """Tell whether pyscf can be used."""
    return importlib.util.find_spec("pyscf") is not None


class WaveFunction:
    """A converged, closed-shell wave function.

    Parameters
    ----------
    species : sequence of str
        Elements, n of them.
    positions : (n, 3) ndarray
        Å.
    theory, basis : str
        ``HF`` or a density functional, and a basis set, as PySCF knows them.
    charge : int, optional
        Of the molecule, e.

    Raises
    ------
    InputError
        Without pyscf, for an unknown functional or basis set, and for an odd number of electrons.
    EngineError
        Where the self-consistent field does not converge, kind ``scf``.
    """

    def __init__(self, species: Sequence[str], positions: Array, theory: str, basis: str, charge: int = 0) -> None:
        even_electrons(species, charge)
        if not installed():
            raise InputError(MISSING)
        import pyscf.lib  # noqa: F401 (its libraries are to be there before their threads are counted)

        self.species, self.positions = list(species), positions
        with one_thread():
            self._mol = _molecule(self.species, positions, basis, charge)
            self._field = _converged(self._mol, theory, f"{theory}/{basis}", _formula(self.species))
            self._density = np.asarray(self._field.make_rdm1(), dtype=np.float64)

    def potential(self, points: Array) -> Array:
        """Return the electrostatic potential at some points, (p, 3) in Å -> (p,) in kJ/mol per e."""
        from pyscf import df, gto, lib

        places = points / BOHR
        # Of a symmetric matrix the triangle, what lies off the diagonal twice.
        packed = lib.pack_tril(2 * self._density - np.diag(np.diag(self._density)))
        found = np.empty(len(places))
        with one_thread():
            for start in range(0, len(places), BATCH):
                batch = places[start : start + BATCH]
                integrals = df.incore.aux_e2(self._mol, gto.fakemol_for_charges(batch), "int3c2e", aosym="s2ij")
                found[start : start + BATCH] = -(packed @ integrals)
        for number, centre in zip(self._mol.atom_charges(), self._mol.atom_coords()):
            found += number / np.linalg.norm(places - centre, axis=1)
        return found * (COULOMB / BOHR)

    @property
    def energy(self) -> float:
        """The molecule's energy, eV."""
        return float(self._field.e_tot) * HARTREE

    def forces(self) -> Array:
        """Return the forces on the nuclei, (n, 3) in eV/Å."""
        with one_thread():
            gradient = self._field.nuc_grad_method().kernel()
        return -np.asarray(gradient, dtype=np.float64) * (HARTREE / BOHR)

    def multipoles(self) -> Array:
        """Return the multipoles at the nuclei up to rank 4, (n, 25) in e Å^l."""
        with one_thread():
            return analysed(self._mol, self._density, self.species, self.positions)


def even_electrons(species: Sequence[str], charge: int) -> None:
    """Refuse a molecule with an odd number of electrons.

    Raises
    ------
    InputError
        That says so.
    """
    electrons = sum(atomic_numbers[name] for name in species) - charge
    if electrons % 2 or electrons < 1:
        raise InputError(
            f"{_formula(species)} with charge {charge:+d} has {electrons} electrons, and only closed shells (an even "
            "number) can be computed; give the right charge, or the charges in a file (charges_file)"
        )


def _formula(species: Sequence[str]) -> str:
    return "".join(f"{name}{species.count(name)}" for name in sorted(set(species)))


def _molecule(species: list[str], positions: Array, basis: str, charge: int) -> Any:
    from pyscf import gto

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return gto.M(
                atom=list(zip(species, positions.tolist())),
                unit="Angstrom",
                basis={name: gto.basis.load(basis, name) for name in set(species)},
                ecp=_core_potentials(basis, set(species)),
                charge=charge,
                verbose=0,
                max_memory=MEMORY,
                parse_arg=False,
                dump_input=False,
            )
        except (KeyError, RuntimeError, ValueError) as error:
            words = " ".join(str(error).split())
            raise InputError(
                f"pyscf has no basis set {basis} for {', '.join(sorted(set(species)))} ({words}); give one that has "
                "all of these elements, such as 6-311G** or def2-SVP"
            ) from None


def _core_potentials(basis: str, elements: set[str]) -> dict[str, Any]:
    """The core potentials that belong to a basis set: without them def2 sets of I or Te lack the electrons' room."""
    from pyscf import gto

    found: dict[str, Any] = {}
    for name in sorted(elements):
        try:
            potential = gto.basis.load_ecp(basis, name)
        except (KeyError, RuntimeError, ValueError):  # it has none
            continue
        if potential:
            found[name] = potential
    return found


def _converged(mol: Any, theory: str, method: str, formula: str) -> Any:
    """Return the converged field."""
    from pyscf import dft, scf

    if theory.upper() == "HF":
        field = scf.RHF(mol)
    else:
        try:
            dft.libxc.parse_xc(theory)
        except (KeyError, ValueError):
            raise InputError(f"pyscf knows no density functional {theory}; write HF or one such as B3LYP") from None
        field = dft.RKS(mol, xc=theory)
    if mol.natm > MOST_EXACT:
        field = field.density_fit(auxbasis=FITTING_BASIS)
    field.conv_tol, field.max_cycle, field.chkfile = CONVERGED, MOST_CYCLES, None
    field.kernel()
    if not field.converged:
        field = field.newton()
        field.kernel(dm0=field.make_rdm1())
    if not field.converged:
        raise EngineError(
            f"{formula}: {method} did not converge in {MOST_CYCLES} cycles, nor by second-order steps; check the "
            "molecule and its charge, or take another method",
            kind="scf",
            permanent=True,
        )
    return field
