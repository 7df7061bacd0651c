"""genarris-fw check."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from aims_inputs import COMMAND
from aims_inputs import control as aims_control
from command import BIN, TOOLS, environment, one_line, python_path, start, urea_folder
from command_line import call
from mpi import mpiexec

from genarris_fw.database.server import Server
from genarris_fw.farm.forecast import path_of
from genarris_fw.farm.workflow import chain_of, run_record
from genarris_fw.options import load, options_hash

ALL = ("Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation")


@pytest.fixture(autouse=True)
def without_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GENARRIS_FW_URI", raising=False)
    monkeypatch.chdir(tmp_path)


def test_what_a_good_file_means(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    conf = urea_folder(tmp_path / "urea", procedures=ALL)
    before = {path: path.read_bytes() for path in conf.parent.iterdir()}
    done = call(capsys, "check", conf, "--json")
    assert (done.code, done.err) == (0, "")
    found = done.json
    assert (found["run"], found["problems"]) == ("urea", [])
    assert (found["molecule"]["formula"], found["molecule"]["point_group"]) == ("CH4N2O", "mm2")
    # Urea's experimental crystal, P-42_1m, has its two molecules on mm2.
    groups = {entry["space_group"]: entry["sites"] for entry in found["space_groups"]}
    assert list(groups) == [2, 4, 14, 113] or list(groups) == [2, 4, 113]
    assert {"wyckoff": "2c", "site_symmetry": "mm2"} in groups[113]
    assert found["volume"]["per_cell"] == pytest.approx(2 * found["volume"]["per_molecule"])
    assert found["volume"]["per_cell"] == pytest.approx(145, rel=0.15)  # the crystal's 145 Å3
    options = {(row["section"], row["option"]): (row["value"], row["origin"]) for row in found["options"]}
    assert options["pygenarris_structure_generation", "sr"][0] == 0.85
    assert "ui.conf line" in options["pygenarris_structure_generation", "sr"][1]
    assert options["Genarris_master", "max_attempts"][1] == "default"
    assert not found["database"]["reachable"] and "none yet" in found["database"]["remark"]
    assert {path: path.read_bytes() for path in conf.parent.iterdir()} == before  # nothing is changed


def test_for_a_person(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    done = call(capsys, "check", urea_folder(tmp_path))
    assert done.code == 0
    for words in ("CH4N2O, 8 atoms, point group mm2 (C2v)", "113: 2c (mm2)", "sr", "line 3", "is here"):
        assert words in done.out


def test_all_problems_at_once_one_a_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    conf = urea_folder(tmp_path, Z=0, more="nonsense = 1\n")
    done = call(capsys, "check", conf)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 2 and "nonsense" in done.err and "Z" in done.err
    assert len(call(capsys, "check", conf, "--json").json["problems"]) == 2
    assert call(capsys, "check", tmp_path / "none.conf").code == 2


@pytest.fixture
def odd_files(tmp_path: Path) -> list[Path]:
    """What may stand where a file is expected; none of it is waited for."""
    names = ["pipe", "binary", "folder", "large"]
    pipe, binary, folder, large = (tmp_path / name for name in names)
    os.mkfifo(pipe)
    binary.write_bytes(bytes(range(256)) * 4)
    folder.mkdir()
    with large.open("wb") as stream:
        stream.truncate(5 * 2**30)
    return [Path("/dev/zero"), Path("/dev/null"), pipe, binary, folder, large]


def test_what_is_no_ui_conf(tmp_path: Path, capsys: pytest.CaptureFixture, odd_files: list[Path]) -> None:
    for file in odd_files:
        for words in (["check"], ["run", "--quiet"], ["add"]):
            done = call(capsys, *words, file)
            assert done.code == 2 and one_line(done.err).startswith(f"genarris-fw: {file}: "), done.err
    assert "5368709120 bytes are more than" in done.err


def test_what_is_no_molecule(tmp_path: Path, capsys: pytest.CaptureFixture, odd_files: list[Path]) -> None:
    conf = urea_folder(tmp_path)
    text = conf.read_text()
    for file in odd_files:
        conf.write_text(text.replace("urea.in", str(file)))
        done = call(capsys, "check", "--no-engine-test", conf)
        assert done.code == 2 and str(file) in one_line(done.err), done.err


@pytest.mark.parametrize(
    ("molecule", "words"),
    [
        ("", "urea.in"),
        ("atom 0 0 0 C\natom 0 0 0.1 O\n", "urea.in"),
        ("atom 0 0 0 C\natom 0 0 1.1 O\natom 9 0 0 C\natom 9 0 1.1 O\n", "urea.in"),
    ],
)
def test_a_molecule_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture, molecule: str, words: str
) -> None:
    conf = urea_folder(tmp_path)
    (tmp_path / "urea.in").write_text(molecule)
    done = call(capsys, "check", conf)
    assert done.code == 2 and words in done.err and len(done.err.splitlines()) == 1
    assert call(capsys, "check", conf, "--json").json["problems"]


def test_no_space_group_that_fits(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    done = call(capsys, "check", urea_folder(tmp_path, groups="[195]"))
    assert done.code == 2
    assert "no space group among those that space_groups names has a site for 2 molecules CH4N2O" in done.err


def test_a_database_that_is_named_is_asked(database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    conf = urea_folder(tmp_path)
    database = call(capsys, "check", conf, "--json", "--uri", database_uri).json["database"]
    assert database["reachable"] and "the option --uri" in database["where"]
    done = call(capsys, "check", conf, "--json", "--uri", "mongodb://me:secret@127.0.0.1:9/x")
    assert done.code == 2 and "secret" not in done.out
    assert not done.json["database"]["reachable"] and "does not answer" in done.json["problems"][0]


def test_a_stopped_server_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    conf = urea_folder(tmp_path)
    server = Server(tmp_path)
    with server.use():
        assert call(capsys, "check", conf, "--json").json["database"]["reachable"]
    found = call(capsys, "check", conf, "--json")
    assert found.code == 0 and "stopped" in found.json["database"]["remark"]
    assert not server.running()


ENGINE = ("Relax_Single_Molecule", "Pygenarris_Structure_Generation", "FHI_Aims_Energy_Evaluation")


def engine_folder(folder: Path, engine: str = "tblite\nmin_width = 3.0", more: str = "") -> Path:
    """A run of urea whose molecule and crystals an engine computes."""
    conf = urea_folder(folder, procedures=ENGINE, more=more)
    conf.write_text(conf.read_text().replace("seed = 7", f"seed = 7\nengine = {engine}"))
    return conf


def odd(habit: str, **more: str) -> str:
    """An engine that misbehaves."""
    return f"ase\ncalculator = odd_calculators:Odd\ncalculator_settings = {json.dumps({'habit': habit} | more)}"


@pytest.fixture
def odd_calculators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", python_path(TOOLS))


def test_the_engines_are_tried_and_the_run_is_estimated(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = engine_folder(tmp_path / "urea")
    before = {path: path.read_bytes() for path in conf.parent.iterdir()}
    done = call(capsys, "check", conf, "--json")
    assert (done.code, done.err) == (0, "")
    [trial] = done.json["engine_test"]["trials"]
    assert (trial["engine"], trial["steps"]) == ("tblite", ["relax_single_molecule", "fhi_aims_energy_evaluation"])
    molecule, crystal = trial["points"]
    assert (molecule["atoms"], crystal["atoms"]) == (8, 16)
    assert molecule["energy"] == pytest.approx(-419.0879, abs=0.01)  # as in the documentation of the engines
    assert crystal["energy"] < 2 * molecule["energy"]
    found = done.json["engine_test"]["estimate"]
    assert [step["structures"] for step in found["steps"]] == [1, 12]
    assert found["steps"][1]["seconds_each"] == crystal["seconds"]
    assert found["seconds"] == pytest.approx(sum(step["seconds"] for step in found["steps"]))
    assert {path: path.read_bytes() for path in conf.parent.iterdir()} == before  # nothing is changed
    monkeypatch.setenv("COLUMNS", "80")
    done = call(capsys, "check", "--engine", conf)
    assert done.code == 0 and max(map(len, done.out.splitlines())) <= 80
    words = " ".join(done.out.split())
    assert words.startswith("engine trial tblite") and "molecule of 8 atoms: " in words and "options" not in words


def test_the_estimate_is_kept_for_the_run_when_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    conf = engine_folder(tmp_path / "urea")
    done = call(capsys, "check", conf, "--keep", "--json")
    assert done.code == 0
    steps = {step["step"]: step for step in done.json["engine_test"]["estimate"]["steps"]}
    record = run_record(load(conf))
    energies = record["forecast"]["steps"]["fhi_aims_energy_evaluation"]
    assert energies == {name: steps["fhi_aims_energy_evaluation"][name] for name in energies}
    assert energies["core_seconds"] == pytest.approx(12 * energies["seconds_each"] * energies["cores"])
    task = chain_of(load(conf), record).fws[0].tasks[0]
    assert task["record"]["forecast"] == record["forecast"]  # plain values: it travels with the first firework
    conf.write_text(conf.read_text().replace("seed = 7", "seed = 8"))
    assert "forecast" not in run_record(load(conf))  # it was made for other options
    conf.write_text(conf.read_text().replace("seed = 8", "seed = 7"))
    assert "forecast" in run_record(load(conf))
    for text in ("", "[]", "{", '{"options_hash": 1}', "[" * 100_000, "\0"):
        path_of(load(conf)).write_text(text)
        assert "forecast" not in run_record(load(conf))
    for others in (("--no-engine-test",), ("--engine",)):
        done = call(capsys, "check", conf, "--keep", *others)
        assert done.code == 2 and "--keep keeps the estimate" in one_line(done.err)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("https://hooks.example.org/T0/s3cr3t", "https://hooks.example.org/..."),
        ("sh -c 's3cr3t $0'", "sh ..."),
        ("./tell.sh s3cr3t", "./tell.sh ..."),
    ],
)
def test_whom_a_run_tells_is_shown_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, target: str, words: str
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    conf = urea_folder(tmp_path)
    conf.write_text(conf.read_text().replace("seed = 7", f"seed = 7\nnotify = {target}"))
    (tmp_path / "tell.sh").write_text("#!/bin/sh\n")
    (tmp_path / "tell.sh").chmod(0o755)
    assert load(conf).master["notify"] == target
    before = load(urea_folder(tmp_path / "before"))
    assert options_hash(load(conf)) == options_hash(before)  # it changes no result
    for more in ((), ("--json",)):
        done = call(capsys, "check", conf, "--no-engine-test", *more)
        assert done.code == 0 and words in done.out and "s3cr3t" not in done.out + done.err


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("https://hooks.example.org/T0 s3cr3t", "no URL: expected https://host/path"),
        ("ftp://host/s3cr3t", "expected a URL of http or https, or a command"),
        ("mail -s 's3cr3t me", "no command with its arguments (no closing quotation)"),
        ("./not-there s3cr3t", "'./not-there' is no program here"),
        ("no-such-program s3cr3t", "'no-such-program' is no program here"),
    ],
)
def test_whom_nobody_can_tell_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture, target: str, words: str
) -> None:
    conf = urea_folder(tmp_path)
    conf.write_text(conf.read_text().replace("seed = 7", f"seed = 7\nnotify = {target}"))
    done = call(capsys, "check", conf, "--no-engine-test")
    assert done.code == 2 and words in one_line(done.err)
    assert "s3cr3t" not in done.err or target.startswith("mail")  # where a command begins and ends is not known there


def test_fhi_aims_is_tried_with_the_control_file_of_each_step(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """By the stand-in; of a control file for a relaxation, a single point."""
    species = ["C", "H", "N", "O"]
    conf = urea_folder(tmp_path, procedures=(*ENGINE[:2], "Run_FHI_Aims_Batch"))
    (tmp_path / "molecule.control").write_text(aims_control(species, relax=True, crystal=False))
    (tmp_path / "crystal.control").write_text(aims_control(species, relax=True))
    text = conf.read_text().replace("seed = 7", f"seed = 7\naims_command = {COMMAND}")
    text += "[relax_single_molecule]\ncontrol_path = molecule.control\n"
    conf.write_text(text + "[run_fhi_aims_batch]\ncontrol_path = crystal.control\n")
    before = {path: path.read_bytes() for path in conf.parent.iterdir()}
    done = call(capsys, "check", "--engine", conf, "--json")
    assert done.code == 0, done.out
    molecule, crystal = done.json["trials"]
    assert [len(trial["points"]) for trial in (molecule, crystal)] == [1, 1]
    assert molecule["points"][0]["energy"] == pytest.approx(-419.0879, abs=0.01)  # GFN1-xTB behind it
    assert (crystal["steps"], crystal["points"][0]["atoms"]) == (["run_fhi_aims_batch"], 16)
    assert {path: path.read_bytes() for path in conf.parent.iterdir()} == before
    (tmp_path / "crystal.control").write_text(aims_control(species, relax=True, crystal=False))
    done = call(capsys, "check", "--engine", conf)
    assert done.code == 2
    assert "class input; for run_fhi_aims_batch" in one_line(done.err) and "needs k points" in done.err


def test_without_the_trial_of_the_engines(tmp_path: Path, capsys: pytest.CaptureFixture, odd_calculators: None) -> None:
    done = call(capsys, "check", engine_folder(tmp_path, odd("hang")), "--no-engine-test", "--json")
    assert done.code == 0 and "engine_test" not in done.json


@pytest.mark.parametrize("words", [["check"], ["check", "--engine"]])
def test_an_engine_that_fails_its_trial_stops_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture, odd_calculators: None, words: list[str]
) -> None:
    conf = engine_folder(tmp_path, odd("exit"))
    done = call(capsys, *words, conf)
    assert done.code == 2
    [line] = done.err.splitlines()
    assert "engine ase failed its trial (class crash; for relax_single_molecule, fhi_aims" in line
    assert call(capsys, *words, conf, "--json").json["problems"] == [line.removeprefix("genarris-fw: ")]


def test_a_trial_has_a_time_limit(tmp_path: Path, capsys: pytest.CaptureFixture, odd_calculators: None) -> None:
    done = call(capsys, "check", "--engine", engine_folder(tmp_path, odd("hang")), "--engine-time", "2")
    assert done.code == 2
    assert "class walltime" in done.err and "give it more time with --engine-time" in done.err


def test_a_trial_can_be_interrupted(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    conf = engine_folder(tmp_path / "run", odd("hang", pid_file=str(pid_file)))
    process = start("check", str(conf), cwd=tmp_path)
    try:
        for _ in range(1200):
            if pid_file.exists() and pid_file.read_text():
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=180)
    finally:
        process.kill()
    assert process.returncode == 130 and "interrupted" in one_line(errors)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert sorted(path.name for path in conf.parent.iterdir()) == ["ui.conf", "urea.in"]


def test_another_molecule(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    conf = engine_folder(tmp_path)
    (tmp_path / "n2.in").write_text("atom 0 0 0 N\natom 0 0 1.1 N\n")
    done = call(capsys, "check", "--engine", conf, "--molecule", tmp_path / "n2.in", "--json")
    assert done.code == 0
    assert [point["atoms"] for point in done.json["trials"][0]["points"]] == [2, 4]
    done = call(capsys, "check", "--engine", conf, "--molecule", tmp_path / "none.in")
    assert done.code == 2 and "none.in" in one_line(done.err)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["check"], "missing argument 'UI_CONF'"),
        (["check", "--mpi", "ui.conf"], "--mpi stands alone"),
        (["check", "--engine", "--no-engine-test", "ui.conf"], "exclude each other"),
    ],
)
def test_words_that_do_not_go_together(capsys: pytest.CaptureFixture, words: list[str], error: str) -> None:
    done = call(capsys, *words)
    assert (done.code, done.out) == (2, "") and error in one_line(done.err)


def test_an_engine_that_is_driven_over_mpi_is_tried_by_all_ranks(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    package = tmp_path / "packages" / "collective-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: collective\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[genarris_fw.engines]\ncollective = collective_engine:Collective\n")
    more = environment(PYTHONPATH=python_path(TOOLS, package.parent), OMP_NUM_THREADS="1")
    conf = engine_folder(tmp_path / "run", "collective")
    words = [BIN / "genarris-fw", "check", "--engine", conf, "--json"]
    done = subprocess.run(
        [mpiexec(), "-n", "3", *words], env=more, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    [trial] = json.loads(done.stdout)["trials"]  # one rank speaks
    assert [point["energy"] for point in trial["points"]] == [-3.0, -3.0]  # minus the number of ranks
    alone = subprocess.run(words, env=more, capture_output=True, text=True, timeout=120, check=False)
    [trial] = json.loads(alone.stdout)["trials"]
    assert alone.returncode == 0 and trial["not_tried"].startswith("it is driven over MPI")
    assert sorted(path.name for path in conf.parent.iterdir()) == ["ui.conf", "urea.in"]


def test_mpi_is_tested_by_all_ranks_and_one_speaks() -> None:
    words = [mpiexec(), "-n", "2", BIN / "genarris-fw", "check", "--mpi"]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines and len(set(lines)) == len(lines)  # each line once
    found = subprocess.run(
        [*words, "--json"], env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert found.returncode == 0
    assert json.loads(found.stdout)["problems"] == []


def test_what_is_wrong_with_mpi_is_a_line_each(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "genarris_fw.farm.crews.mpi_check.report", lambda: (["ranks: 1"], ["no library", "no launcher"])
    )
    done = call(capsys, "check", "--mpi")
    assert (done.code, done.out) == (2, "ranks: 1\n")
    assert done.err == "genarris-fw: no library\ngenarris-fw: no launcher\n"
    done = call(capsys, "check", "--mpi", "--json")
    assert done.code == 2 and done.json == {"lines": ["ranks: 1"], "problems": ["no library", "no launcher"]}
