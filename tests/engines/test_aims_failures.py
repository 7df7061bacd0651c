"""What FHI-aims says when it fails, and the class of failure that the engine makes of it."""

from __future__ import annotations

import pytest
from aims_replayed import BUILT, CRYSTAL, ENERGIES, aims_run, engine, failure, geometry, nothing_left, program, starts

from genarris_fw.crystal import Structure
from genarris_fw.errors import EngineError


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
                f"sys.stdout.write(text.replace('{-ENERGIES[CRYSTAL]:.9f} eV', 'NaN eV'))",
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
        body = f"sys.stdout.write(Path({str(aims_run(CRYSTAL) / 'aims.out')!r}).read_text())"
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
        found = engine(CRYSTAL, program(tmp_path, CRYSTAL, body), silence=5.0).evaluate(geometry(CRYSTAL))
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
