"""Clustering in a run: the same answer for any number of replicas, every method, the second pass, bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from in_process import InProcess, waters

from genarris_fw.clustering import affinity_propagation, choose_by_energy, kmedoids, memory_needed, minibatch_kmeans
from genarris_fw.crystal import Structure
from genarris_fw.descriptors import distance_matrix, rdf, read_matrix, submatrix
from genarris_fw.procedures import affinity_propagation_fixed_clusters as procedure

CONF = """\
[Genarris_master]
procedures = {procedures}
run_name = pool
seed = 3
[run_rdf_calc]
structure_dir = raw
normalize_rdf_vectors = True
standardize_distance_matrix = True
{rdf}
[affinity_propagation_fixed_clusters]
num_of_clusters = 6
output_dir = clustered
exemplars_output_dir = exemplars
{more}
"""
TWO = '["Run_Rdf_Calc", "Affinity_Propagation_Fixed_Clusters"]'
THREE = '["Run_Rdf_Calc", "Affinity_Propagation_Fixed_Clusters", "Affinity_Propagation_Fixed_Clusters"]'
STEP = "affinity_propagation_fixed_clusters"


def run(farm: InProcess, more: str = "", rdf: str = "", procedures: str = TWO, **conditions: object) -> dict:
    return farm.run(CONF.format(procedures=procedures, more=more, rdf=rdf), **conditions)


def labels(farm: InProcess, ids: list[str], key: str = "AP_cluster") -> list[int]:
    found = farm.database.structures.find({"struct_id": {"$in": ids}})
    by_id = {document["struct_id"]: document["properties"][key] for document in found}
    return [by_id[name] for name in ids]


def matrix_of(pool: list[Structure]) -> np.ndarray:
    return distance_matrix(rdf(pool), normalize=True, standardize=True)


@pytest.mark.parametrize("replicas", [1, 2, 5])
def test_the_search_is_the_same_for_any_number_of_replicas(
    in_process: InProcess, monkeypatch: pytest.MonkeyPatch, replicas: int
) -> None:
    monkeypatch.setattr(procedure, "FEW", 10)
    pool = waters(60)
    in_process.write_pool(pool)
    record = run(in_process, f"num_replicas = {replicas}")
    assert record["state"] == "finished", record.get("failure")
    alone = affinity_propagation(matrix_of(pool), 6)
    summary = record["summaries"][STEP]
    assert [tuple(one) for one in summary["tried"]] == alone.tried and summary["clusters"] == 6
    ids = [structure.struct_id for structure in pool]
    assert labels(in_process, ids) == alone.labels.tolist()
    assert summary["exemplars"] == [ids[row] for row in alone.exemplars]
    fits = in_process.database.work_items.count_documents({"step": STEP, "state": "done"})
    assert fits >= len(alone.tried) and (replicas > 1 or fits == len(alone.tried))
    text = (in_process.folder / "AP_cluster.info").read_text()
    assert "preference  clusters  converged" in text and len(text.splitlines()) == len(alone.tried) + 6 + 5


def test_kmedoids(in_process: InProcess) -> None:
    pool = waters(40)
    in_process.write_pool(pool)
    record = run(in_process, "cluster_method = kmedoids")
    assert record["state"] == "finished", record.get("failure")
    assert labels(in_process, [s.struct_id for s in pool]) == kmedoids(matrix_of(pool), 6, seed=3).labels.tolist()
    assert record["summaries"][STEP]["method"] == "kmedoids"
    assert not (in_process.folder / "affinity_matrix.dat").exists()


def test_minibatch_kmeans_needs_no_matrix_and_a_second_pass_has_one(in_process: InProcess) -> None:
    pool = waters(40)
    in_process.write_pool(pool)
    second = "[affinity_propagation_fixed_clusters_2]\nstructure_dir = exemplars\n"
    second += "cluster_method = affinity\nnum_of_clusters = 2\n"
    more = "cluster_method = minibatch_kmeans\n" + second
    record = run(in_process, more, "distance_matrix = False", THREE)
    assert record["state"] == "finished", record.get("failure")
    assert not (in_process.folder / "rdf_distance_matrix.dat").exists()
    alone = minibatch_kmeans(rdf(pool), 6, seed=3, normalize=True)
    assert labels(in_process, [s.struct_id for s in pool]) == alone.labels.tolist()
    # The distances between the exemplars are those of the pool's matrix, but for its scale.
    matrix, ids = read_matrix(next(in_process.folder.glob("distance_matrix1.dat")))
    whole = submatrix(matrix_of(pool), [s.struct_id for s in pool], ids)
    np.testing.assert_allclose(matrix / matrix.max(), whole / whole.max(), rtol=1e-6)
    assert record["summaries"][STEP + "_2"]["clusters"] == 2


def test_the_second_pass_keeps_the_first(in_process: InProcess) -> None:
    pool = waters(40)
    in_process.write_pool(pool)
    second = "[affinity_propagation_fixed_clusters_2]\nstructure_dir = exemplars\n"
    record = run(in_process, f"num_of_clusters_2 = 2\ncluster_on_energy_2 = True\n{second}", procedures=THREE)
    assert record["state"] == "finished", record.get("failure")
    first, second = (record["summaries"][STEP + end] for end in ("", "_2"))
    assert len(first["exemplars"]) == 6 and len(second["exemplars"]) == 2
    energy = {s.struct_id: s.properties["energy"] for s in pool}
    members = sorted(first["exemplars"])
    found = choose_by_energy(labels(in_process, members, "AP_cluster_2"), [energy[name] for name in members])
    assert second["exemplars"] == [members[row] for row in found]
    documents = in_process.database.structures
    assert documents.count_documents({"properties.AP_exemplar": {"$exists": True}}) == 40
    assert documents.count_documents({"properties.AP_exemplar_2": {"$exists": True}}) == 6


def test_scikit_learn_gives_the_same(in_process: InProcess) -> None:
    pool = waters(40)
    in_process.write_pool(pool)
    record = run(in_process, "solver = scikit-learn")
    assert record["state"] == "finished", record.get("failure")
    assert labels(in_process, [s.struct_id for s in pool]) == affinity_propagation(matrix_of(pool), 6).labels.tolist()


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("method", ["affinity", "kmedoids", "minibatch_kmeans"])
def test_tiny_pools(in_process: InProcess, number: int, method: str) -> None:
    in_process.write_pool(waters(number))
    record = run(in_process, f"cluster_method = {method}")
    assert record["state"] == "failed"
    assert f"there are only {number} structures to cluster" in record["failure"]
    in_process.launchpad.db.client.drop_database(in_process.launchpad.db.name)
    again = InProcess(in_process.uri, in_process.folder / "again")
    again.write_pool(waters(number))
    text = CONF.replace("num_of_clusters = 6", f"num_of_clusters = {number}")
    record = again.run(text.format(procedures=TWO, more=f"cluster_method = {method}", rdf=""))
    assert record["state"] == "finished", record.get("failure")
    again.close()
    assert record["summaries"][STEP]["clusters"] == number


def identical(number: int) -> list[Structure]:
    one = waters(1)[0]
    return [
        Structure(one.lattice, one.species, one.positions, dict(one.properties), f"same_{i}") for i in range(number)
    ]


@pytest.mark.parametrize("method", ["affinity", "kmedoids", "minibatch_kmeans"])
def test_identical_structures_are_one_cluster_or_refused_in_one_line(in_process: InProcess, method: str) -> None:
    in_process.write_pool(identical(8))
    record = run(in_process, f"cluster_method = {method}")
    assert record["state"] == "failed"
    assert "num_of_clusters" in record["failure"] or "clusters" in record["failure"]
    assert "\n" not in record["failure"]
    assert nothing_written(in_process)


def nothing_written(farm: InProcess) -> bool:
    files = ("clustered", "exemplars", "AP_cluster.info", "affinity_matrix.dat")
    marked = farm.database.structures.count_documents({"properties.AP_cluster": {"$exists": True}})
    return not marked and not any((farm.folder / name).exists() for name in files)


def with_nan(folder: Path) -> str:
    from genarris_fw.descriptors import write_matrix

    ids = [structure.struct_id for structure in waters(8)]
    path = folder / "given.dat"
    matrix = distance_matrix(np.random.default_rng(0).normal(size=(8, 3)))
    write_matrix(path, matrix, ids)
    matrix[1, 2] = np.nan
    matrix.astype("<f4").tofile(path)
    (folder / "given.dat.json").unlink()
    return "dist_mat_input_file = given.dat"


def of_others(folder: Path) -> str:
    from genarris_fw.descriptors import write_matrix

    write_matrix(folder / "given.dat", np.zeros((8, 8)), [f"other_{i}" for i in range(8)])
    return "dist_mat_input_file = given.dat"


def test_a_matrix_of_the_original_is_read_with_a_list_of_ids(in_process: InProcess) -> None:
    """Headerless, its rows in the order in which some file system listed the structures."""
    pool = waters(12)
    in_process.write_pool(pool)
    order = np.random.default_rng(0).permutation(12)
    matrix = matrix_of(pool)
    matrix[np.ix_(order, order)].astype("<f4").tofile(in_process.folder / "old.dat")
    (in_process.folder / "rows.txt").write_text("".join(f"{pool[row].struct_id}\n" for row in order))
    more = "structure_dir = raw\ndist_mat_input_file = old.dat\ndist_mat_ids_file = rows.txt"
    record = run(in_process, more, procedures=f'["{STEP}"]')
    assert record["state"] == "finished", record.get("failure")
    assert labels(in_process, [s.struct_id for s in pool]) == affinity_propagation(matrix, 6).labels.tolist()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("cluster_on_energy = True", "cluster_on_energy needs the property 'energy', and 8 structures lack it"),
        (with_nan, "the ids of its rows are unknown"),
        (of_others, "the distance matrix has no row for water_0000 (8 ids are missing)"),
    ],
)
def test_bad_input(in_process: InProcess, more: object, words: str) -> None:
    pool = waters(8)
    for structure in pool:
        structure.properties.pop("energy")
    in_process.write_pool(pool)
    options = more if isinstance(more, str) else more(in_process.folder)
    record = run(in_process, options)
    assert record["state"] == "failed"
    assert words in record["failure"] and "\n" not in record["failure"]
    assert nothing_written(in_process)


def test_vectors_that_are_missing(in_process: InProcess) -> None:
    pool = waters(12)
    for i, structure in enumerate(pool):
        structure.properties["RDF"] = [float(i), 1.0]
    pool[4].properties.pop("RDF")
    in_process.write_pool(pool)
    text = CONF.format(
        procedures='["Affinity_Propagation_Fixed_Clusters"]',
        more="cluster_method = minibatch_kmeans\nstructure_dir = raw",
        rdf="",
    )
    record = in_process.run(text)
    assert record["state"] == "failed"
    assert "1 of 12 structures lack the vector 'RDF' (first water_0004)" in record["failure"]
    assert nothing_written(in_process)


def test_structures_of_different_composition_have_vectors_of_one_length(in_process: InProcess) -> None:
    pool = waters(10)
    odd = Structure(np.eye(3) * 6, ["C", "O"], [[0, 0, 0], [1.13, 0, 0]], {"Z": 1, "spg": 1}, "carbon_monoxide")
    in_process.write_pool([*pool, odd])
    record = run(in_process)
    assert record["state"] == "finished", record.get("failure")
    assert record["summaries"]["run_rdf_calc"]["dimensions"] == 9 * 12


def test_too_little_memory_is_said_before_anything_is_allocated(
    in_process: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genarris_fw.clustering import memory

    monkeypatch.setattr(memory, "memory_here", lambda root="/": memory_needed("affinity", 8) - 1)
    in_process.write_pool(waters(8))
    record = run(in_process)
    assert record["state"] == "failed"
    assert "cluster_method = affinity needs" in record["failure"] and "choose cluster_method" in record["failure"]
    assert nothing_written(in_process)
