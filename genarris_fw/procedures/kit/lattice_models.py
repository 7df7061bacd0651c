"""The model of the lattice energy that a step works with, and its energies as they are kept."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from genarris_fw.crystal import Molecule
from genarris_fw.energetics.record import EnergyRecord
from genarris_fw.lattice.charges.electrostatics import Electrostatics
from genarris_fw.lattice.energy.model import Model
from genarris_fw.lattice.potentials.potential import Potential
from genarris_fw.procedures.kit.base import Campaign
from genarris_fw.procedures.kit.molecular_charges import electrostatics_for
from genarris_fw.procedures.options.lattice_models import LatticeModelOptions, potential_of
from genarris_fw.units import KJ_PER_MOL_PER_EV
from genarris_fw.version import __version__

ENGINE = "lattice"
DIGITS = 6  # of charges and positions that name a model: the same molecule gives the same name everywhere


class LatticeModel:
    """A molecule with its potential and charges, and the name that its energies go by.

    Attributes
    ----------
    molecule : Molecule
        Rigid.
    model : Model
        Its energy.
    method : str
        In words.
    settings_hash : str
        16 hex digits over all that enters an energy.
    """

    def __init__(
        self, molecule: Molecule, potential: Potential, charges: Electrostatics, pressure: float = 0.0
    ) -> None:
        self.molecule = molecule
        self.model = Model(molecule, potential, charges)
        general = self.model.parameters.general
        self.method = f"{potential.name}, {charges.method}" + (f", general: {' '.join(general)}" if general else "")
        # Under pressure the volume's work is part of the energy, which is then to be compared with such ones alone.
        self.method += f", {pressure:g} GPa" if pressure else ""
        numbers = [molecule.positions, charges.sites, charges.multipoles]
        content: list[Any] = [potential.record(), molecule.species, [(x.round(DIGITS) + 0.0).tolist() for x in numbers]]
        content += [pressure] if pressure else []
        self.settings_hash = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def record(self, energy: float, Z: int, converged: bool = True, seconds: float = 0.0) -> EnergyRecord:
        """Return what is kept of a lattice energy (kJ/mol per molecule) of a crystal of Z molecules."""
        per_molecule = energy / KJ_PER_MOL_PER_EV
        return {
            "value": per_molecule * Z,
            "per_molecule": per_molecule,
            "engine": ENGINE,
            "engine_version": __version__,
            "settings_hash": self.settings_hash,
            "converged": converged,
            "seconds": seconds,
            "details": {"method": self.method},
        }


def lattice_model(campaign: Campaign[LatticeModelOptions], pressure: float = 0.0) -> LatticeModel:
    """Return the model of a step: its potential, and the charges of an earlier step or of the usual method."""
    options, molecule = campaign.options, campaign.molecule
    potential = potential_of(options)
    charges = electrostatics_for(campaign, molecule, potential.sites_of(molecule), options.electrostatics_step)
    return LatticeModel(molecule, potential, charges, pressure)
