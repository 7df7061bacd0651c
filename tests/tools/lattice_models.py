"""Potentials and charges by hand, for tests of the lattice sums; golden cases of ../shared/data/lattice."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from shared_data import shared

from genarris_fw.crystal import read
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.structure import Molecule, Structure
from tests.lattice.golden import cell_of, operation

EV = 96.48533212331
BOHR = 0.529177210903


@dataclass
class Parameters:
    types: list
    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    rho20: np.ndarray
    damping: np.ndarray
    guard: np.ndarray
    general: list = field(default_factory=list)


@dataclass
class HandPotential:
    """Pairs (type, type) -> (A, B, C) in kJ/mol, 1/Å, kJ/mol Å^6."""

    pairs: dict
    types: list
    taper: tuple | None = None
    sites: np.ndarray | None = None
    guard: float = 0.8
    damping: float = 0.0
    name: str = "by hand"
    rho20: dict = field(default_factory=dict)

    def types_of(self, molecule):
        return list(self.types) if len(self.types) == len(molecule.species) else [self.types[0]] * len(molecule.species)

    def sites_of(self, molecule):
        return molecule.positions if self.sites is None else self.sites

    def axes_of(self, molecule):
        """Along the bond to the nearest atom, outwards."""
        x = molecule.positions
        apart = np.linalg.norm(x[:, None] - x, axis=2) + 100 * np.eye(len(x))
        axes = x - x[apart.argmin(axis=1)]
        return axes / np.linalg.norm(axes, axis=1, keepdims=True)

    def parameters(self, types):
        n = len(types)
        A, B, C = (np.zeros((n, n)) for _ in range(3))
        for i, a in enumerate(types):
            for j, b in enumerate(types):
                A[i, j], B[i, j], C[i, j] = self.pairs.get((a, b)) or self.pairs[b, a]
        return Parameters(
            list(types),
            A,
            B,
            C,
            np.array([self.rho20.get(t, 0.0) for t in types]),
            np.full((n, n), self.damping),
            np.full((n, n), self.guard),
        )


class ByElement(HandPotential):
    def types_of(self, molecule):
        return list(molecule.species)


@dataclass
class Charges:
    sites: np.ndarray
    multipoles: np.ndarray
    rank: int = 0
    error: float | None = None
    method: str = "by hand"


# W. D. S. Cox, L.-Y. Hsu, D. E. Williams (FIT): A kJ/mol, B 1/Å, C kJ/mol Å^6
FIT = {
    "C": (369743.0, 3.60, 2439.8),
    "H": (11971.0, 3.74, 136.4),
    "N": (254529.0, 3.78, 1378.4),
    "O": (230064.0, 3.96, 1123.6),
}


def fit_potential(taper=None, guard=1.2, damping=0.0):
    pairs = {
        (a, b): (np.sqrt(x[0] * y[0]), (x[1] + y[1]) / 2, np.sqrt(x[2] * y[2]))
        for a, x in FIT.items()
        for b, y in FIT.items()
    }
    return ByElement(pairs, [], taper, guard=guard, damping=damping)


def crystal(name):
    """An experimental crystal, molecule after molecule, and its first molecule."""
    found = whole_molecules(read(shared(f"crystals/{name}.cif"))[0])
    n = found.properties["number_of_atoms_in_molecule"]
    return found, Molecule(found.species[:n], found.positions[:n])


def simple_charges(molecule):
    """Charges by element, hydrogens such that there is none in all: to test sums with, not for chemistry."""
    charges = np.array([{"C": -0.1, "O": -0.5, "N": -0.6, "H": 0.0}[name] for name in molecule.species])
    hydrogens = np.array([name == "H" for name in molecule.species])
    charges[hydrogens] = -charges.sum() / hydrogens.sum()
    return Charges(molecule.positions, charges[:, None])


@dataclass
class Golden:
    """A crystal of one kind of molecule whose energies DMACRYS has printed: atoms are where its sites are."""

    molecule: Molecule
    charges: Charges  # the charges among its multipoles
    potential: HandPotential  # tapered as there
    structure: Structure
    exp6: float  # kJ/mol per molecule
    charge_charge: float


def golden(name, heavy):
    """Lay the sites of a case on its crystal by their heavy atoms; `heavy`: labels of these for every molecule."""
    data = json.loads((Path(shared("lattice/dmacrys")) / f"{name}.json").read_text())
    lattice = cell_of(data["crystal"]["cell"])
    places = {atom["label"]: np.array(atom["frac_xyz"]) @ lattice for atom in data["crystal"]["atoms"]}
    sites = data["molecule"]["sites"][: len(data["molecule"]["sites"]) // len(heavy)]
    body = BOHR * np.array([site["position_bohr"] for site in sites])
    species = [site["element"] for site in sites]
    own = [k for k, element in enumerate(species) if element != "H"]
    operations = [(np.eye(3), np.zeros(3)), *map(operation, data["crystal"]["symmetry_operations"])]
    positions = []
    for labels in heavy:
        target = np.array([places[label] for label in labels])
        a, b = body[own] - body[own].mean(axis=0), target - target.mean(axis=0)
        u, _, vt = np.linalg.svd(a.T @ b)
        turn = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
        laid = (body - body[own].mean(axis=0)) @ turn + target.mean(axis=0)
        for rotation, translation in operations:
            positions.append((laid @ np.linalg.inv(lattice) @ rotation.T + translation) @ lattice)
    count = len(positions)
    structure = Structure(
        lattice, species * count, np.concatenate(positions), {"number_of_atoms_in_molecule": len(body)}
    )
    pairs = {}
    for pair in data["potentials"]["pairs"]:
        numbers = (EV * pair["A_eV"], 1.0 / pair["rho_ang"], EV * pair["C6_eV_ang6"])
        one, other = (pair.get(f"type{k}", pair[f"el{k}"]) for k in (1, 2))
        pairs[one, other] = pairs[other, one] = numbers
    types = [site["label"][:4] if (site["label"][:4],) * 2 in pairs else site["element"] for site in sites]
    reference = data["reference"]["initial"]
    in_cell = EV / data["crystal"]["Z"]
    return Golden(
        Molecule(species, body),
        Charges(body, np.array([[site["multipoles"]["components"][0]] for site in sites])),
        HandPotential(pairs, types, (15.0, 17.0)),
        structure,
        reference["repulsion_dispersion_kJ"],
        reference["charge_charge_inter_eV"] * in_cell,
    )


AXOSOW_HEAVY = [["C1", "C2", "C3", "O1"]]
UREA_HEAVY = [["C1", "N1", "N2", "O1"], ["C2", "N3", "N4", "O2"]]


def trichlorobenzene():
    """Crystal TCHLBZ03 of the golden cases: its potential has anisotropic chlorine (W99, and G. M. Day's)."""
    data = json.loads((Path(shared("lattice/dmacrys")) / "TCHLBZ03.json").read_text())
    atoms = data["crystal"]["atoms"]
    lattice = cell_of(data["crystal"]["cell"])
    positions = np.array([atom["frac_xyz"] for atom in atoms]) @ lattice
    structure = whole_molecules(Structure(lattice, [atom["element"] for atom in atoms], positions))
    n = structure.properties["number_of_atoms_in_molecule"]
    own = {
        "Cl": (5903.747391, 3.3427, 86.71633),
        "C": (2802.334865, 3.6, 17.63857225),
        "H": (131.429249, 3.56, 2.88532808),
    }
    pairs = {
        (a, b): (EV * np.sqrt(x[0] * y[0]), (x[1] + y[1]) / 2, EV * np.sqrt(x[2] * y[2]))
        for a, x in own.items()
        for b, y in own.items()
    }
    potential = ByElement(pairs, [], (15.0, 17.0), rho20={"Cl": -0.09386})
    reference = data["reference"]["initial"]
    electrostatic = ("charge_charge_inter_kJ", "charge_dipole_kJ", "dipole_dipole_kJ", "higher_multipole_kJ")
    wanted = reference["total_kJ_per_mol"] - sum(reference[name] for name in electrostatic)
    return structure, Molecule(structure.species[:n], structure.positions[:n]), potential, wanted
