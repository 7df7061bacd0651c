"""The runs that docs/queries.md asks: the demo, a small Robust workflow, one that reuses, and one that is under way."""

from __future__ import annotations

import shutil
from pathlib import Path

from command import EXAMPLES, genarris
from pymongo import MongoClient
from small_run import fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import Structure, read, write
from genarris_fw.database.launchpads import database_name

ROBUST = """\
[Genarris_master]
procedures = ["Relax_Single_Molecule", "Pygenarris_Structure_Generation", "Remove_Duplicates", "Run_Rdf_Calc",
    "Affinity_Propagation_Fixed_Clusters", "FHI_Aims_Energy_Evaluation", "Run_FHI_Aims_Batch", "Remove_Duplicates",
    "FHI_Aims_Energy_Evaluation", "Run_FHI_Aims_Batch"]
run_name = robust
seed = 7
engine = tblite
min_width = 3
retry_delay = 0
max_attempts = 2

[relax_single_molecule]
molecule_path = urea.in
Z = 2
fmax = 0.2

[pygenarris_structure_generation]
num_structures = 12
Z = 2
volume_mean = 150
sr = 0.85
tol = 0.01
max_attempts_per_spg = 20000
space_groups = [2, 4, 14]
output_dir = raw

[remove_duplicates]
structure_dir = raw
output_dir = unique

[affinity_propagation_fixed_clusters]
num_of_clusters = 3
num_of_clusters_tolerance = 1
output_without_success = True
output_dir = clustered
exemplars_output_dir = exemplars

[fhi_aims_energy_evaluation]
output_dir = energies

[run_fhi_aims_batch]
max_steps = 2
output_dir = relaxed

# Crystals that were brought: the measured one, the same once more, and one with two atoms in one place.
[remove_duplicates_2]
structure_dir = brought
output_dir = different

[fhi_aims_energy_evaluation_2]
structure_dir = different
output_dir = different_energies

[run_fhi_aims_batch_2]
structure_dir = different_energies
output_dir = different_relaxed
"""
AGAIN = """\
[Genarris_master]
procedures = ["FHI_Aims_Energy_Evaluation"]
run_name = again
engine = tblite
min_width = 3
reuse = True

[fhi_aims_energy_evaluation]
structure_dir = brought
Z = 2
"""


def run_all(uri: str, folder: Path) -> None:
    """Carry the runs out, in folders of their own, into one database."""
    brought = _brought()
    for name, conf in (("robust", ROBUST), ("again", AGAIN)):
        place = folder / name
        place.mkdir()
        shutil.copy(EXAMPLES / "urea" / "urea.in", place)
        write(brought if name == "robust" else brought[:1], place / "brought", "json")
        (place / "ui.conf").write_text(conf)
        _run(place, uri, 3 if name == "robust" else 0)
    shutil.copytree(EXAMPLES / "urea", folder / "urea")
    _run(folder / "urea", uri, 0)
    with MongoClient(uri) as client:
        fill(Catalogue(client[database_name(uri)]), folder, run="half")


def _run(folder: Path, uri: str, code: int) -> None:
    done = genarris("run", "ui.conf", "--workers", "2", "--quiet", "--uri", uri, cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr


def _brought() -> list[Structure]:
    [measured] = read(EXAMPLES / "urea" / "urea.cif")
    measured.struct_id, measured.properties = "measured", {"Z": 2, "spg": 113}
    again, squeezed = measured.copy(), measured.copy()
    again.struct_id, squeezed.struct_id = "measured_again", "squeezed"
    again.positions += [0.3, 0.2, 0.1]  # from another origin
    squeezed.positions[1] = squeezed.positions[0] + 0.1
    return [measured, again, squeezed]
