"""The tables of fields of docs/catalogue.md, held against the documents of real runs and against their types."""

import re
from pathlib import Path

import pytest
from command import genarris, urea_folder
from declared import undeclared_in
from mongo_shell import ask
from small_run import fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.described import described, fields
from genarris_fw.catalogue.documents import DOCUMENTS
from genarris_fw.catalogue.work_items import Item
from genarris_fw.database.launchpads import database_name

PAGE = Path(__file__).parents[2] / "docs" / "catalogue.md"


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
