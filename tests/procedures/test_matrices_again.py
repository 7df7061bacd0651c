"""A distance matrix that is gone, as in a folder that was restored from a backup, is made again by its step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fireworks import FWorker, LaunchPad
from fireworks.core.rocket_launcher import launch_rocket
from in_process import InProcess, waters

RDF = """\
[Genarris_master]
procedures = ["Run_Rdf_Calc", "Select_Structures"]
run_name = again
[run_rdf_calc]
structure_dir = raw
output_dir = rdf
standardize_distance_matrix = {standardize}
[select_structures]
most_diverse = 4
"""
CLUSTERED = """\
[Genarris_master]
procedures = ["Run_Rdf_Calc", "Affinity_Propagation_Fixed_Clusters", "Affinity_Propagation_Fixed_Clusters"]
run_name = again
[run_rdf_calc]
structure_dir = raw
output_dir = rdf
[affinity_propagation_fixed_clusters]
num_of_clusters = 5
num_of_clusters_tolerance = 2
num_of_clusters_2 = 2
num_of_clusters_tolerance_2 = 1
exemplars_output_dir = exemplars
structure_dir_2 = exemplars
output_without_success = True
"""
RCD = """\
[Genarris_master]
procedures = ["RCD_Calculation", "RCD_Difference_Folder_Inner", "Select_Structures"]
run_name = again
[rcd_calculation]
structure_dir = raw
molecule_path = molecule.in
output_dir = rcd
[rcd_difference_folder_inner]
[select_structures]
most_diverse = 4
"""


def lose(folder: Path, step: str):
    """Return what launches a run, and removes every matrix when a step is collected."""

    def launch(pad: LaunchPad, run: str) -> None:
        lost: list[Path] = []
        while launch_rocket(pad, FWorker(query={"spec.run": run}), strm_lvl="CRITICAL"):
            record = pad.db.runs.find_one({"_id": run}) or {}
            if not lost and step in record.get("summaries", {}):
                lost += folder.glob("*.dat")
                assert lost
                for path in lost:
                    path.rename(path.with_suffix(".lost"))

    return launch


@pytest.mark.parametrize(
    ("conf", "step"),
    [
        (RDF.format(standardize=True), "run_rdf_calc"),
        (RDF.format(standardize=False), "run_rdf_calc"),
        (CLUSTERED, "affinity_propagation_fixed_clusters"),
        (RCD, "rcd_difference_folder_inner"),
    ],
)
def test_made_again_as_it_was(in_process: InProcess, conf: str, step: str) -> None:
    in_process.write_pool(waters(12))
    (in_process.folder / "molecule.in").write_text("atom 0 0 0 O\natom 0.757 0.586 0 H\natom -0.757 0.586 0 H\n")
    record = in_process.run(conf, launch=lose(in_process.folder, step))
    assert record["state"] == "finished", record.get("failure")
    name = f"{step}.distances"
    again = Path(in_process.database.artifacts.find_one({"run": "again", "name": name})["path"])
    found, first = (np.fromfile(path, dtype="<f4") for path in (again, again.with_suffix(".lost")))
    assert found.size == first.size and np.abs(found - first).max() <= 1e-6 * np.abs(first).max()
