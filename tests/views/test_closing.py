"""The closing table of the small run."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from small_run import CHILDREN, EXEMPLARS, IDS, KJ_PER_MOL, RUN, crystal

from genarris_fw.catalogue import Catalogue
from genarris_fw.views.closing import closing, render


def shown(found: dict, width: int = 140) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(render(found))
    return stream.getvalue()


def test_stages(catalogue: Catalogue) -> None:
    found = closing(catalogue, RUN)
    assert json.loads(json.dumps(found)) == found
    assert [(row["pool"], row["structures"]) for row in found["stages"]] == [
        ("raw", 12),
        ("clusters", 12),
        ("exemplars", 4),
        ("energies", 4),
        ("relaxed", 2),
    ]


def test_best_energies(catalogue: Catalogue) -> None:
    catalogue.runs.step_finished(RUN, "run_fhi_aims_batch", {"relaxed": 2})
    single, relaxed = closing(catalogue, RUN, best=3)["energies"]
    assert (single["structures"], len(single["rows"]), single["engine"]) == (4, 3, "tblite")
    assert [row["struct_id"] for row in single["rows"]] == EXEMPLARS[:0:-1]
    best, second = relaxed["rows"]
    assert [best["struct_id"], second["struct_id"]] == CHILDREN[::-1]
    assert best["lattice_energy"] == pytest.approx(-1.1 * KJ_PER_MOL)
    assert best["energy"] == pytest.approx(-311.1 * KJ_PER_MOL)
    assert (best["relative"], second["relative"]) == pytest.approx((0.0, 0.1 * KJ_PER_MOL))
    assert (best["spg"], best["spg_before_relaxation"], best["parent"]) == (14, 19, EXEMPLARS[1])
    same = crystal(1, "x")
    assert best["density"] == pytest.approx(same.density)
    assert best["volume"] == pytest.approx(same.cell_volume / 2)
    text = shown(closing(catalogue, RUN))
    assert "lattice energy" in text and "19 → 14" in text and "-106.13" in text


def test_a_step_that_still_runs_shows_no_energies(catalogue: Catalogue) -> None:
    assert [table["step"] for table in closing(catalogue, RUN)["energies"]] == ["fhi_aims_energy_evaluation"]


def test_without_the_molecules_energy_the_plain_one_is_shown(catalogue: Catalogue) -> None:
    catalogue.structures.collection.update_many({}, {"$unset": {"properties.lattice_energy": 1}})
    text = shown(closing(catalogue, RUN))
    assert "lattice energy" not in text and f"{-310.8 * KJ_PER_MOL:.2f}" in text


def test_failures(catalogue: Catalogue) -> None:
    found = closing(catalogue, RUN)
    assert found["failed_items"] == 1
    assert found["failed"] == [
        {"step": "run_fhi_aims_batch", "key": EXEMPLARS[2], "error": "no SCF convergence in 250 cycles"}
    ]
    text = shown(found)
    assert "1 work item failed" in text and "genarris-fw retry urea" in text


def test_files_are_those_that_are_there(catalogue: Catalogue, tmp_path: Path) -> None:
    assert closing(catalogue, RUN)["files"] == []
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / f"{IDS[0]}.json").write_text("{}")
    (tmp_path / "Genarris.log").write_text("")
    assert closing(catalogue, RUN)["files"] == [
        {"what": "pool (pygenarris_structure_generation)", "path": str(tmp_path / "raw")},
        {"what": "log", "path": str(tmp_path / "Genarris.log")},
    ]
    assert "raw/" in shown(closing(catalogue, RUN))


def test_the_best_structures_file(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.runs.step_finished(RUN, "run_fhi_aims_batch", {"relaxed": 2})
    file = tmp_path / "relaxed" / f"{CHILDREN[1]}.json"
    file.parent.mkdir()
    file.write_text("{}")
    rows = closing(catalogue, RUN)["energies"][-1]["rows"]
    assert [row["file"] for row in rows] == [str(file), None]


def test_relaxations_that_did_not_converge_are_named(catalogue: Catalogue) -> None:
    query = {"struct_id": EXEMPLARS[2]}
    catalogue.structures.collection.update_one(query, {"$set": {"energies.energy.converged": False}})
    assert "not converged: 2" in shown(closing(catalogue, RUN))


def test_the_stages_fit_a_terminal_of_80_columns(catalogue: Catalogue) -> None:
    catalogue.work_items.collection.delete_many({"state": "failed"})
    lines = shown(closing(catalogue, RUN), 80).splitlines()
    assert any("affinity_propagation_fixed_clusters " in line and "clusters" in line[40:] for line in lines)
    assert not any("failed" in line for line in lines)


def test_a_relaxed_structure_names_its_parent_where_there_is_room(catalogue: Catalogue) -> None:
    catalogue.runs.step_finished(RUN, "run_fhi_aims_batch", {"relaxed": 2})
    found = closing(catalogue, RUN)
    assert "relaxed from" in shown(found, 140) and "relaxed from" not in shown(found, 80)


@pytest.mark.parametrize("width", [80, 124, 125, 160])
def test_nothing_is_cut_off(catalogue: Catalogue, width: int) -> None:
    text = shown(closing(catalogue, RUN), width)
    assert "…" not in text and max(map(len, text.splitlines())) <= width
    for words in (*EXEMPLARS, "affinity_propagation_fixed_clusters", "exemplars", "-77.19"):
        assert words in text


def test_a_very_narrow_terminal_and_an_imported_run(catalogue: Catalogue) -> None:
    shown(closing(catalogue, RUN), width=40)
    catalogue.runs.create("imported", {"options": {"steps": []}, "state": "imported"}, begun_by=0)
    catalogue.structures.insert_missing("imported", [{"struct_id": "x"}])
    catalogue.structures.add_to_pool("imported", "mine", ["x"])
    found = closing(catalogue, "imported")
    assert found["stages"] == [{"step": "import", "pool": "mine", "structures": 1}]
    assert "imported" in shown(found)


def test_energies_of_other_settings_are_counted_not_ranked(catalogue: Catalogue) -> None:
    structures = catalogue.structures.collection
    structures.update_one({"struct_id": EXEMPLARS[3]}, {"$set": {"energies.energy.settings_hash": "another"}})
    [table] = closing(catalogue, RUN)["energies"]
    assert (table["structures"], table["others"]) == (3, 1)
    assert EXEMPLARS[3] not in [row["struct_id"] for row in table["rows"]]
    assert "not ranked: 1 structure with other settings" in shown(closing(catalogue, RUN))


def test_several_engines_side_by_side_with_what_they_do_not_decide(catalogue: Catalogue) -> None:
    assert closing(catalogue, RUN)["comparisons"] == []
    rows = [
        {"struct_id": "a", "rank": "1-2", "mean": 0.0, "error": 0.0, "relative": [0.0, 0.5]},
        {"struct_id": "b", "rank": "1-2", "mean": 1.25, "error": 2.475, "relative": [3.0, 0.0]},
    ]
    summary = {"energy_names": ["so3lr", "gfnff"], "sources": ["SO3LR", "GFN-FF"], "structures": 5, "undecided": 1}
    catalogue.runs.step_finished(RUN, "run_fhi_aims_batch", summary | {"side_by_side": rows, "kendall_tau": 0.5})
    found = closing(catalogue, RUN)
    assert found["comparisons"] == [{"step": "run_fhi_aims_batch", **summary, "rows": rows}]
    text = " ".join(shown(found).split())
    assert "Energies side by side, run_fhi_aims_batch: the best 2 of 5 structures, kJ/mol" in text
    assert "1-2" in text and "1.25 ± 2.4" in text
    assert "1 structure more may be the lowest: the spread is larger than the difference" in text


def test_a_run_that_makes_no_structures_has_no_column_for_them(empty: Catalogue, tmp_path: Path) -> None:
    """And its folders hold what their options say."""
    folder = tmp_path / "curves"
    folder.mkdir()
    step = {"name": "lapw_convergence", "procedure": "LAPW_Convergence", "options": {"output_dir": str(folder)}}
    about = {"options": {"steps": [step]}, "folder": str(tmp_path), "seed": 1}
    empty.runs.create("curves", about, begun_by=1)
    found = closing(empty, "curves")
    assert found["files"] == [{"what": "table and picture (lapw_convergence)", "path": str(folder)}]
    text = shown(found)
    assert "result" in text and "pool" not in text and "structures" not in text
