"""The picture of docs/experiment.md: a measured crystal, and the minimum of a model of energies beside it.

python docs/developing/draw_overlay.py [--out docs/figures]

The crystal is that of naphthalene in tests/data/engines_tblite. Some CPU-seconds. Needs pyscf.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from genarris_fw import lattice
from genarris_fw.comparing.overlay import overlay
from genarris_fw.crystal import Molecule, read, symmetrize, whole_molecules
from genarris_fw.pictures import save
from genarris_fw.pictures.overlay import overlay_picture

CRYSTAL = Path(__file__).resolve().parents[2] / "tests" / "data" / "engines_tblite" / "naphthalene.in"


def main() -> None:
    """Minimise the crystal, lay the minimum upon it, and draw both."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/figures"))
    target = parser.parse_args().out / "overlay_naphthalene"
    measured = whole_molecules(read(CRYSTAL)[0])
    size = int(measured.properties["number_of_atoms_in_molecule"])
    molecule = symmetrize(Molecule(measured.species[:size], measured.positions[:size]), tol=0.03)
    model = lattice.Model(molecule, lattice.Potential(), lattice.electrostatics(molecule))
    minimum = model.minimise(measured).structure
    measured.struct_id, minimum.struct_id = "naphthalene", f"its minimum by {model.potential.name}"
    found = overlay(measured, minimum)
    [file] = save(overlay_picture(found), target, ["svg"])
    sys.stdout.write(f"{file}: {found.match}\n")


if __name__ == "__main__":
    main()
