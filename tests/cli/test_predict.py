"""genarris-fw predict: from a molecule to its crystals of lowest lattice energy, as a person and as a program asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import call
from lattice_urea import UREA
from shared_data import shared

from genarris_fw.crystal import bonds, read, read_molecule, short_hydrogens, write
from genarris_fw.lattice.searching.search import Ground
from genarris_fw.options.starting import prepared

WORDS = ("--z", 2, "--space-groups", "113,4,14", "--charges", "GFN2", "--second", "none", "--window", 3)


@pytest.fixture(autouse=True)
def _gfn2() -> None:
    pytest.importorskip("tblite")


def test_for_a_program_and_the_lowest_found_again_as_an_experiment(
    capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    done = call(capsys, "predict", UREA, *WORDS, "--json", "--out", tmp_path / "crystals")
    assert (done.code, done.err) == (0, "")
    found = done.json
    rows = found["crystals"]
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[0]["above_lowest"] == 0.0 and all(0 <= row["above_lowest"] <= 3 for row in rows)
    assert all(row["second"] is None and row["hits"] >= 1 for row in rows)
    about = found["completeness"]
    assert len(rows) == about["seen"] <= about["low"] <= about["estimate"] <= about["high"]
    assert (found["second_potential"], found["experiment"], found["ended"]) == (None, None, "complete")
    files = sorted((tmp_path / "crystals").glob("*.cif"))
    assert len(files) == len(rows)
    densities = [read(path)[0].density for path in files]
    assert densities == pytest.approx([row["density"] for row in rows], rel=1e-3)
    # The same search for a person, and its last crystal in the place of an experiment.
    done = call(capsys, "predict", UREA, *WORDS, "--experiment", files[-1])
    assert done.code == 0, done.err
    assert f"the experimental crystal is number {len(rows)}," in done.out
    assert f"{rows[0]['lattice_energy']:.2f}" in done.out and "the experiment" in done.out
    assert f"{len(rows)} minima within 3 kJ/mol by" in done.out and "ended: complete" in done.out


def test_the_measured_crystal_is_found(capsys: pytest.CaptureFixture) -> None:
    words = ("--charges", "GFN2", "--second", "FIT", "--space-groups", "113", "--window", 3, "--json")
    done = call(capsys, "predict", UREA, *words, "--experiment", shared("crystals/urea.cif"))
    assert done.code == 0, done.err
    found = done.json
    assert found["experiment"]["rank"] == 1 and found["experiment"]["rmsd"] < 0.5
    assert found["second_potential"] == "FIT" and found["crystals"][0]["second"] == 0.0


def test_hydrogens_as_x_rays_see_them_are_put_right(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    urea = read_molecule(UREA)
    positions = urea.positions.copy()
    for i, j in bonds(urea.species, urea.positions):
        nitrogen, hydrogen = (i, j) if urea.species[j] == "H" else (j, i)
        if urea.species[hydrogen] == "H":
            positions[hydrogen] = 0.15 * positions[nitrogen] + 0.85 * positions[hydrogen]
    file = tmp_path / "short.xyz"
    lines = [f"{name} {x:.6f} {y:.6f} {z:.6f}" for name, (x, y, z) in zip(urea.species, positions.tolist())]
    file.write_text("\n".join([str(len(lines)), "", *lines]))
    words = ("--z", 2, "--space-groups", "113", "--charges", "GFN2", "--second", "none", "--max-cpu-seconds", 1)
    done = call(capsys, "predict", file, *words)
    assert done.code == 0, done.err
    assert "hydrogens as X-rays see them (N-H 0.8" in done.out and "note:" not in done.out
    given, said = prepared(read_molecule(file), "GFN2", relax=False, as_given=True)
    assert said == [] and np.array_equal(given.positions, read_molecule(file).positions)
    with pytest.warns(UserWarning, match="CH4N2O has 4 bonds to hydrogen as short as X-rays see them .N-H 0.8"):
        Ground(given, 2, None, [113])
    relaxed, said = prepared(given, "GFN2", relax=True, as_given=False)
    assert said[0] == "CH4N2O: relaxed by GFN2" and short_hydrogens(relaxed) == []


def test_conformers_are_searched_and_ranked_together(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    """Two forms of urea, 2.6255 kJ/mol (0.001 Eh) apart: to rank them, the difference is added."""
    urea = read_molecule(UREA)
    frames = []
    for energy, scale in (("-8.000", 1.0), ("-8.001", 1.01)):
        places = (scale * urea.positions).tolist()
        rows = [f"{name} {x:.6f} {y:.6f} {z:.6f}" for name, (x, y, z) in zip(urea.species, places, strict=True)]
        frames += [str(len(rows)), energy, *rows]
    file = tmp_path / "ensemble.xyz"
    file.write_text("\n".join([*frames, ""]))
    words = ("--z", 2, "--space-groups", "113", "--charges", "GFN2", "--second", "none", "--window", 1, "--json")
    done = call(capsys, "predict", file, *words, "--out", tmp_path / "crystals")
    assert done.code == 0, done.err
    found = done.json
    assert [one["relative_energy"] for one in found["conformers"]] == pytest.approx([2.6254996, 0.0], abs=1e-6)
    relative = {one["conformer"]: one["relative_energy"] for one in found["conformers"]}
    totals = [row["lattice_energy"] + relative[row["conformer"]] for row in found["crystals"]]
    assert totals == sorted(totals) and {row["conformer"] for row in found["crystals"]} == {1, 2}
    assert [row["above_lowest"] for row in found["crystals"]] == pytest.approx([one - totals[0] for one in totals])
    names = sorted(path.stem for path in (tmp_path / "crystals").glob("*.cif"))
    assert names[0] == f"0001_conformer_{found['crystals'][0]['conformer']}" and len(names) == len(totals)
    alone = call(capsys, "predict", file, *words, "--record", 2).json
    assert "conformers" not in alone
    of_second = [row["lattice_energy"] for row in found["crystals"] if row["conformer"] == 2]
    assert [row["lattice_energy"] for row in alone["crystals"]] == pytest.approx(of_second)
    one = call(capsys, "predict", file, *words, "--conformers", 1).json
    assert "the first 1 of 2 conformers of lowest energy are searched: --conformers 2 for all" in one["remarks"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.in",), "nowhere.in"),
        ((UREA, "--z", "x"), "--z x: expected whole numbers with commas"),
        ((UREA, "--z", "0"), "Z = 0"),
        ((UREA, "--z", "7", "--space-groups", "14", "--charges", "GFN2"), "Z = 7"),
        ((UREA, "--experiment", "nowhere.cif"), "nowhere.cif"),
        ((UREA, "--experiment", UREA), "expected one crystal"),
        ((UREA, "--charges", "GFN2", "--space-groups", "none"), "space_groups"),
        ((UREA, "--potential", "FTI"), "FTI"),
        ((UREA, "--window", "0"), "--window"),
        ((UREA, "--experiment", "ice.cif"), "ice.cif: its cell holds H4 O2"),
    ],
)
def test_bad_input_is_one_line(
    words: tuple, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from in_process import waters

    monkeypatch.chdir(tmp_path)
    ice = waters(1)
    ice[0].struct_id = "ice"
    write(ice, tmp_path, "cif")
    done = call(capsys, "predict", *words)
    assert done.code == 2 and said in done.err and len(done.err.splitlines()) == 1, done.err
