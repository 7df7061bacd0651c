"""genarris-fw compare."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from command import one_line
from command_line import Called, call
from planted import pool, turned
from small_run import RUN, crystal, fill

from genarris_fw.comparing.experiment import without_hydrogens
from genarris_fw.crystal import Structure, write
from genarris_fw.farm.opening import Opened, open_database
from genarris_fw.pools.documents import to_document
from genarris_fw.units import KJ_PER_MOL_PER_EV

CRYSTALS = 12
PLANTED = 4


def predicted(number: int) -> Structure:
    one = (pool("urea", 14, 10) + pool("urea", 19, 10))[number].copy()
    one.struct_id = f"crystal_{number:02d}"
    return one


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def opened(database_uri: str, tmp_path: Path) -> Iterator[Opened]:
    """A run whose last pool are crystals of urea, every second one with an energy; one pool is empty."""
    with open_database(tmp_path, database_uri) as opened:
        fill(opened.catalogue, tmp_path)
        catalogue = opened.catalogue
        documents = []
        for number in range(CRYSTALS):
            document = to_document(predicted(number), 4)
            if number % 2 == 0:
                energy = {"value": -4.0 * number, "per_molecule": -1.0 * number, "engine": "tblite"}
                document["energies"] = {"energy": energy | {"engine_version": "0.4", "settings_hash": "5e77"}}
            documents.append(document)
        catalogue.structures.insert_missing(RUN, documents)
        catalogue.structures.replace_pool(RUN, "relaxed", [document["struct_id"] for document in documents])
        catalogue.structures.replace_pool(RUN, "clusters", [])
        yield opened


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    measured = turned(predicted(PLANTED), np.random.default_rng(1), 0.02)
    measured.struct_id = "measured"
    return write(measured, tmp_path, "cif")[0]


def compare(capsys: pytest.CaptureFixture, opened: Opened, *words: object) -> Called:
    return call(capsys, "compare", *words, "--uri", opened.uri)


def test_the_experiment_is_found(opened: Opened, experiment: Path, capsys: pytest.CaptureFixture) -> None:
    done = compare(capsys, opened, RUN, "--experiment", experiment)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"measured beside 12 structures of pool 'relaxed' of run '{RUN}'"
    above = (CRYSTALS - 2 - PLANTED) * KJ_PER_MOL_PER_EV
    assert lines[1].startswith(f"found: crystal_04, rank 4, {above:.2f} kJ/mol above the lowest, RMSD_15 0.0")
    assert "6 of them have an energy that can be compared; ranks are among these" in done.out
    assert "Z' = 4: 4 independent molecules" in done.out
    [row] = [line for line in lines if line.startswith("crystal_04 ")]
    assert "15/15" in row and row.endswith("the experiment")
    assert sum(line.startswith("crystal_") for line in lines) == 5


def test_the_run_may_be_left_out(opened: Opened, experiment: Path, capsys: pytest.CaptureFixture) -> None:
    found = compare(capsys, opened, "--experiment", experiment, "--json", "--nearest", 2, "--molecules", 20).json
    assert (found["run"], found["pool"], found["structures"], found["molecules"]) == (RUN, "relaxed", 12, 20)
    assert found["found"] == found["nearest"][0] and len(found["nearest"]) == 2
    assert (found["found"]["struct_id"], found["found"]["rank"], found["found"]["of"]) == ("crystal_04", 4, 20)
    assert found["found"]["powder"] > 0.98 and found["overlay"] == []


def test_the_runs_own_experiment(opened: Opened, experiment: Path, capsys: pytest.CaptureFixture) -> None:
    done = compare(capsys, opened, RUN)
    assert done.code == 2
    assert done.err == f"genarris-fw: run '{RUN}' names no measured crystal; give its file: --experiment FILE\n"
    opened.catalogue.runs.set(RUN, **{"options.experiment": predicted(2).to_dict()})
    assert "found: crystal_02, rank 5" in compare(capsys, opened, RUN).out


def test_what_is_not_there(opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    strange = turned(pool("urea", 29, 4)[3], np.random.default_rng(0))
    strange.struct_id = "strange"
    [file] = write(strange, tmp_path, "cif")
    done = compare(capsys, opened, RUN, "--experiment", file)
    assert done.code == 0 and "not among them: of no structure all 15 molecules match" in done.out
    assert "the experiment\n" not in done.out


def test_without_energies_and_hydrogens(opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    opened.catalogue.structures.collection.update_many({}, {"$unset": {"energies": 1}})
    bare = without_hydrogens(turned(predicted(PLANTED), np.random.default_rng(1), 0.02))
    bare.struct_id = "bare"
    bare.properties.clear()
    [file] = write(bare, tmp_path, "cif")
    done = compare(capsys, opened, RUN, "--experiment", file)
    assert "found: crystal_04, rank 2 by density, RMSD_15 0.0" in done.out
    assert "the structures have no energies: there is no rank by energy" in done.out
    assert "it has no hydrogens: compared by the other atoms" in done.out


def test_the_overlay_is_written_once(
    opened: Opened, experiment: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    target = tmp_path / "pictures" / "overlay"
    words = (RUN, "--experiment", experiment, "--overlay", target)
    done = compare(capsys, opened, *words)
    assert (done.code, done.err) == (0, "")
    files = [target.with_name(f"overlay{ending}") for ending in (".cif", ".png", ".svg")]
    assert all(file.stat().st_size > 1000 for file in files)
    assert " ".join(done.out.split()).endswith(f"overlay of crystal_04: {', '.join(map(str, files))}")
    before = files[0].read_bytes()
    again = compare(capsys, opened, *words)
    assert (
        again.code == 2
        and "there already, and nothing was written" in one_line(again.err)
        and files[0].read_bytes() == before
    )
    files[0].write_text("")
    assert compare(capsys, opened, *words, "--force").code == 0 and files[0].read_bytes() == before
    one = tmp_path / "alone.svg"
    assert compare(capsys, opened, *words[:3], "--overlay", one, "--json").json["overlay"] == [str(one)]
    assert one.exists()
    refused = compare(capsys, opened, *words[:3], "--overlay", tmp_path / "overlay.pov")
    assert refused.code == 2 and ".cif, .png, .svg, .pdf" in one_line(refused.err)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nobody"], "no run 'nobody' in this database"),
        ([RUN, "--pool", "nothing"], "no pool 'nothing' in run 'urea'; its pools: "),
        ([RUN, "--pool", "clusters"], "pool 'clusters' of run 'urea' is empty: there is nothing to compare"),
        ([RUN, "--pool", "raw"], "measured is of CH4N2O, pool 'raw' is of CO2: they cannot be compared"),
        ([RUN, "--molecules", 1], "molecules is 1; give a whole number from 2 to 1000"),
        ([RUN, "--record", 2], "record = 2, but the file holds one record"),
        ([RUN, "--nearest", 0], "0 is not in the range"),
    ],
)
def test_what_is_wrong_is_one_line(
    opened: Opened, experiment: Path, capsys: pytest.CaptureFixture, words: list, message: str
) -> None:
    done = compare(capsys, opened, *words, "--experiment", experiment)
    assert done.code == 2 and message in one_line(done.err)


def test_files_that_are_no_crystal(opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    damaged = tmp_path / "damaged.cif"
    damaged.write_text("data_x\nloop_\n")
    done = compare(capsys, opened, RUN, "--experiment", damaged)
    assert done.code == 2 and str(damaged) in one_line(done.err)
    missing = compare(capsys, opened, RUN, "--experiment", tmp_path / "missing.cif")
    assert missing.code == 2 and "missing.cif" in one_line(missing.err)
    record = compare(capsys, opened, RUN, "--record", 2)
    assert record.code == 2 and "give the file too: --experiment FILE" in one_line(record.err)


def test_several_runs_have_to_be_named(opened: Opened, experiment: Path, capsys: pytest.CaptureFixture) -> None:
    write([crystal(0, "one")], experiment.parent / "more", "json")
    call(capsys, "import", experiment.parent / "more", "--run", "other", "--pool", "raw", "--uri", opened.uri)
    done = compare(capsys, opened, "--experiment", experiment)
    assert done.code == 2 and "which run? There are " in one_line(done.err)
