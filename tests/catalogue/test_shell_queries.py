"""The questions of docs/catalogue.md, asked in the real Mongo shell of a small run; and its tables of fields."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from command import genarris, urea_folder
from declared import undeclared_in
from mongo_shell import PAGE, ask, find_mongosh, questions, stages
from small_run import CHILDREN, EXEMPLARS, IDS, OWNER, SPACE_GROUPS, crystal, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.described import described, fields
from genarris_fw.catalogue.documents import DOCUMENTS
from genarris_fw.catalogue.work_items import Item
from genarris_fw.database.launchpads import database_name

CHECKS: dict[str, Callable[[Any], None]] = {}
DENSITIES = {name: crystal(i, name).density for i, name in enumerate(IDS)}


def expects(title: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    def register(check: Callable[[Any], None]) -> Callable[[Any], None]:
        CHECKS[title] = check
        return check

    return register


@expects("The best energies of a pool")
def _(rows: Any) -> None:
    assert [row["struct_id"] for row in rows] == CHILDREN[::-1]
    assert rows[0]["properties"]["lattice_energy"] == pytest.approx(-1.1 * 96.48533212331)
    assert rows[0]["properties"]["energy"] == pytest.approx(2 * -311.1)


@expects("Structures by space group")
def _(rows: Any) -> None:
    assert {row["_id"]: row["structures"] for row in rows} == dict.fromkeys(SPACE_GROUPS, 3)
    of_14 = [DENSITIES[name] for i, name in enumerate(IDS) if SPACE_GROUPS[i % 4] == 14]
    [row] = [row for row in rows if row["_id"] == 14]
    assert (row["loosest"], row["densest"]) == pytest.approx((min(of_14), max(of_14)))


@expects("All structures of one space group")
def _(rows: Any) -> None:
    assert [row["struct_id"] for row in rows] == [IDS[2], IDS[6], IDS[10]]


@expects("The members of a cluster")
def _(rows: Any) -> None:
    assert [row["struct_id"] for row in rows] == IDS[6:9]
    assert {row["properties"]["AP_exemplar"] for row in rows} == {EXEMPLARS[2]}


@expects("The exemplars")
def _(rows: Any) -> None:
    assert rows == [{"_id": name, "cluster": i, "size": 3} for i, name in enumerate(EXEMPLARS)]


@expects("The densest structures")
def _(rows: Any) -> None:
    assert [row["struct_id"] for row in rows] == sorted(IDS, key=lambda name: -DENSITIES[name])[:5]


@expects("What failed, and why")
def _(rows: Any) -> None:
    assert rows == [
        {
            "step": "run_fhi_aims_batch",
            "key": EXEMPLARS[2],
            "error": "no SCF convergence in 250 cycles",
            "attempts": 1,
        }
    ]


@expects("What is running")
def _(rows: Any) -> None:
    [row] = rows
    assert (row["step"], row["key"]) == ("run_fhi_aims_batch", EXEMPLARS[3])
    assert row["lease"]["owner"] == OWNER
    assert datetime.fromisoformat(row["lease"]["since"]["$date"].replace("Z", "+00:00"))


@expects("The time that each step took")
def _(rows: Any) -> None:
    assert [(row["state"], row.get("seconds")) for row in rows] == [
        ("finished", 30),
        ("finished", 20),
        ("finished", 10),
        ("running", None),
    ]
    assert rows[0]["step"] == "fhi_aims_energy_evaluation"


@expects("What a run cost")
def _(rows: Any) -> None:
    assert {(row["_id"]["step"], row["_id"]["end"]): (row["attempts"], row["core_seconds"]) for row in rows} == {
        ("run_fhi_aims_batch", "done"): (2, 16),
        ("run_fhi_aims_batch", "failed"): (1, 14),
        ("pygenarris_structure_generation", "done"): (4, 10),
        ("fhi_aims_energy_evaluation", "done"): (4, 8),
    }
    assert {row["_id"]["host"] for row in rows} == {"node1"}


@expects("What a structure became")
def _(rows: Any) -> None:
    [row] = rows
    assert (row["struct_id"], row["parent"]) == (CHILDREN[1], EXEMPLARS[1])
    assert (row["properties"]["spg_before_relaxation"], row["properties"]["spg"]) == (19, 14)


@expects("Energy against density")
def _(lines: Any) -> None:
    assert [line.split(",")[:2] for line in lines] == [[CHILDREN[1], "14"], [CHILDREN[0], "2"]]
    assert [float(line.split(",")[2]) for line in lines] == pytest.approx(
        [DENSITIES[IDS[1]], DENSITIES[IDS[0]]], abs=6e-4
    )


@expects("How hard each space group was to fill")
def _(rows: Any) -> None:
    assert [row["space_group"] for row in rows] == SPACE_GROUPS[::-1]
    assert rows[-1]["draws_per_crystal"] == pytest.approx(100 / 3)


@expects("How many structures each pool has")
def _(rows: Any) -> None:
    sizes = {"clusters": 12, "energies": 4, "exemplars": 4, "raw": 12, "relaxed": 2}
    assert {row["_id"]: row["structures"] for row in rows} == sizes


@pytest.fixture
def filled(catalogue: Catalogue, tmp_path: Path) -> Catalogue:
    find_mongosh()
    fill(catalogue, tmp_path)
    fill(catalogue, tmp_path, run="another")
    return catalogue


def test_every_question_gives_what_it_promises(filled: Catalogue, database_uri: str) -> None:
    found = questions()
    assert set(found) == set(CHECKS) and len(found) >= 10
    for title, answer in zip(found, ask(database_uri, list(found.values()))):
        CHECKS[title](answer)


def test_every_question_uses_an_index(filled: Catalogue, database_uri: str) -> None:
    found = questions()
    for title, plan in zip(found, ask(database_uri, list(found.values()), explain=True)):
        used = stages(plan)
        assert "COLLSCAN" not in used, title
        assert used & {"IXSCAN", "IDHACK", "EXPRESS_IXSCAN", "COUNT_SCAN"}, (title, used)
        if title == "The best energies of a pool":
            assert "SORT" not in used


def documented(part: str) -> set[str]:
    """The names in the first column of the tables under a heading of the page."""
    text = PAGE.read_text().partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ((?:`[^|]+)) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_field_of_a_run_is_on_the_page(catalogue: Catalogue, tmp_path: Path) -> None:
    fill(catalogue, tmp_path)
    file = tmp_path / "matrix.dat"
    file.write_bytes(b"1")
    catalogue.artifacts.upload("urea", "a", file, ids=["x"], shape=[1, 1])
    catalogue.artifacts.record("urea", "b", file, ids=["x"], shape=[1, 1])
    catalogue.work_items.insert("urea", "x", [Item("y")])
    refuse_undocumented(catalogue)


def test_every_field_of_a_run_of_the_farm_is_on_the_page(
    catalogue: Catalogue, database_uri: str, tmp_path: Path
) -> None:
    pytest.importorskip("tblite", reason="the engine tblite is not installed")
    procedures = (
        "Relax_Single_Molecule",
        "Estimate_Unit_Cell_Volume",
        "Pygenarris_Structure_Generation",
        "Run_Rdf_Calc",
        "Affinity_Propagation_Fixed_Clusters",
        "FHI_Aims_Energy_Evaluation",
        "Run_FHI_Aims_Batch",
    )
    more = (
        "[relax_single_molecule]\nmolecule_path = urea.in\nengine = tblite\nmin_width = 3\nmax_steps = 2\n"
        "[affinity_propagation_fixed_clusters]\nnum_of_clusters = 2\noutput_without_success = TRUE\n"
    )
    conf = urea_folder(tmp_path, procedures=procedures, number=4, groups="[4]", more=more)
    done = genarris("run", str(conf), "--workers", "2", "--uri", database_uri, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    refuse_undocumented(catalogue)
    for step, summary in catalogue.runs.get("urea")["summaries"].items():
        row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{step}` |"))
        assert {f"`{name}`" for name in summary if name not in ("failed", "words")} <= set(
            re.findall(r"`[^`]+`", row)
        ), step


def refuse_undocumented(catalogue: Catalogue) -> None:
    """The types have every field, and the page has those; properties are told on the page alone."""
    assert undeclared_in(catalogue.database) == []
    names = documented("structures")
    for document in catalogue.database["structures"].find():
        assert set(document["properties"]) <= names


def test_the_page_has_the_fields_of_the_types() -> None:
    page = PAGE.read_text()
    assert described(page) == page
    for collection, document in DOCUMENTS.items():
        assert {name for name, _, _ in fields(document)} <= documented(collection)
        assert all(meaning for _, _, meaning in fields(document))


def test_the_page_lists_the_indexes_that_are_made(catalogue: Catalogue) -> None:
    text = PAGE.read_text().partition("\n## Indexes\n")[2]
    for collection in ("runs", "structures", "work_items", "replicas", "leases", "artifacts", "workflows", "fireworks"):
        assert f"`{collection}`" in text
        for name, index in catalogue.database[collection].index_information().items():
            keys = ", ".join(key for key, _ in index["key"]).replace("priority,", "priority (descending),")
            assert name == "_id_" or f"`{keys}`" in text, (collection, keys)


def test_the_shell_takes_the_embedded_servers_uri(database_uri: str) -> None:
    assert ask(database_uri, ["db.getName()"]) == [database_name(database_uri)]
