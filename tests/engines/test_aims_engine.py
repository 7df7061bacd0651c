"""FHI-aims as an engine, with programs that answer as it did in the tutorial's real runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from aims_replayed import (
    CRYSTAL,
    ENERGIES,
    FACTS,
    MOLECULE,
    RELAXATION,
    aims_run,
    engine,
    failure,
    geometry,
    nothing_left,
    program,
)

from genarris_fw import engines
from genarris_fw.crystal import Structure, read
from genarris_fw.crystal.formats.geometry_in import parse_geometry_in
from genarris_fw.engines.aims import AimsEngine, parse_output, place
from genarris_fw.engines.aims.launching import command_line
from genarris_fw.engines.base import Context
from genarris_fw.errors import EngineError, InputError

# The manual: control.in, and the geometry in FHI-aims' format and in Genarris' own.
INPUTS = {run: {"control.in", "geometry.in", f"{run.rpartition('/')[2]}.json"} for run in ENERGIES}


@pytest.mark.parametrize("run", ENERGIES)
def test_whole_runs(tmp_path, run):
    relax = run != CRYSTAL
    folder = tmp_path / "results" / "one"
    reached: list[Structure] = []
    context = Context(folder=folder, cores=2, checkpoint=reached.append)
    found = engine(run, program(tmp_path, run)).evaluate(geometry(run), relax=relax, context=context)
    assert (found.energy, found.converged) == (ENERGIES[run], True)
    assert found.structure.struct_id == run.rpartition("/")[2]
    end = geometry(run, "geometry.in.next_step" if relax else "geometry.in")
    assert np.allclose(found.structure.positions, end.positions, atol=2e-8)
    assert (found.forces is not None, found.stress is not None) == (relax, run == RELAXATION)
    if relax:
        assert found.forces.shape == end.positions.shape and np.abs(found.forces).max() < FACTS.largest_force
        assert np.allclose(reached[-1].positions, end.positions)
    files = INPUTS[run] | {"aims.out"} | ({"geometry.in.next_step"} if relax else set())
    assert {path.name for path in folder.iterdir()} == files
    [same] = read(folder / f"{found.structure.struct_id}.json")
    assert np.allclose(same.positions, geometry(run).positions)
    assert nothing_left(folder.parent)
    details = found.details
    assert (details["version"], details["engine"], details["attempts"], details["restarts"]) == (
        f"FHI-aims {FACTS.version}",
        "aims",
        1,
        0,
    )
    assert details["method"].startswith(FACTS.method)
    assert details["relaxation_steps"] == FACTS.steps[run]
    json.dumps(details)


def test_stress_is_that_of_the_last_geometry(tmp_path):
    text = (aims_run(RELAXATION) / "aims.out").read_text()
    last = text[text.rindex("Analytical stress tensor - Symmetrized") :].splitlines()[5:8]
    stated = [[float(word) for word in line.split()[2:5]] for line in last]
    found = parse_output(aims_run(RELAXATION) / "aims.out")
    assert np.array_equal(found.stress, stated)
    # Positive where the crystal wants to contract: the pressure is minus a third of the trace.
    pressure = float(text[text.rindex("|  Pressure:") :].split()[2])
    assert -np.trace(found.stress) / 3 == pytest.approx(pressure, abs=1e-8)


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    found = engine(CRYSTAL, program(tmp_path, CRYSTAL)).evaluate(geometry(CRYSTAL))
    assert found.energy == ENERGIES[CRYSTAL]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_scratch_and_further_files(tmp_path):
    body = """
    Path('extra.dat').write_text('more'); Path('other.dat').write_text('x')
    print(os.getcwd(), file=sys.stderr); sys.stdout.write(text)
    """
    settings = {"scratch_dir": str(tmp_path / "scratch"), "keep_files": ["extra.dat", "absent.dat"]}
    folder = tmp_path / "results" / "one"
    engine(CRYSTAL, program(tmp_path, CRYSTAL, body), **settings).evaluate(
        geometry(CRYSTAL), context=Context(folder=folder)
    )
    assert (folder / "extra.dat").read_text() == "more"
    assert not (folder / "other.dat").exists()
    assert Path((folder / "aims.out.err").read_text().strip()).parent == tmp_path / "scratch"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_files_are_moved_across_file_systems(tmp_path):
    places = [Path(name) for name in ("/dev/shm", "/var/tmp", "/tmp")]
    others = [place for place in places if place.is_dir() and place.stat().st_dev != tmp_path.stat().st_dev]
    if not others:
        pytest.skip("no second file system (/dev/shm, /var/tmp, /tmp)")
    folder = tmp_path / "one"
    made = engine(CRYSTAL, program(tmp_path, CRYSTAL), scratch_dir=str(others[0]))
    made.evaluate(geometry(CRYSTAL), context=Context(folder=folder))
    assert {path.name for path in folder.iterdir()} == INPUTS[CRYSTAL] | {"aims.out"}
    assert parse_output(folder / "aims.out").energy == ENERGIES[CRYSTAL]


def test_a_crash_while_the_files_are_moved_leaves_no_output(tmp_path, monkeypatch):
    """Inputs of one calculation never stand beside the output of another."""
    folder, move = tmp_path / "one", place._move
    context = Context(folder=folder)
    made = engine(CRYSTAL, program(tmp_path, CRYSTAL))
    made.evaluate(geometry(CRYSTAL), context=context)
    moved = geometry(CRYSTAL)
    moved.positions[0, 0] += 1e-3

    def stop_before(source: Path, target: Path) -> None:
        if source.name == "aims.out":
            raise OSError(5, "Input/output error")
        move(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(place, "_move", stop_before)
        with pytest.raises(EngineError, match=r"cannot be written .Input/output error.*the files are in") as caught:
            made.evaluate(moved, context=context)
    assert caught.value.kind == "output"
    assert {path.name for path in folder.iterdir()} == INPUTS[CRYSTAL]
    [kept] = tmp_path.glob(".one-*/aims.out")
    assert str(kept.parent) in str(caught.value) and parse_output(kept).energy == ENERGIES[CRYSTAL]
    assert made.evaluate(moved, context=context).energy == ENERGIES[CRYSTAL]


def test_a_final_geometry_of_other_atoms(tmp_path):
    body = """
    head, final = text.split("Final atomic structure:")
    sys.stdout.write(head + "Final atomic structure:" + final.replace("  C\\n", "  N\\n", 1))
    """
    error = failure(tmp_path, MOLECULE, body, relax=True)
    assert error.kind == "crash" and "of other atoms" in str(error)


class TestLaunching:
    def test_the_command_line(self):
        words = command_line(f"{sys.executable} -n {{cores}} '--flag=a b' x{{cores}}", 7)
        assert words == [sys.executable, "-n", "7", "--flag=a b", "x7"]
        assert command_line(sys.executable, 3) == [sys.executable]

    @pytest.mark.parametrize(
        ("template", "kind", "words"),
        [
            ("/nowhere/aims.x", "missing", "no such file on this machine"),
            ("no_such_launcher -n {cores} aims.x", "missing", "not on the PATH"),
            ("sh /nowhere/aims.x", "missing", "/nowhere/aims.x: there is no such file"),
            ("sh 'unfinished", "launcher", "correct the quotes"),
            ("bin/aims.x", "launcher", "give it in full"),
            (" ", "missing", "aims_command is empty"),
        ],
    )
    def test_what_cannot_be_started(self, template, kind, words):
        with pytest.raises(EngineError, match=words) as caught:
            command_line(template, 1)
        assert caught.value.kind == kind

    def test_not_executable(self, tmp_path):
        (tmp_path / "aims.x").write_text("")
        with pytest.raises(EngineError, match=r"not executable; chmod \+x") as caught:
            command_line(str(tmp_path / "aims.x"), 1)
        assert caught.value.kind == "launcher"

    def test_what_the_program_is_given(self, tmp_path):
        body = "print(os.environ['OMP_NUM_THREADS'], sys.argv[1:], file=sys.stderr); sys.stdout.write(text)"
        command = program(tmp_path, CRYSTAL, body) + " -n {cores}"
        made = engine(CRYSTAL, command, omp_num_threads=3)
        made.evaluate(geometry(CRYSTAL), context=Context(folder=tmp_path / "one", cores=15))
        assert (tmp_path / "one" / "aims.out.err").read_text() == "3 ['-n', '5']\n"

    def test_geometry_in_has_enough_digits(self, tmp_path):
        structure = geometry(CRYSTAL)
        structure.positions += 1.23456789e-5
        engine(CRYSTAL, program(tmp_path, CRYSTAL)).evaluate(structure, context=Context(folder=tmp_path / "one"))
        written = parse_geometry_in((tmp_path / "one" / "geometry.in").read_text().splitlines())
        assert np.abs(written.positions - structure.positions).max() < 1e-10


@pytest.mark.parametrize(("cores", "threads", "processes"), [(8, 2, 4), (1, 4, 1), (4, 1, 4)])
def test_processes_times_threads_are_the_cores(tmp_path, cores, threads, processes):
    body = "Path(sys.argv[1]).write_text(f'{sys.argv[2]} {os.environ[\"OMP_NUM_THREADS\"]}'); sys.stdout.write(text)"
    command = f"{program(tmp_path, CRYSTAL, body)} {tmp_path / 'told'} {{cores}}"
    engine(CRYSTAL, command, omp_num_threads=threads).evaluate(geometry(CRYSTAL), context=Context(cores=cores))
    assert (tmp_path / "told").read_text() == f"{processes} {threads}"


class TestEngine:
    def test_by_name(self, tmp_path):
        made = engines.get("aims", aims_command="aims.x", control="xc pbe")
        assert isinstance(made, AimsEngine) and made.version == "FHI-aims"

    def test_what_is_needed(self):
        with pytest.raises(EngineError, match=r"neither aims_command nor aims_lib_dir .* for example") as caught:
            engines.get("aims", control="xc pbe")
        assert (caught.value.kind, caught.value.permanent) == ("missing", True)
        with pytest.raises(InputError, match="set control_path"):
            engines.get("aims", aims_command="aims.x")
        with pytest.raises(InputError, match="did you mean 'aims_command'"):
            engines.get("aims", aims_comand="aims.x")

    def test_the_hash_is_of_control_in(self):
        one, other, same = (
            engines.get("aims", aims_command=command, control=control).settings_hash
            for command, control in (("a.x", "xc pbe"), ("a.x", "xc pbe0"), ("b.x -n {cores}", "# new\nxc  PBE"))
        )
        assert one == same != other

    def test_the_record_holds_no_text_of_control_in(self, tmp_path):
        found = engine(CRYSTAL, program(tmp_path, CRYSTAL)).evaluate(geometry(CRYSTAL))
        assert len(found.details["settings"]["control"]) == 16

    def test_species_are_added_for_the_run(self, tmp_path):
        text = (aims_run(CRYSTAL) / "control.in").read_text()
        lines = text.splitlines(keepends=True)
        at = {line.split()[1]: n for n, line in enumerate(lines) if line.split()[:1] == ["species"]}
        folder = tmp_path / "defaults"
        folder.mkdir()
        (folder / "01_H_default").write_text("".join(lines[at["H"] : at["C"]]))
        (folder / "06_C_default").write_text("".join(lines[at["C"] : at["N"]]))
        made = engine(CRYSTAL, program(tmp_path, CRYSTAL), control="".join(lines[: at["H"]]), species_dir=str(folder))
        found = made.evaluate(geometry(CRYSTAL), context=Context(folder=tmp_path / "one"))
        assert found.details["method"] == engine_method(tmp_path)
        assert made.settings_hash != engine(CRYSTAL, "a.x", control="".join(lines[: at["H"]])).settings_hash


def engine_method(tmp_path: Path) -> str:
    found = engine(CRYSTAL, program(tmp_path, CRYSTAL)).evaluate(geometry(CRYSTAL))
    return found.details["method"]
