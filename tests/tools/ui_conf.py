"""Small ui.conf files for the tests of options: written to a folder, with the files they name."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from genarris_fw.options import Configuration, OptionsError, load

BENZENE = """
atom 1.3970 0.0000 0.0 C
atom 0.6985 1.2098 0.0 C
"""


def write(folder: Path, text: str) -> Path:
    """Write ui.conf and a molecule to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "molecule.in").write_text(BENZENE)
    path = folder / "ui.conf"
    path.write_text(textwrap.dedent(text))
    return path


def resolve(folder: Path, text: str) -> Configuration:
    return load(write(folder, text))


def problems(folder: Path, text: str) -> list[str]:
    """Return the problems of a ui.conf without the folder's name."""
    path = write(folder, text)
    with pytest.raises(OptionsError) as caught:
        load(path)
    assert all("\n" not in line for line in caught.value.problems)
    return [line.replace(f"{path}:", "").replace(f"{path}", "") for line in caught.value.problems]


def generation(more: str = "", master: str = "") -> str:
    """Return a complete ui.conf of one generation, whose section's options start at line 6."""
    return (
        f'[Genarris_master]\nprocedures = ["Pygenarris_Structure_Generation"]\n{master}\n'
        f"[pygenarris_structure_generation]\nmolecule_path = molecule.in\nZ = 2\nnum_structures = 10\n{more}\n"
    )


ROBUST = """\
[Genarris_master]
procedures = ["Relax_Single_Molecule", "Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation",
    "Run_Rdf_Calc", "Affinity_Propagation_Fixed_Clusters", "FHI_Aims_Energy_Evaluation",
    "Affinity_Propagation_Fixed_Clusters", "Run_FHI_Aims_Batch"]
engine = tblite

[relax_single_molecule]
molecule_path = molecule.in

[pygenarris_structure_generation]
Z = 2
num_structures = 10
output_dir = ./raw/

[affinity_propagation_fixed_clusters]
cluster_on_energy_2 = TRUE
"""
