"""The published benzene pool through the farm: descriptors, clustering, and a second clustering on the right rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import genarris
from databases import new_database
from pymongo import MongoClient

from genarris_fw.descriptors import read_matrix

TUTORIAL = Path(__file__).parents[2].parent / "shared" / "data" / "benzene_tutorial"
# Exemplar -> energy (eV) and cluster size of the published first clustering; its second pass, done right.
FIRST = {
    "5bfdea5c75": -12627.206,
    "1f0f30abd3": -12628.662,
    "1d32b19e61": -12626.953,
    "97c4667d6b": -12628.308,
    "f76d6fd98a": -12627.496,
    "bc37144c07": -12626.802,
    "00c3602574": -12628.587,
    "cebb61495a": -12627.039,
    "7d8d79ef56": -12627.283,
}
SIZES = [14, 13, 11, 11, 11, 9, 8, 7, 5]
SECOND = {"1f0f30abd3", "97c4667d6b", "00c3602574"}

CONF = """\
[Genarris_master]
procedures = ["Run_RSF_Calc", "Affinity_Propagation_Fixed_Clusters", "Affinity_Propagation_Fixed_Clusters"]
run_name = tutorial
[run_rsf_calc]
structure_dir = raw
output_dir = rsf
dist_mat_fpath = rsf_distance_matrix.dat
normalize_rsf_vectors = TRUE
standardize_distance_matrix = TRUE
Rs_range = [1, 10]
[affinity_propagation_fixed_clusters]
preference = -421.053
num_of_clusters = 9
preference_range = [-2000, 1000]
output_dir = clustered
exemplars_output_dir = exemplars
exemplars_output_format = json
output_dir_2 = clustered_2
exemplars_output_dir_2 = exemplars_2
num_of_clusters_2 = 3
cluster_on_energy_2 = TRUE
energy_name = energy
plot_histograms = TRUE
[affinity_propagation_fixed_clusters_2]
structure_dir = exemplars
preference = -200
"""


def short(struct_id: str) -> str:
    return struct_id.removeprefix("geometry_")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, mongod: str):
    if not TUTORIAL.is_dir():
        pytest.skip("the published tutorial data are not beside the repository")
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "raw").mkdir()
    for path in (TUTORIAL / "raw_jsons").glob("*.json"):
        record = json.loads(path.read_text())
        if short(record["struct_id"]) in FIRST:
            record["properties"]["energy"] = FIRST[short(record["struct_id"])]
        (folder / "raw" / path.name).write_text(json.dumps(record))
    (folder / "ui.conf").write_text(CONF)
    with new_database(mongod) as uri:
        result = genarris("run", str(folder / "ui.conf"), "--uri", uri, cwd=folder)
        assert result.returncode == 0, result.stderr
        with MongoClient(uri) as client:
            yield folder, client.get_default_database()


def test_the_distance_matrix_is_the_published_one(finished) -> None:
    folder, _ = finished
    matrix, ids = read_matrix(folder / "rsf_distance_matrix.dat")
    assert len(ids) == 89 and ids == sorted(ids)
    matrix = np.asarray(matrix)
    assert matrix[matrix > 0].min() == pytest.approx(0.009938, abs=1e-6)
    assert matrix.mean() == pytest.approx(0.303022, abs=1e-6)


def test_the_first_clustering_has_the_published_exemplars_and_sizes(finished) -> None:
    folder, database = finished
    exemplars = database.runs.find_one()["summaries"]["affinity_propagation_fixed_clusters"]["exemplars"]
    assert {short(name) for name in exemplars} == set(FIRST)
    sizes = [
        row["n"]
        for row in database.structures.aggregate([{"$group": {"_id": "$properties.AP_cluster", "n": {"$sum": 1}}}])
    ]
    assert sorted(sizes, reverse=True) == SIZES
    assert {short(path.stem) for path in (folder / "exemplars").glob("*.json")} == set(FIRST)


def test_the_second_clustering_is_done_on_the_exemplars_rows(finished) -> None:
    folder, database = finished
    exemplars = database.runs.find_one()["summaries"]["affinity_propagation_fixed_clusters_2"]["exemplars"]
    assert {short(name) for name in exemplars} == SECOND
    # The first labels are still there, and every member names its exemplar.
    members = list(database.structures.find({"pools": "exemplars"}))
    assert len(members) == 9
    for member in members:
        properties = member["properties"]
        assert short(properties["AP_exemplar"]) == short(member["struct_id"])
        assert short(properties["AP_exemplar_2"]) in SECOND
    whole, ids = read_matrix(folder / "rsf_distance_matrix.dat")
    part, chosen = read_matrix(folder / "rsf_distance_matrix1.dat")
    rows = [ids.index(name) for name in chosen]
    assert {short(name) for name in chosen} == set(FIRST)
    assert np.array_equal(np.asarray(part), np.asarray(whole)[np.ix_(rows, rows)])
    for name in ("affinity_matrix.dat", "affinity_matrix1.dat"):
        assert (folder / name).is_file()
    for step in ("affinity_propagation_fixed_clusters", "affinity_propagation_fixed_clusters_2"):
        for picture in ("volumes", "space_groups"):
            assert (folder / f"{step}_{picture}.png").read_bytes().startswith(b"\x89PNG")
            assert "<svg" in (folder / f"{step}_{picture}.svg").read_text()
