"""FHI-aims as an engine, with programs that answer as it did in the tutorial's real runs, or misbehave."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from mpi import mpiexec
from shared_data import shared

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.crystal.geometry_in import parse_geometry_in
from genarris_fw.engines.aims import AimsEngine, parse_output, place
from genarris_fw.engines.aims.launching import command_line
from genarris_fw.engines.base import Context
from genarris_fw.errors import EngineError, InputError

TUTORIAL = "benzene_tutorial/aims"
TOOLS = Path(__file__).parents[1] / "tools"
MOLECULE, CRYSTAL, RELAXATION = "molecule", "scf/geometry_00c3602574", "relaxation/geometry_1f0f30abd3"
ENERGIES = {MOLECULE: -6313.831929151, CRYSTAL: -12628.587120510, RELAXATION: -12628.787132692}
BUILT = "Begin self-consistency loop: Initialization."


def geometry(run: str, name: str = "geometry.in") -> Structure:
    lines = (shared(TUTORIAL) / run / name).read_text().splitlines()
    return parse_geometry_in(lines, name, struct_id=run.rpartition("/")[2])


def program(tmp_path: Path, run: str, body: str = "sys.stdout.write(text)") -> str:
    """A command that does something with the text of a real output for its inputs."""
    path = tmp_path / "program.py"
    path.write_text(
        f"import os, signal, sys, time\nfrom pathlib import Path\nsys.path.insert(0, {str(TOOLS)!r})\n"
        f"from aims_replay import replay\nstarts = Path({str(tmp_path / 'starts')!r})\n"
        "starts.write_text(starts.read_text() + 'x' if starts.exists() else 'x')\nstart = len(starts.read_text())\n"
        f"text = replay(Path({str(shared(TUTORIAL) / run)!r}))\n" + textwrap.dedent(body)
    )
    return shlex.join([sys.executable, "-S", str(path)])


def starts(tmp_path: Path) -> int:
    path = tmp_path / "starts"
    return len(path.read_text()) if path.exists() else 0


def engine(run: str, command: str, **settings) -> AimsEngine:
    control = settings.pop("control", None) or (shared(TUTORIAL) / run / "control.in").read_text()
    return AimsEngine(aims_command=command, control=control, **{"grace": 0.5} | settings)


def failure(tmp_path: Path, run: str, body: str, relax: bool = False, context: Context | None = None, **settings):
    context = context or Context(folder=tmp_path / "results" / "one")
    with pytest.raises(EngineError) as caught:
        engine(run, program(tmp_path, run, body), **settings).evaluate(geometry(run), relax=relax, context=context)
    return caught.value


def nothing_left(folder: Path) -> bool:
    return not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("run", ENERGIES)
def test_real_runs(tmp_path, run):
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
        assert found.forces.shape == end.positions.shape and np.abs(found.forces).max() < 0.01
        assert np.allclose(reached[-1].positions, end.positions)
    files = {"control.in", "geometry.in", "aims.out"} | ({"geometry.in.next_step"} if relax else set())
    assert {path.name for path in folder.iterdir()} == files
    assert nothing_left(folder.parent)
    details = found.details
    assert (details["version"], details["engine"], details["attempts"], details["restarts"]) == (
        "FHI-aims 190522",
        "aims",
        1,
        0,
    )
    assert details["method"].startswith("pbe vdw_correction_hirshfeld")
    assert details["relaxation_steps"] == {MOLECULE: 2, CRYSTAL: 0, RELAXATION: 14}[run]
    json.dumps(details)


def test_stress_is_that_of_the_last_geometry(tmp_path):
    text = (shared(TUTORIAL) / RELAXATION / "aims.out").read_text()
    last = text[text.rindex("Analytical stress tensor - Symmetrized") :].splitlines()[5:8]
    stated = [[float(word) for word in line.split()[2:5]] for line in last]
    found = parse_output(shared(TUTORIAL) / RELAXATION / "aims.out")
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
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system (/dev/shm)")
    folder = tmp_path / "one"
    made = engine(CRYSTAL, program(tmp_path, CRYSTAL), scratch_dir=str(memory))
    made.evaluate(geometry(CRYSTAL), context=Context(folder=folder))
    assert {path.name for path in folder.iterdir()} == {"control.in", "geometry.in", "aims.out"}
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
    assert {path.name for path in folder.iterdir()} == {"control.in", "geometry.in"}
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


class TestClasses:
    """Every way to fail, and its class."""

    @pytest.mark.parametrize(
        ("body", "kind", "permanent", "words"),
        [
            ("sys.stdout.write(text[: len(text) // 2])", "crash", False, "crashed"),
            (
                f"sys.stdout.write(text.split({BUILT!r})[0] + '* Error: unknown keyword'); sys.exit(1)",
                "input",
                True,
                "exit status 1",
            ),
            (
                "sys.stdout.write(text.replace('Self-consistency cycle converged.', 'x'))",
                "scf",
                True,
                "did not converge",
            ),
            ("sys.stdout.write(text[:-2000] + 'scf_solver: SCF cycle not converged.')", "scf", True, "scf_solver"),
            (
                "sys.stdout.write(text[:-2000]); sys.stdout.flush(); os.kill(os.getpid(), 9)",
                "memory",
                False,
                "exit status 137",
            ),
            (
                "sys.stdout.write(text[:-2000]); sys.stderr.write('slurmstepd: Detected 1 oom-kill event')",
                "memory",
                False,
                "oom",
            ),
            (
                "sys.stdout.write(text[:-2000]); sys.stderr.write('CANCELLED DUE TO TIME LIMIT')",
                "walltime",
                False,
                "TIME LIMIT",
            ),
            ("sys.stdout.write(text[:-2000]); sys.stdout.flush(); os.kill(os.getpid(), 15)", "walltime", False, "143"),
            ("sys.stdout.write(text[:-2000]); sys.stdout.flush(); os.kill(os.getpid(), 11)", "crash", False, "139"),
            (
                "sys.stderr.write('srun: error: execve(): aims.x: No such file'); sys.exit(2)",
                "launcher",
                False,
                "execve",
            ),
            ("pass", "launcher", False, "did not start"),
            (
                "sys.stdout.write(text.replace('12628.587120510 eV', 'NaN eV'))",
                "crash",
                False,
                "aims.out: the energy is not a finite number",
            ),
        ],
    )
    def test_single_points(self, tmp_path, body, kind, permanent, words):
        error = failure(tmp_path, CRYSTAL, body)
        assert (error.kind, error.permanent) == (kind, permanent), str(error)
        assert words in str(error) and "\n" not in str(error) and str(error).startswith("geometry_00c3602574: ")
        assert error.folder == str(tmp_path / "results" / "one")
        assert starts(tmp_path) == 1
        assert nothing_left(tmp_path / "results")
        written = (tmp_path / "results" / "one" / "aims.out").read_text()
        assert not written or error.output.startswith(written[-4000:][:100])

    def test_another_geometry(self, tmp_path):
        body = f"sys.stdout.write(Path({str(shared(TUTORIAL) / CRYSTAL / 'aims.out')!r}).read_text())"
        made = engine(CRYSTAL, program(tmp_path, CRYSTAL, body))
        assert made.evaluate(geometry(CRYSTAL)).energy == ENERGIES[CRYSTAL]
        moved = geometry(CRYSTAL)
        moved.positions[3, 1] += 1e-4
        with pytest.raises(EngineError, match="another geometry than the one it was sent") as caught:
            made.evaluate(moved)
        assert caught.value.kind == "input"

    def test_a_geometry_that_is_not_repeated_is_read_from_the_table(self, tmp_path):
        body = """
        begin = text.index("Parsing geometry.in (first pass")
        end = text.index("Completed first pass over input file geometry.in")
        sys.stdout.write(text[:begin] + text[end:])
        """
        made = engine(CRYSTAL, program(tmp_path, CRYSTAL, body))
        assert made.evaluate(geometry(CRYSTAL)).energy == ENERGIES[CRYSTAL]
        moved = geometry(CRYSTAL)
        moved.lattice[2, 2] += 1e-4
        with pytest.raises(EngineError, match="another geometry"):
            made.evaluate(moved)

    def test_silence(self, tmp_path):
        error = failure(tmp_path, CRYSTAL, "print('Invoking FHI-aims', flush=True); time.sleep(60)", silence=1.0)
        assert (error.kind, error.permanent) == ("hang", False)

    def test_a_program_that_has_all_said_but_does_not_end(self, tmp_path):
        body = "sys.stdout.write(text); sys.stdout.flush(); time.sleep(60)"
        found = engine(CRYSTAL, program(tmp_path, CRYSTAL, body), silence=1.0).evaluate(geometry(CRYSTAL))
        assert found.energy == ENERGIES[CRYSTAL]

    def test_too_much_output(self, tmp_path):
        for body in ("while True: sys.stdout.write(text)", "os.execvp('yes', ['yes', '--', text[:10000]])"):
            error = failure(tmp_path, CRYSTAL, body, max_gigabytes=0.003)
            assert (error.kind, error.permanent) == ("output", False)
            assert len(error.output) <= 8001
            assert (tmp_path / "results" / "one" / "aims.out").stat().st_size <= 3_000_000

    def test_a_folder_that_cannot_be_written(self, tmp_path):
        (tmp_path / "results").write_text("a file, no folder")
        error = failure(tmp_path, CRYSTAL, "sys.stdout.write(text)", scratch_dir=str(tmp_path))
        assert error.kind == "output" and "cannot be written" in str(error)

    def test_unusable_structures_are_not_launched(self, tmp_path):
        made = engine(CRYSTAL, program(tmp_path, CRYSTAL))
        crystal = geometry(CRYSTAL)
        crystal.positions[1] = crystal.positions[0] + 0.1
        flat = Structure(0.2 * crystal.lattice, crystal.species, crystal.positions)
        for structure in (crystal, flat):
            with pytest.raises(EngineError) as caught:
                made.evaluate(structure)
            assert (caught.value.kind, caught.value.permanent) == ("input", True)
        assert starts(tmp_path) == 0


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
        made.evaluate(geometry(CRYSTAL), context=Context(folder=tmp_path / "one", cores=5))
        assert (tmp_path / "one" / "aims.out.err").read_text() == "3 ['-n', '5']\n"

    def test_geometry_in_has_enough_digits(self, tmp_path):
        structure = geometry(CRYSTAL)
        structure.positions += 1.23456789e-5
        engine(CRYSTAL, program(tmp_path, CRYSTAL)).evaluate(structure, context=Context(folder=tmp_path / "one"))
        written = parse_geometry_in((tmp_path / "one" / "geometry.in").read_text().splitlines())
        assert np.abs(written.positions - structure.positions).max() < 1e-10


SCF_UNTIL = """
fixed = {word!r} in Path('control.in').read_text()
sys.stdout.write(text if fixed else text.replace('Self-consistency cycle converged.', 'x'))
"""


class TestRemedies:
    @pytest.mark.parametrize(
        ("word", "number"), [("charge_mix_param 0.05", 1), ("sc_iter_limit 3000", 2), ("kerker off", 3)]
    )
    def test_a_cycle_that_converges_at_last(self, tmp_path, word, number):
        folder = tmp_path / "one"
        made = engine(CRYSTAL, program(tmp_path, CRYSTAL, SCF_UNTIL.format(word=word)), auto_correct=True)
        found = made.evaluate(geometry(CRYSTAL), context=Context(folder=folder))
        assert found.energy == ENERGIES[CRYSTAL]
        tried = ["scf: charge_mix_param 0.05", "scf: sc_iter_limit 3000", "scf: preconditioner kerker off"]
        assert found.details["corrections"] == tried[:number]
        assert found.details["attempts"] == number + 1 == starts(tmp_path)
        # The outputs of the attempts that failed are kept, each under its number.
        assert sorted(path.name for path in folder.glob("aims.out.*")) == [f"aims.out.{n + 1}" for n in range(number)]
        assert found.details["settings_hash"] == made.settings_hash

    def test_one_that_never_does(self, tmp_path):
        error = failure(tmp_path, CRYSTAL, SCF_UNTIL.format(word="never"), auto_correct=True)
        assert (error.kind, error.permanent, starts(tmp_path)) == ("scf", True, 4)
        assert "tried: scf: charge_mix_param 0.05, scf: sc_iter_limit 3000" in str(error)

    def test_only_when_asked_for(self, tmp_path):
        assert failure(tmp_path, CRYSTAL, SCF_UNTIL.format(word="never")).kind == "scf"
        assert starts(tmp_path) == 1


# A relaxation that stops before it is done, some times; the next step is a little away from where it was sent.
STOPS = """
if start <= {times}:
    lines = [line for line in Path('geometry.in').read_text().splitlines() if line.startswith('atom')]
    lines[0] = f'atom 0.0 1.40{{start}} 0.0 C'
    Path('geometry.in.next_step').write_text(chr(10).join(lines + ['trust_radius 0.2', 'hessian_file']) + chr(10))
    if {hessian}: Path('hessian.aims').write_text(f'hessian after {{start}}')
    text = text.replace('Present geometry is converged.', 'Present geometry is not yet converged.')
    sys.stdout.write({said})
else:
    sys.stdout.write(text)
"""
LIMIT = "text[: text.rindex('Have a nice')] + '* Maximum number of relaxation steps exceeded.'"
NICE_LIMIT = "text"
WALLTIME = "text[: text.rindex('Have a nice')] + '*** WARNING: FHI-aims is terminating due to walltime restrictions'"


class TestRestarts:
    @pytest.mark.parametrize(
        ("said", "kind"), [(LIMIT, "relaxation"), (NICE_LIMIT, "relaxation"), (WALLTIME, "walltime")]
    )
    @pytest.mark.parametrize("hessian", [True, False])
    def test_a_relaxation_is_gone_on_with(self, tmp_path, said, kind, hessian):
        folder = tmp_path / "one"
        made = engine(MOLECULE, program(tmp_path, MOLECULE, STOPS.format(times=2, said=said, hessian=hessian)))
        found = made.evaluate(geometry(MOLECULE), relax=True, context=Context(folder=folder))
        assert (found.energy, found.converged) == (ENERGIES[MOLECULE], True)
        with_it = " with its Hessian" if hessian else ""
        assert found.details["corrections"] == [f"{kind}: restart from geometry.in.next_step{with_it}"] * 2
        assert (found.details["attempts"], found.details["restarts"]) == (3, 2)
        sent = (folder / "geometry.in").read_text()
        assert "trust_radius 0.2\n" in sent and ("hessian_file\n" in sent) is hessian
        before = geometry(MOLECULE).positions
        assert not np.allclose(parse_geometry_in(sent.splitlines()).positions, before)
        assert not (folder / "hessian.aims").exists()  # only an unfinished relaxation keeps it

    def test_the_hessian_is_kept_on_request(self, tmp_path):
        command = program(tmp_path, MOLECULE, "Path('hessian.aims').write_text('H'); sys.stdout.write(text)")
        made = engine(MOLECULE, command, keep_files=["hessian.aims", "aims.out"])
        made.evaluate(geometry(MOLECULE), relax=True, context=Context(folder=tmp_path / "one"))
        assert (tmp_path / "one" / "hessian.aims").read_text() == "H" and (tmp_path / "one" / "aims.out").exists()

    def test_an_unfinished_relaxation_keeps_its_hessian(self, tmp_path):
        failure(tmp_path, MOLECULE, STOPS.format(times=1, said=LIMIT, hessian=True), relax=True, max_restarts=0)
        assert (tmp_path / "results" / "one" / "hessian.aims").read_text() == "hessian after 1"

    def test_within_a_cap(self, tmp_path):
        body = STOPS.format(times=9, said=LIMIT, hessian=False)
        error = failure(tmp_path, MOLECULE, body, relax=True, max_restarts=2)
        assert (error.kind, error.permanent, starts(tmp_path)) == ("relaxation", True, 3)
        assert "exceeded" in str(error)

    def test_not_where_it_does_not_move(self, tmp_path):
        body = f"sys.stdout.write({LIMIT})"  # its geometry.in.next_step is always the same
        assert failure(tmp_path, MOLECULE, body, relax=True).kind == "relaxation"
        assert starts(tmp_path) == 2

    def test_not_without_a_geometry_to_go_on_from(self, tmp_path):
        body = f"Path('geometry.in.next_step').unlink(); sys.stdout.write({LIMIT})"
        assert failure(tmp_path, MOLECULE, body, relax=True).kind == "relaxation"
        assert starts(tmp_path) == 1


RELAXES_FOR_EVER = """
print('Invoking FHI-aims', flush=True)
for step in range(1000):
    lines = [line for line in Path('geometry.in').read_text().splitlines() if line.startswith('atom')]
    words = lines[0].split(); words[1] = f'{float(words[1]) + 1e-3 * (step + 1):.8f}'
    Path('new').write_text(chr(10).join([' '.join(words), *lines[1:]]) + chr(10))
    os.replace('new', 'geometry.in.next_step'); print(step, flush=True); time.sleep(0.3)
"""


class TestTime:
    def test_the_deadline(self, tmp_path):
        reached: list[Structure] = []
        context = Context(folder=tmp_path / "one", deadline=time.time() + 4.0, checkpoint=reached.append)
        error = failure(tmp_path, MOLECULE, RELAXES_FOR_EVER, relax=True, context=context)
        assert (error.kind, error.permanent, starts(tmp_path)) == ("walltime", False, 1)
        moves = [one.positions[0, 0] for one in reached]
        assert len(moves) >= 2 and moves == sorted(moves)
        kept = parse_geometry_in((tmp_path / "one" / "geometry.in.next_step").read_text().splitlines())
        assert np.allclose(kept.positions, reached[-1].positions)

    def test_a_stop(self, tmp_path):
        context = Context(folder=tmp_path / "one", should_stop=lambda: starts(tmp_path) > 0)
        assert failure(tmp_path, MOLECULE, RELAXES_FOR_EVER, relax=True, context=context).kind == "walltime"
        assert starts(tmp_path) == 1

    def test_a_program_that_is_deaf_to_sigterm(self, tmp_path):
        body = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('Invoking FHI-aims', flush=True); time.sleep(600)"
        error = failure(tmp_path, CRYSTAL, body, context=Context(deadline=time.time() + 1.5))
        assert (error.kind, error.permanent, starts(tmp_path)) == ("walltime", False, 1)

    def test_no_time_at_all(self, tmp_path):
        error = failure(tmp_path, CRYSTAL, "", context=Context(deadline=time.time() - 1))
        assert (error.kind, starts(tmp_path)) == ("walltime", 0)

    def test_the_next_attempt_goes_on_from_there(self, tmp_path):
        folder = tmp_path / "one"
        context = Context(
            folder=folder, should_stop=(tmp_path / "stop").exists, checkpoint=lambda s: (tmp_path / "stop").touch()
        )
        failure(tmp_path, MOLECULE, RELAXES_FOR_EVER, relax=True, context=context)
        left = parse_geometry_in((folder / "geometry.in.next_step").read_text().splitlines())
        found = engine(MOLECULE, program(tmp_path, MOLECULE)).evaluate(
            geometry(MOLECULE), relax=True, context=Context(folder=folder)
        )
        sent = parse_geometry_in((folder / "geometry.in").read_text().splitlines())
        assert np.allclose(sent.positions, left.positions) and sent.positions[0, 0] > geometry(MOLECULE).positions[0, 0]
        assert found.energy == ENERGIES[MOLECULE] and "earlier attempt" in found.details["reason"]

    def test_nor_is_it_lost_where_the_next_attempt_cannot_start(self, tmp_path):
        folder = tmp_path / "one"
        body = STOPS.format(times=1, said=LIMIT, hessian=True)
        failure(tmp_path, MOLECULE, body, relax=True, context=Context(folder=folder), max_restarts=0)
        left = (folder / "geometry.in.next_step").read_text()
        for _ in range(2):
            failure(
                tmp_path,
                MOLECULE,
                "Path('geometry.in.next_step').write_text('ato'); sys.exit(1)",
                relax=True,
                context=Context(folder=folder),
            )
        made = engine(MOLECULE, "/nowhere/aims.x")
        with pytest.raises(EngineError, match="no such file"):
            made.evaluate(geometry(MOLECULE), relax=True, context=Context(folder=folder))
        assert (folder / "geometry.in.next_step").read_text() == left


class TestTakenOver:
    """What an earlier attempt has left in the folder counts only when it is whole and of the same input."""

    def evaluate(self, tmp_path, run=CRYSTAL, structure=None, **settings):
        made = engine(run, program(tmp_path, run), **settings)
        context = Context(folder=tmp_path / "one")
        return made.evaluate(structure or geometry(run), relax=run != CRYSTAL, context=context)

    @pytest.mark.parametrize("run", ENERGIES)
    def test_a_finished_calculation(self, tmp_path, run):
        first = self.evaluate(tmp_path, run)
        again = self.evaluate(tmp_path, run)
        assert starts(tmp_path) == 1
        assert again.energy == first.energy and np.array_equal(again.structure.positions, first.structure.positions)
        assert "taken over" in again.details["reason"] and again.details["attempts"] == 0

    def test_one_that_was_corrected_or_gone_on_with(self, tmp_path):
        cases = [
            (CRYSTAL, SCF_UNTIL.format(word="sc_iter_limit 3000"), 3),
            (MOLECULE, STOPS.format(times=2, said=LIMIT, hessian=True), 3),
        ]
        for run, body, needed in cases:
            (tmp_path / run).mkdir(parents=True)
            context = Context(folder=tmp_path / run / "one")
            made = engine(run, program(tmp_path / run, run, body), auto_correct=True)
            found = [made.evaluate(geometry(run), relax=run == MOLECULE, context=context) for _ in range(2)]
            assert found[0].energy == found[1].energy and starts(tmp_path / run) == needed
            assert "taken over" in found[1].details["reason"]

    def test_not_one_computed_by_hand_with_another_control(self, tmp_path):
        self.evaluate(tmp_path)
        for name in ("control.in", "aims.out"):
            path = tmp_path / "one" / name
            path.write_text(path.read_text().replace("xc                 pbe", "xc                 pbe0"))
        self.evaluate(tmp_path)
        assert starts(tmp_path) == 2

    def test_not_of_another_control(self, tmp_path):
        self.evaluate(tmp_path)
        text = (shared(TUTORIAL) / CRYSTAL / "control.in").read_text()
        self.evaluate(tmp_path, control=text.replace("k_grid", "k_grid 4 4 4 #"))
        assert starts(tmp_path) == 2

    def test_not_of_another_geometry(self, tmp_path):
        self.evaluate(tmp_path)
        moved = geometry(CRYSTAL)
        moved.positions[0, 0] += 1e-3
        self.evaluate(tmp_path, structure=moved)
        assert starts(tmp_path) == 2

    @pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
    def test_not_a_part_of_one(self, tmp_path, part):
        self.evaluate(tmp_path)
        path = tmp_path / "one" / "aims.out"
        text = path.read_text()
        path.write_text(text[: int(part * len(text))])
        assert self.evaluate(tmp_path).energy == ENERGIES[CRYSTAL]
        assert starts(tmp_path) == 2

    def test_not_an_output_of_other_inputs_beside_the_same_ones(self, tmp_path):
        """As a crash between the moves of the files could leave it."""
        self.evaluate(tmp_path)
        path = tmp_path / "one" / "aims.out"
        for old, new in (("xc                 pbe", "xc                 pbe0"), ("atom     0.0", "atom     0.5")):
            text = path.read_text()
            assert text.count(old)
            path.write_text(text.replace(old, new, 1))
            self.evaluate(tmp_path)
        assert starts(tmp_path) == 3

    def test_an_unfinished_relaxation_of_another_structure_is_not_gone_on_with(self, tmp_path):
        folder = tmp_path / "one"
        folder.mkdir()
        for name in ("control.in", "geometry.in.next_step"):
            (folder / name).write_text((shared(TUTORIAL) / MOLECULE / name).read_text())
        (folder / "geometry.in").write_text("atom 0 0 0 H\natom 0 0 0.74 H\n")
        assert self.evaluate(tmp_path, MOLECULE).details["reason"] == "converged"


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
        text = (shared(TUTORIAL) / CRYSTAL / "control.in").read_text()
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


TEAM = """
import sys, types
from pathlib import Path
from mpi4py import MPI
from genarris_fw.crystal.geometry_in import parse_geometry_in
from genarris_fw.engines.aims import AimsEngine
from genarris_fw.engines.base import Context
from genarris_fw.errors import EngineError
sys.path.insert(0, {tools!r})
from aims_replay import repeating

def run(communicator, library_dir, folder, context):
    calls.append(communicator.allgather(str(folder)))
    if communicator.rank == 0 and {writes}:
        text = Path({real!r}, "aims.out").read_text()
        import os; os.chdir(folder)
        Path("aims.out").write_text(repeating(repeating(text, "geometry.in"), "control.in").replace({old!r}, "x"))
    communicator.Barrier()

calls = []
def mpi():
    from mpi4py import MPI

    return MPI


library = types.ModuleType("genarris_fw.engines.aims.library")
library.run, library.mpi = run, mpi
sys.modules[library.__name__] = library
comm = MPI.COMM_WORLD
real = Path({real!r})
structure = parse_geometry_in((real / "geometry.in").read_text().splitlines(), struct_id="one")
engine = AimsEngine(aims_lib_dir="/library", control_path=str(real / "control.in"), auto_correct=True)
context = Context(folder=Path(sys.argv[1]), communicator=comm if comm.size > 1 else None)
try:
    found = engine.evaluate(structure, context=context)
    said = [found.energy, found.structure.positions.sum(), found.details["attempts"], len(calls)]
except EngineError as error:
    said = [error.kind, error.permanent, len(calls), "tried" in str(error)]
assert all(len(set(call)) == 1 for call in calls)
Path(sys.argv[1] + f".rank{{comm.rank}}").write_text(repr(said))
"""


@pytest.mark.parametrize("ranks", [1, 3])
@pytest.mark.parametrize("case", ["converges", "never converges", "writes nothing"])
def test_the_library_over_a_communicator(tmp_path, ranks, case):
    """All ranks call the library together and come to the same end."""
    pytest.importorskip("mpi4py")
    real = str(shared(TUTORIAL) / CRYSTAL)
    old = "Self-consistency cycle converged." if case == "never converges" else "no such words"
    text = TEAM.format(tools=str(TOOLS), real=real, old=old, writes=case != "writes nothing")
    (tmp_path / "team.py").write_text(text)
    command = [mpiexec(), "-n", str(ranks), sys.executable, str(tmp_path / "team.py"), str(tmp_path / "one")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    said = {(tmp_path / f"one.rank{rank}").read_text() for rank in range(ranks)}
    total = geometry(CRYSTAL).positions.sum()
    expected = {
        "converges": [ENERGIES[CRYSTAL], total, 1, 1],
        "never converges": ["scf", True, 4, True],
        "writes nothing": ["launcher", False, 1, False],
    }[case]
    assert said == {repr(expected)}


STAND_IN = TOOLS / "aims_stand_in.py"
WATER = Structure(None, ["O", "H", "H"], [[0, 0, 0.12], [0, 0.78, -0.47], [0, -0.75, -0.5]], struct_id="water")
# Made up: no species defaults of FHI-aims.
SPECIES = "species O\n  nucleus 8\n  mass 15.999\nspecies H\n  nucleus 1\n  mass 1.008\n"
SINGLE, RELAXING = f"xc pbe\n{SPECIES}", f"xc pbe\nrelax_geometry bfgs 1e-2\n{SPECIES}"


class TestStandIn:
    """A program that speaks FHI-aims' files and computes with tblite, and misbehaves when it is told to."""

    def evaluate(self, tmp_path, relax: bool, **settings):
        command = shlex.join([sys.executable, str(STAND_IN)])
        made = AimsEngine(
            aims_command=command, control=RELAXING if relax else SINGLE, **{"grace": 0.5, "max_restarts": 1} | settings
        )
        return made.evaluate(WATER, relax=relax, context=Context(folder=tmp_path / "water"))

    @pytest.mark.parametrize("relax", [False, True])
    def test_it_computes(self, tmp_path, relax):
        found = self.evaluate(tmp_path, relax)
        reference = engines.get("tblite", fmax=0.01).evaluate(WATER, relax=relax)
        assert found.converged and found.energy == pytest.approx(reference.energy, abs=1e-3 if relax else 1e-6)

    @pytest.mark.parametrize(
        ("misbehaviour", "relax", "kind"),
        [
            ("crash", False, "crash"),
            ("hang", False, "hang"),
            ("truncated", False, "crash"),
            ("scf_unconverged", False, "scf"),
            ("relaxation_limit", True, "relaxation"),
            ("memory", False, "memory"),
            ("walltime", True, "walltime"),
            ("wrong_geometry", False, "input"),
            ("nan", False, "crash"),
            ("endless", False, "output"),
            ("hang_hard", False, "hang"),
            ("launcher", False, "launcher"),
        ],
    )
    def test_it_misbehaves(self, tmp_path, monkeypatch, misbehaviour, relax, kind):
        monkeypatch.setenv("AIMS_STAND_IN_MISBEHAVE", misbehaviour)
        with pytest.raises(EngineError) as caught:
            silence = 8.0 if kind == "hang" else 300.0
            self.evaluate(tmp_path, relax, silence=silence, max_gigabytes=0.003)
        assert caught.value.kind == kind, str(caught.value)
        assert caught.value.folder == str(tmp_path / "water")
        monkeypatch.delenv("AIMS_STAND_IN_MISBEHAVE")
        assert self.evaluate(tmp_path, relax).converged

    def test_a_cycle_is_made_to_converge(self, tmp_path, monkeypatch):
        monkeypatch.setenv("AIMS_STAND_IN_MISBEHAVE", "scf_unconverged")
        found = self.evaluate(tmp_path, False, auto_correct=True)
        assert found.converged and found.details["corrections"] == ["scf: charge_mix_param 0.05"]

    def test_a_relaxation_is_gone_on_with_until_it_converges(self, tmp_path, monkeypatch):
        straight = self.evaluate(tmp_path / "straight", True)
        monkeypatch.setenv("AIMS_STAND_IN_MISBEHAVE", "relaxation_limit")
        monkeypatch.setenv("AIMS_STAND_IN_STEPS", "3")
        found = self.evaluate(tmp_path, True, max_restarts=20)
        assert found.converged and found.details["restarts"] >= 1
        assert found.energy == pytest.approx(straight.energy, abs=1e-3)
