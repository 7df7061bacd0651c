"""Select_Structures: every choice, and what it needs."""

from __future__ import annotations

import numpy as np
import pytest
from in_process import InProcess, waters

from genarris_fw.clustering.diversity import most_diverse_of_vectors

CONF = """\
[Genarris_master]
procedures = ["Select_Structures"]
run_name = choice
[select_structures]
structure_dir = raw
{options}
"""
KJ_PER_MOL_PER_EV = 96.48533212331


def chosen(farm: InProcess, options: str) -> list[str]:
    record = farm.run(CONF.format(options=options))
    assert record["state"] == "finished", record.get("failure")
    found = farm.database.structures.find({"pools": "select_structures"}).sort("struct_id")
    names = [document["struct_id"] for document in found]
    assert sorted(path.stem for path in (farm.folder / "select_structures").glob("*.json")) == names
    assert record["summaries"]["select_structures"]["structures"] == len(names)
    return names


def test_energy_window(in_process: InProcess) -> None:
    pool = waters(30)
    in_process.write_pool(pool)
    energy = {s.struct_id: s.properties["energy"] / 2 * KJ_PER_MOL_PER_EV for s in pool}
    lowest = min(energy.values())
    window = sorted(energy.values())[9] - lowest + 1e-6
    names = chosen(in_process, f"energy_window = {window}")
    assert names == sorted(name for name in energy if energy[name] - lowest <= window)
    assert len(names) == 10


def test_best_of_each_space_group_and_cluster(in_process: InProcess) -> None:
    pool = waters(30)
    for i, structure in enumerate(pool):
        structure.properties["AP_cluster"] = i % 4
    in_process.write_pool(pool)
    names = chosen(in_process, "best_per_cluster = 5\nbest_per_space_group = 2")

    def best(structures: list, key: str, number: int) -> list:
        groups = {s.properties[key] for s in structures}
        ranked = sorted(structures, key=lambda s: s.properties["energy"])
        return [s for g in groups for s in [r for r in ranked if r.properties[key] == g][:number]]

    assert names == sorted(s.struct_id for s in best(best(pool, "AP_cluster", 5), "spg", 2))


def test_most_diverse_by_vectors_begins_with_the_best(in_process: InProcess) -> None:
    pool = waters(25)
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(25, 6))
    for structure, vector in zip(pool, vectors):
        structure.properties["RDF"] = vector.tolist()
    in_process.write_pool(pool)
    best = int(np.argmin([s.properties["energy"] for s in pool]))
    rows = most_diverse_of_vectors(vectors, 7, first=best)
    assert chosen(in_process, "most_diverse = 7") == sorted(pool[row].struct_id for row in rows)


def test_more_than_there_are_is_all(in_process: InProcess) -> None:
    in_process.write_pool(waters(3))
    assert len(chosen(in_process, "most_diverse = 7")) == 3


@pytest.mark.parametrize(
    ("options", "lost", "words"),
    [
        ("energy_window = 5", "energy", "energy_window needs the energy 'energy', and 4 structures lack it"),
        ("best_per_cluster = 1", "", "best_per_cluster needs the property 'AP_cluster'"),
        ("most_diverse = 2", "", "4 of 4 structures lack the vector 'RDF'"),
    ],
)
def test_what_a_choice_needs_is_missing(in_process: InProcess, options: str, lost: str, words: str) -> None:
    pool = waters(4)
    for structure in pool:
        structure.properties.pop(lost, None)
    in_process.write_pool(pool)
    record = in_process.run(CONF.format(options=options))
    assert record["state"] == "failed"
    assert words in record["failure"] and "\n" not in record["failure"]
    assert not (in_process.folder / "select_structures").exists()
