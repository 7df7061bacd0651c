"""What would stop a search for crystals or a minimisation of lattice energies, before anything is computed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from genarris_fw.crystal import Molecule
from genarris_fw.errors import InputError
from genarris_fw.lattice.charges.electrostatics import check_neutral
from genarris_fw.lattice.charges.files import read_charges
from genarris_fw.lattice.energy.model import Model
from genarris_fw.lattice.molecule.rigidity import check_rigid
from genarris_fw.lattice.searching.search import Ground
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.options.crystal_search import CrystalSearchOptions
from genarris_fw.procedures.options.lattice_models import LatticeModelOptions, potential_of
from genarris_fw.procedures.options.molecular_electrostatics import MolecularElectrostaticsOptions


def look_at_lattice(molecule: Molecule, step: str, options: SharedOptions, found: dict[str, Any]) -> None:
    """Look at what a step that needs lattice energies, or charges for them, takes the molecule for.

    Parameters
    ----------
    molecule : Molecule
        As the run begins with it.
    step : str
        Its name.
    options : SharedOptions
        Its options; those of other procedures are passed over.
    found : dict
        What `check` returns. To its ``problems`` is added one line that names the step: for a molecule that is not one
        complete piece, an element without parameters, a file of other charges, or a Z that no wanted group offers. The
        sites of a search are added to its ``space_groups``, what is worth knowing to its ``notices``.
    """
    try:
        if isinstance(options, MolecularElectrostaticsOptions):
            _look_at_charges(molecule, options)
        elif isinstance(options, LatticeModelOptions):
            check_rigid(molecule)
            model = Model(molecule, potential_of(options))
            if isinstance(options, CrystalSearchOptions):
                _look_at_sites(molecule, step, options, model, found)
    except InputError as error:
        found["problems"].append(f"{step}: {error}")


def _look_at_charges(molecule: Molecule, options: MolecularElectrostaticsOptions) -> None:
    """Read the user's file; a relaxation before would make another molecule of it, which is not known here."""
    if options.charges_file and not options.molecule_step:
        check_neutral(read_charges(Path(options.charges_file), molecule), options.charge)


def _look_at_sites(
    molecule: Molecule, step: str, options: CrystalSearchOptions, model: Model, found: dict[str, Any]
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        occupations = Ground(molecule, options.Z, model, options.space_groups).occupations.values()
    found["notices"] += [f"{step}: {one.message}" for one in caught if issubclass(one.category, UserWarning)]
    for group in sorted({one.space_group for one in occupations}):
        sites = [
            {"wyckoff": one.wyckoff, "site_symmetry": one.site_symmetry}
            for one in occupations
            if one.space_group == group
        ]
        found["space_groups"].append({"step": step, "space_group": group, "sites": sites, "refused": 0})
