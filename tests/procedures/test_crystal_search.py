"""Crystal_Search in a run: the search of one process, however the work is shared out and whatever is killed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from command import genarris, start
from command_line import call
from in_process import InProcess
from lattice_urea import CHARGES, POTENTIAL_FILE, UREA, urea_model
from leases import scaled
from pymongo import MongoClient
from waiting import kill_after_events

from genarris_fw import lattice

GROUPS = [2, 4, 14, 19, 113]
WINDOW, DRAWS, SEED = 12.0, 700, 5
CONF = """\
[Genarris_master]
procedures = ["Molecular_Electrostatics", "Crystal_Search"]
run_name = urea
seed = {seed}
lease_seconds = {lease}

[molecular_electrostatics]
molecule_path = urea.in
charges_file = charges.json

[crystal_search]
Z = {Z}
space_groups = {groups}
window = {window}
{stop}
output_dir = minima
"""
STOP = "stop = draws\ndraws = {draws}"


def text_of(
    Z: int | list[int] = 2,
    groups: list[int] | str = GROUPS,
    window: float = WINDOW,
    draws: int = DRAWS,
    stop: str | None = None,
    seed: int = SEED,
) -> str:
    stop = STOP.format(draws=draws) if stop is None else stop
    return CONF.format(seed=seed, lease=scaled(5), Z=Z, groups=groups, window=window, stop=stop)


def folder_of(folder: Path, text: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(UREA, folder / "urea.in")
    shutil.copy(CHARGES, folder / "charges.json")
    conf = folder / "ui.conf"
    conf.write_text(text_of() if text is None else text)
    return conf


def pool(folder: Path, name: str = "minima") -> dict[str, dict]:
    """Return id -> all of an exported crystal."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((folder / name).glob("*.json"))}


def summary_of(uri: str, step: str = "crystal_search") -> dict:
    with MongoClient(uri) as client:
        return client.get_default_database().runs.find_one()["summaries"][step]


@pytest.fixture(scope="module")
def alone() -> lattice.Search:
    """The same search in this process."""
    model = urea_model()
    return lattice.search(model.molecules[0], 2, model, GROUPS, WINDOW, "draws", draws=DRAWS, seed=SEED)


def test_the_pool_is_that_of_one_process_for_2_and_4_workers(
    tmp_path: Path, databases: Callable[[], str], alone: lattice.Search
) -> None:
    pools, summaries = [], []
    for workers in ("2", "4"):
        folder, uri = tmp_path / workers, databases()
        done = genarris("run", str(folder_of(folder)), "--uri", uri, "--workers", workers, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        pools.append(pool(folder))
        summaries.append(summary_of(uri))
    assert pools[0] == pools[1]
    assert summaries[0] == summaries[1]
    found = sorted((one["properties"] for one in pools[0].values()), key=lambda one: one["lattice_energy"])
    assert len(found) == len(alone.structures) > 3
    for one, other in zip(found, alone.structures, strict=True):
        assert one["lattice_energy"] == pytest.approx(other.properties["lattice_energy"], abs=1e-6)
        for name in ("hits", "spg", "site_symmetry_group", "attempted_spg", "attempted_wyckoff_position", "draw"):
            assert one[name] == other.properties[name], name
    summary = summaries[0]
    assert summary["structures"] == len(alone.structures)
    assert summary["draws"] == alone.draws == DRAWS
    assert summary["failures"] == alone.failures
    assert (summary["estimate_low"], summary["estimate"], summary["estimate_high"]) == alone.completeness
    assert summary["reason"] == alone.reason == "draws"
    assert summary["lowest"] == pytest.approx(found[0]["lattice_energy"])
    # Urea's own crystal, P-42_1m, is the lowest of its five groups; its molecules lie on mm2.
    assert (found[0]["spg"], found[0]["site_symmetry_group"]) == (113, "mm2")


def test_killed_again_and_again_it_ends_in_the_same_pool(
    tmp_path: Path, databases: Callable[[], str], alone: lattice.Search
) -> None:
    conf, uri = folder_of(tmp_path / "killed"), databases()
    killed = 0
    for number in (1, 3, 5, 7, 8):
        process = start("run", str(conf), "--uri", uri, "--workers", "2", cwd=tmp_path)
        killed += kill_after_events(process, conf.parent, number)
    assert killed
    done = genarris("run", str(conf), "--uri", uri, "--workers", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = sorted((one["properties"] for one in pool(tmp_path / "killed").values()), key=lambda p: p["lattice_energy"])
    expected = [(one.properties["draw"], one.properties["hits"]) for one in alone.structures]
    assert [(one["draw"], one["hits"]) for one in found] == expected
    summary = summary_of(uri)
    assert (summary["draws"], summary["failures"], summary["estimate"]) == (
        DRAWS,
        alone.failures,
        alone.completeness[1],
    )
    with MongoClient(uri) as client:  # nothing of a killed attempt is left in the pool or beside it
        assert client.get_default_database().structures.count_documents({}) == len(alone.structures)


def test_documents_of_the_minima_and_how_many_a_search_writes(in_process: InProcess, alone: lattice.Search) -> None:
    folder_of(in_process.folder)
    record = in_process.run(text_of())
    assert record["state"] == "finished", record.get("failure")
    database = in_process.database
    documents = list(database.structures.find())
    assert len(documents) == len(alone.structures)
    for document in documents:
        about, kept = document["provenance"], document["energies"]["energy"]
        assert document["pools"] == ["minima"]
        assert about["step"] == "crystal_search" and about["seed"] == SEED
        assert about["site"].partition(":")[0] == str(document["properties"]["attempted_spg"])
        assert sum(about["hits"].values()) == document["properties"]["hits"]
        assert kept["engine"] == "lattice" and kept["details"]["method"].startswith("W99")
        assert kept["per_molecule"] * 96.485332 == pytest.approx(document["properties"]["lattice_energy"], abs=1e-5)
        assert kept["value"] == pytest.approx(2 * kept["per_molecule"])
    # A document for each minimum, one for each item. Items are of much the same counted work, however many sites have
    # a share in it.
    items = list(database.work_items.find({"step": "crystal_search", "payload.draws": {"$exists": True}}))
    found = [one for item in items for one in item["outcome"]["found"]]
    assert sum(one["item"]["count"] for one in found) == DRAWS
    work, rounds = sum(one["work"] for one in found), record["summaries"]["crystal_search"]["rounds"]
    assert len(items) <= 2 * (32 * rounds + work / 4000)
    assert all(len(one["minima"]) <= len(alone.structures) + 30 for one in found)
    # A last round settles what may be a saddle point; each minimum of the pool has gone through it.
    settling = list(database.work_items.find({"step": "crystal_search", "payload.settled": {"$exists": True}}))
    asked = [one for item in settling for one in item["payload"]["settled"]]
    ended = [one for item in settling for one in item["outcome"]["settled"]]
    assert len(ended) == len(asked) >= len(alone.structures)
    draws = {(site, draw) for site, draw in (one["origin"] for one in ended if one)}
    assert {(one["provenance"]["site"], one["provenance"]["draw"]) for one in documents} <= draws
    assert ended.count(None) == record["summaries"]["crystal_search"]["failures"].get("saddle point", 0)


def test_several_numbers_of_molecules_are_searched_at_once(in_process: InProcess) -> None:
    folder_of(in_process.folder)
    record = in_process.run(text_of(Z=[2, 4], groups=[4, 113], draws=200))
    assert record["state"] == "finished", record.get("failure")
    found = list(in_process.database.structures.find())
    assert all(len(one["geometry"]["species"]) == 8 * one["Z"] == 8 * one["properties"]["Z"] for one in found)
    lowest = min(one["properties"]["lattice_energy"] for one in found)
    assert record["summaries"]["crystal_search"]["lowest"] == pytest.approx(lowest)


def test_it_ends_when_nothing_seems_to_be_missing_or_enough_is_found_or_enough_was_worked(
    in_process: InProcess,
) -> None:
    folder_of(in_process.folder)
    for number, (stop, reason) in enumerate(
        (
            ("stop = complete", "complete"),
            ("stop = structures\nnum_structures = 1", "structures"),
            ("stop = complete\nmax_work = 5", "work"),
        )
    ):
        text = text_of(groups=[113], window=3, stop=stop).replace("run_name = urea", f"run_name = urea{number}")
        text = text.replace("output_dir = minima", f"output_dir = minima{number}")
        record = in_process.run(text)
        assert record["state"] == "finished", record.get("failure")
        summary = record["summaries"]["crystal_search"]
        assert summary["reason"] == reason
        assert summary["lowest"] == pytest.approx(-101.859, abs=0.01)


def test_closing_table_status_and_failures_by_reason(tmp_path: Path, database_uri: str) -> None:
    conf = folder_of(tmp_path, text_of(groups=[4, 113], draws=100))
    done = genarris("run", str(conf), "--uri", database_uri, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    output = " ".join(done.stdout.split())
    for words in ("minima", "kJ/mol per molecule", "100 draws", "ended: draws"):
        assert words in output
    status = genarris("status", "urea", "--uri", database_uri, cwd=tmp_path)
    assert status.returncode == 0 and "crystal_search" in status.stdout and "ended: draws" in status.stdout
    summary = summary_of(database_uri)
    assert set(summary["failures"]) <= {
        "overlapping", "steps used up", "collapsed", "evaporated", "stuck", "saddle point"
    }  # fmt: skip
    assert summary["minimised"] + summary["failures"].get("overlapping", 0) == 100


def test_without_charges_before_they_are_computed(in_process: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual charges: HF/6-31G**, kept by the molecule's content, computed once for the run's replicas."""
    pytest.importorskip("pyscf")
    folder_of(in_process.folder)
    text = text_of(groups=[113], draws=20).replace('"Molecular_Electrostatics", ', "")
    text = text.replace("[molecular_electrostatics]\n", "").replace("charges_file = charges.json\n", "")
    text = text.replace("molecule_path = urea.in\n", "").replace("Z = 2", "molecule_path = urea.in\nZ = 2")
    record = in_process.run(text)
    assert record["state"] == "finished", record.get("failure")
    summary = record["summaries"]["crystal_search"]
    # Those of the file are the same, fitted to hydrogens elsewhere.
    assert summary["lowest"] == pytest.approx(-101.86, abs=1.0)
    assert "HF/6-31G**" in summary["model"]
    [kept] = in_process.database.molecular_potentials.find()
    assert kept


def test_check_shows_the_sites_and_options_show_the_procedure(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    found = call(capsys, "check", folder_of(tmp_path), "--json").json
    assert found["problems"] == []
    groups = {one["space_group"]: one["sites"] for one in found["space_groups"] if one["step"] == "crystal_search"}
    assert set(groups) <= set(GROUPS) and {"wyckoff": "2c", "site_symmetry": "mm2"} in groups[113]
    rows = {(one["section"], one["option"]): one["value"] for one in found["options"]}
    assert rows["crystal_search", "electrostatics_step"] == "molecular_electrostatics"
    assert rows["crystal_search", "window"] == WINDOW and rows["crystal_search", "potential"] == "W99star"
    told = call(capsys, "options", "crystal_search", "--json").json["Crystal_Search"]["options"]
    units = {one["option"]: one["unit"] for one in told}
    assert units["window"] == "kJ/mol" and {"stop", "draws", "max_work", "potential", "Z"} <= set(units)


def test_check_warns_of_a_flexible_molecule_and_of_a_z_that_no_group_offers(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    text = text_of(Z=[4, 7], groups=[14]).replace("charges_file = charges.json", "method = GFN2")
    conf = folder_of(tmp_path, text.replace("urea.in", "aspirin.in"))
    shutil.copy(Path(__file__).parents[1] / "data" / "generation_aspirin.in", tmp_path / "aspirin.in")
    done = call(capsys, "check", conf, "--json")
    pytest.importorskip("tblite")
    assert done.code == 0, done.out
    said = [note for note in done.json["notices"] if note.startswith("crystal_search: ")]
    assert any("rotatable bond" in note for note in said) and any("Z = 7: no wanted" in note for note in said)


# --- what cannot be searched --------------------------------------------------------------------------------------

TWO_PIECES = UREA.read_text() + "atom 9.0 0.0 0.0 O\natom 9.7 0.6 0.0 H\natom 8.3 0.6 0.0 H\n"
NO_HYDROGENS = "\n".join(line for line in UREA.read_text().splitlines() if not line.endswith(" H")) + "\n"
CHARGED = json.loads(CHARGES.read_text())
CHARGED["multipoles"][0][0] += 0.3
# Pairs have no rule to follow from: only those of like atoms are given.
LACKING = json.loads(POTENTIAL_FILE.read_text())
del LACKING["combine"]
FILES = {
    "pieces.in": TWO_PIECES,
    "bare.in": NO_HYDROGENS,
    "charged.json": json.dumps(CHARGED),
    "lacking.json": json.dumps(LACKING),
}


def bad_folder(folder: Path, changes: dict[str, str]) -> Path:
    text = text_of()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    conf = folder_of(folder, text)
    for name, content in FILES.items():
        (folder / name).write_text(content)
    return conf


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"window = 12.0": "window = 0"}, "window"),
        ({"Z = 2": "Z = 0"}, "Z"),
        ({"Z = 2": "Z = two"}, "Z"),
        ({"stop = draws\ndraws = 700": "stop = draws"}, "stop = draws needs draws"),
        ({"draws = 700": "draws = 0"}, "draws"),
        ({"output_dir = minima": "output_dir = minima\npotential = FTI"}, "potential"),
        ({"output_dir = minima": "output_dir = minima\npotential = lacking.json"}, "lacking.json"),
        ({"charges_file = charges.json": "charges_file = nowhere.json"}, "nowhere.json"),
        ({"charges_file = charges.json": "charges_file = charged.json"}, "sum to +0.3"),
        ({"Z = 2": "Z = 7"}, "Z = 7"),
        ({"urea.in": "pieces.in"}, "pieces"),
        ({"urea.in": "bare.in"}, "hydrogen"),
    ],
)
def test_bad_input_is_told_by_check(
    changes: dict[str, str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    done = call(capsys, "check", bad_folder(tmp_path, changes))
    said = [line for line in done.err.splitlines() if words in line]
    assert done.code == 2 and said and "Traceback" not in done.err, done.err
    assert all(line.startswith("genarris-fw: ") for line in done.err.splitlines()), done.err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"charges_file = charges.json": "charges_file = charged.json"}, "sum to +0.3"),
        ({"Z = 2": "Z = 7"}, "Z = 7"),
        ({"urea.in": "bare.in", "charges_file = charges.json": "method = GFN2"}, "hydrogen"),
    ],
)
def test_bad_input_is_the_one_line_of_a_failed_run(changes: dict[str, str], words: str, in_process: InProcess) -> None:
    if "method = GFN2" in changes.values():
        pytest.importorskip("tblite")
    conf = bad_folder(in_process.folder, changes)
    record = in_process.run(conf.read_text())
    assert record["state"] == "failed"
    assert words in record["failure"] and "\n" not in record["failure"] and "Traceback" not in record["failure"]
