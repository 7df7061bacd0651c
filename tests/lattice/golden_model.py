"""The model and the crystal of a golden case, of its own sites, multipoles and pairs."""

from types import SimpleNamespace

import numpy as np

from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.lattice.energy.model import Model
from tests.lattice.golden import KJ_PER_EV

GUARD = 1.0  # Å


class CasePotential:
    """What a case says of exp-6; its sites are the atoms here."""

    def __init__(self, case):
        self.case = case
        self.name = case.name
        self.taper = (15.0, 17.0) if "spline" in case.data["settings"] else (15.0, 15.0 + 1e-9)
        self.pairs = {}
        for pair in case.data["potentials"]["pairs"]:
            names = (pair.get("type1", pair["el1"]), pair.get("type2", pair["el2"]))
            values = (KJ_PER_EV * pair["A_eV"], 1 / pair["rho_ang"], KJ_PER_EV * pair["C6_eV_ang6"])
            assert names not in self.pairs or self.pairs[names] == values, names
            self.pairs[names] = self.pairs[names[::-1]] = values

    def types_of(self, molecule):
        return molecule.types

    def sites_of(self, molecule):
        return molecule.positions

    def parameters(self, types):
        table = np.array([[self.pairs[a, b] for b in types] for a in types])
        none = np.zeros((len(types), len(types)))
        return SimpleNamespace(
            types=list(types), A=table[..., 0], B=table[..., 1], C=table[..., 2], rho20=none[0], damping=none,
            guard=none + GUARD, general=[],
        )  # fmt: skip


def model_of(case, rank=4):
    """A model of the case's molecule, and its crystal."""
    sites = case.data["molecule"]["sites"]
    places, values, rows = case.molecules[0]
    molecule = Molecule([sites[i]["element"] for i in rows], places)
    molecule.types = [sites[i].get("atom_type", sites[i]["element"]) for i in rows]
    electrostatics = SimpleNamespace(sites=places, multipoles=values[:, : (rank + 1) ** 2])
    model = Model(molecule, CasePotential(case), electrostatics)
    species = [sites[i]["element"] for number, _, _ in case.cell for i in case.molecules[number][2]]
    crystal = Structure(case.lattice, species, np.concatenate([positions for _, positions, _ in case.cell]))
    return model, crystal
