"""Urea with charges that lie here, so that no quantum chemistry runs."""

from __future__ import annotations

from pathlib import Path

from genarris_fw import lattice
from genarris_fw.crystal import read_molecule
from genarris_fw.lattice.charges.files import from_json, read_charges, to_json

ROOT = Path(__file__).parents[2]
UREA = ROOT / "examples" / "urea" / "urea.in"
CHARGES = ROOT / "tests" / "data" / "lattice_urea_charges.json"  # HF/6-31G**, by Molecular_Electrostatics
POTENTIAL_FILE = ROOT / "genarris_fw" / "lattice" / "potentials" / "FIT.json"


def urea_model() -> lattice.Model:
    """Return the model that a run with these charges makes: it reads them from its database."""
    molecule = read_molecule(UREA)
    charges = from_json(to_json(molecule, read_charges(CHARGES, molecule)), molecule, "kept")
    return lattice.Model(molecule, lattice.Potential(), charges)
